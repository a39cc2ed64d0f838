//! What variants of a spec and its parts have to do with each other: which rows they share, what reads what, in which order.

pub mod groups;
pub mod order;
pub mod pool;
pub mod reads;

pub use groups::{VariantGroup, VariantGroups};
