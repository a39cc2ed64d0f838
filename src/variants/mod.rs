//! How variants of a spec and its steps depend on each other: which rows they share, what reads what, and in which
//! order.

pub mod groups;
pub mod order;
pub mod pool;
pub mod reads;

pub use groups::{VariantGroup, VariantGroups};
