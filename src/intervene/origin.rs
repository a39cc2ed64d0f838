//! What rows start from: the model, the clean run, the activations that edits read, and the memory that a sweep may take.

use super::activation::Activations;
use super::base::CleanRun;
use super::entry::SweepEntry;
use crate::kernel;
use crate::model::transformer::Transformer;

/// Positions of rows computed at once on the CPU: more make matrix products no faster, and fewer stay in the processor's cache.
pub(super) const MOST_POSITIONS: usize = 1024;

/// The same on a GPU, which is idle between products that are small for it. What the memory holds is the other bound.
const MOST_POSITIONS_ON_DEVICE: usize = 1 << 14;

/// Rows of one sweep at most; their positions are bounded by memory besides.
const MOST_ROWS: usize = 1 << 17;

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
        2 * 4 * entry.positions(self.base.tokens.pos) * self.transformer.facts().d_model
    }

    /// The entries of each sweep.
    pub fn sweeps<'e>(&self, entries: &'e [SweepEntry]) -> impl Iterator<Item = &'e [SweepEntry]> {
        let mut rest = entries;
        std::iter::from_fn(move || {
            let (sweep, after) = rest.split_at(if rest.is_empty() { 0 } else { self.sweep_rows(rest) });
            rest = after;
            (!sweep.is_empty()).then_some(sweep)
        })
    }

    /// How many of the first entries fit one sweep: their streams take half of the memory.
    fn sweep_rows(&self, entries: &[SweepEntry]) -> usize {
        let mut bytes = 0;
        let fits = |entry: &&SweepEntry| {
            bytes += self.stream_bytes(entry);
            bytes <= self.memory / 2
        };
        entries.iter().take(MOST_ROWS).take_while(fits).count().max(1)
    }

    /// Rows computed at once.
    pub fn chunk_rows(&self, positions: usize, columns: usize) -> usize {
        let most = match kernel::in_main_memory(&self.base.logits) {
            true => MOST_POSITIONS,
            false => MOST_POSITIONS_ON_DEVICE,
        };
        self.rows_that_fit(positions, columns).clamp(1, (most / positions).max(1))
    }

    /// Rows whose activations, or logits of so many columns, take the other half.
    pub fn rows_that_fit(&self, positions: usize, columns: usize) -> usize {
        // Logits are of one position per row; those of half width may have passed through f32.
        let of_column = size_of::<f32>() + self.base.logits.dtype().size();
        let per_row = (positions * self.position_bytes()).max(of_column * columns);
        self.memory / 2 / per_row.max(1)
    }

    /// Activations of a position of a layer.
    pub fn position_bytes(&self) -> usize {
        let facts = self.transformer.facts();
        4 * (6 * facts.d_model + 3 * facts.widest_mlp() + facts.n_heads * (3 * facts.d_head))
    }
}
