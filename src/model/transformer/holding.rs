//! How a model is held in memory.

use burn::tensor::DType;

/// How a model is held in memory.
#[derive(Debug, Clone, Copy)]
pub struct Holding {
    /// What it computes in.
    pub dtype: DType,
    /// Whether matrices that are stored in half width stay so, and are widened as they are used.
    pub as_stored: bool,
    /// How many of its first layers are in memory.
    pub layers: usize,
}
