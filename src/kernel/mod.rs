//! Tensor operations of the forward pass, each in one place so that it can have a fast path on the CPU backend.

mod activation;
mod attention;
mod linear;
mod norm;
mod rotary;

pub use activation::{activate, gated};
pub use attention::{attention, attention_mix, attention_pattern, attention_scores};
pub use linear::linear;
pub use norm::{norm_parts, normalize};
pub use rotary::rotate;
