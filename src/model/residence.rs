//! Which of a model's weights are in memory while it runs: all, or, where `memory_mib` of the model is less than they take,
//! embedding, unembedding and as many first layers as fit.

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
    "memory_mib = {given} is too small, because embedding and unembedding stay in memory; write memory_mib = {least} or more"
)]
pub struct TooLittleMemory {
    given: usize,
    least: usize,
}

impl Residence {
    /// Of a model whose weights take `element` bytes each in memory, or as many as they are stored in where that is less and they are held
    /// so; `None` where all fit into so many mebibytes.
    ///
    /// # Errors
    /// Less memory than embedding and unembedding take.
    pub fn of(
        model: &dyn HostModel,
        (element, as_stored): (usize, bool),
        memory_mib: usize,
    ) -> Result<Option<Self>, TooLittleMemory> {
        let bytes = |size: &BlockSize| size.bytes(element, as_stored);
        let budget = memory_mib.saturating_mul(1 << 20);
        let mut held_bytes = bytes(&model.ends_size());
        if held_bytes > budget {
            return Err(TooLittleMemory { given: memory_mib, least: held_bytes.div_ceil(1 << 20) });
        }
        let sizes: Vec<BlockSize> = (0..model.facts().n_layers).map(|layer| model.block_size(layer)).collect();
        let mut held = 0;
        for size in &sizes {
            if held_bytes + bytes(size) > budget {
                break;
            }
            held_bytes += bytes(size);
            held += 1;
        }
        let read = &sizes[held..];
        let largest = read.iter().map(bytes).max();
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
