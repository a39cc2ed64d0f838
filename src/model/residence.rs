//! Which of a model's weights are in memory while it runs: all, or, where `memory_mib` of the model is less than they take,
//! embedding, unembedding and as many first layers as fit.

use super::facts::{Facts, PositionEncoding};
use super::host::{BlockSize, HostModel};
use serde::Serialize;

/// A model whose layers are not all in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Residence {
    /// How many of the first layers are.
    pub held: usize,
    /// How many there are.
    pub layers: usize,
    /// Bytes in memory of what is held: embedding, unembedding, and the first layers.
    pub held_bytes: usize,
    /// Bytes in memory of the largest of the layers that are read: two of them are there at once.
    pub layer_bytes: usize,
    /// Bytes of files that reading all of them once reads.
    pub read_bytes: u64,
}

/// Less memory than what has to be held takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "memory_mib = {given} is less than embedding and unembedding take, which are held in memory; write memory_mib = {least} or more"
)]
pub struct TooLittleMemory {
    given: usize,
    least: usize,
}

impl Residence {
    /// Of a model whose weights take `element` bytes each in memory; `None` where all fit into so many mebibytes.
    ///
    /// # Errors
    /// Less memory than embedding and unembedding take.
    pub fn of(model: &dyn HostModel, element: usize, memory_mib: usize) -> Result<Option<Self>, TooLittleMemory> {
        let facts = model.facts();
        let budget = memory_mib.saturating_mul(1 << 20);
        let mut held_bytes = element * around(facts);
        if held_bytes > budget {
            return Err(TooLittleMemory { given: memory_mib, least: held_bytes.div_ceil(1 << 20) });
        }
        let sizes: Vec<BlockSize> = (0..facts.n_layers).map(|layer| model.block_size(layer)).collect();
        let mut held = 0;
        for size in &sizes {
            if held_bytes + element * size.elements > budget {
                break;
            }
            held_bytes += element * size.elements;
            held += 1;
        }
        let read = &sizes[held..];
        let largest = read.iter().map(|size| element * size.elements).max();
        Ok(largest.map(|layer_bytes| Self {
            held,
            layers: sizes.len(),
            held_bytes,
            layer_bytes,
            read_bytes: read.iter().map(|size| size.stored).sum(),
        }))
    }

    /// Bytes of weights that are in memory at once, at most.
    pub fn most_bytes(&self) -> usize {
        self.held_bytes + self.layer_bytes * (self.layers - self.held).min(2)
    }
}

/// Weights before the first and after the last layer.
fn around(facts: &Facts) -> usize {
    let tables = if facts.tied { 1 } else { 2 };
    let positions = if facts.positions == PositionEncoding::Learned { facts.n_ctx } else { 0 };
    (tables * facts.n_vocab + positions) * facts.d_model
}
