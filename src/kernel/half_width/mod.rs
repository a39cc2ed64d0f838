//! bf16 and f16 on the CPU: values are held and handed on in two bytes, and computed in f32.
//!
//! An operation widens its inputs, which is exact, computes what it computes of f32, and rounds what it gives once, to the
//! nearest and to even between two. It does so piece by piece, so that widened values stay in the processor's cache; those that every layer has
//! do so of bf16 value by value ([`of_bits`]). Products with weights, where nearly all of the time goes, have a way of their own ([`product`]).

mod by_pieces;
mod factors;
mod format;
mod lanes;
mod of_bits;
mod product;

pub(super) use by_pieces::{Pieces, by_pieces};
pub(super) use factors::HalfFactors;
pub(super) use format::{HalfWidth, widen_into};
pub(super) use lanes::{round_lane, widen_lane};
pub(super) use of_bits::of_bits;
pub(super) use product::product;
pub use product::without_dot_products;
