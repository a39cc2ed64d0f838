//! What rows start from: the model, the clean run, the activations that edits read, and the memory that a sweep may take.

use super::activation::Activations;
use super::base::CleanRun;
use super::entry::SweepEntry;
use crate::model::transformer::Transformer;

/// Positions of rows computed at once: more make matrix products no faster, and fewer stay in the processor's cache.
pub(super) const MOST_POSITIONS: usize = 1024;

/// What rows start from.
pub(super) struct SweepOrigin<'a> {
    pub transformer: &'a Transformer,
    pub base: &'a CleanRun,
    pub sources: &'a Activations,
    /// Bytes that a sweep may take beside the base.
    pub memory: usize,
}

impl SweepOrigin<'_> {
    /// The stream before a layer and the one after it.
    pub fn stream_bytes(&self, entry: &SweepEntry) -> usize {
        2 * 4 * (self.base.tokens.pos - entry.start) * self.transformer.facts().d_model
    }

    /// Positions computed at once: their activations take the other half.
    pub fn chunk_rows(&self, positions: usize, columns: usize) -> usize {
        // Logits are of one position per row.
        let per_row = (positions * self.position_bytes()).max(4 * 2 * columns);
        (self.memory / 2 / per_row).clamp(1, (MOST_POSITIONS / positions).max(1))
    }

    /// Activations of a position of a layer.
    pub fn position_bytes(&self) -> usize {
        let facts = self.transformer.facts();
        4 * (6 * facts.d_model + 3 * facts.widest_mlp() + facts.n_heads * (3 * facts.d_head))
    }
}
