//! Tensor operations of the forward pass, with a fast path on the CPU.
//!
//! burn's CPU backend multiplies matrices well, but its element-wise functions are scalar and run on one thread. Each
//! function here has a fast path for f32 on that backend (vectorised, several threads on large tensors, with its own
//! gradient on an autodiff device), by which bf16 and f16 are computed too where no gradient is wanted ([`half_width`]), and otherwise
//! falls back on burn's operations: same shapes, same results up to rounding.
//!
//! The fast path's results do not depend on the number of threads: work is cut at fixed places, sums are never split
//! over threads.

mod activation;
mod adam;
mod addition;
mod array;
mod attention;
mod attention_after;
mod blocks;
mod cross_entropy;
mod distribution;
mod elementwise;
mod few_rows;
mod finite;
mod half_width;
mod large_array;
mod linear;
mod matmul;
mod mixed;
mod norm;
mod operation;
mod rotary;
mod soft_cap;
mod threads;
mod tiles;
mod transfer;
mod vector;

pub use activation::{ActivationFunction, activate, gated};
pub use adam::{Adam, Moments};
pub use addition::add;
pub use attention::{Scores, attention, attention_mix, attention_pattern, attention_scores};
pub use attention_after::{OwnPast, Past, attention_after};
pub use blocks::{BlockFormat, BlockMatrix};
pub use cross_entropy::{cross_entropy, cross_entropy_of_rows};
pub use distribution::{Summary, divergence, pick, rank, summary};
pub use few_rows::few_rows;
pub use finite::all_finite;
pub use half_width::without_dot_products;
pub use large_array::keep_memory;
pub(crate) use linear::column_sums;
pub use linear::linear;
pub(crate) use matmul::{MatrixView, product_into};
pub use norm::{NormFunction, NormKind, norm_parts, normalize, scale_and_shift};
pub use operation::is_fast;
pub use rotary::{LongFrequencies, Pairing, Rotary, rotate, rotate_each};
pub use soft_cap::soft_cap;
pub use threads::alone;
pub use transfer::{Transfers, from_f32, in_main_memory, indices, mask, to_f32, transfers};
pub use vector::{Instructions, erf, exp, tanh};
