//! Rows that are computed side by side on the CPU: each thread takes pieces of them from the first layer to the last, the costliest first.
//!
//! Threads that share a product wait for each other at its end. Those that compute pieces have nothing to wait for, as long as there are
//! rows enough for all of them. Where rows are cut, which depends on the threads, can change the last digits of a sum in f32: `gemm` has ways of
//! its own for one row, and for as few rows as columns. Products of bf16 by the processor's own instruction have one way.

use super::edit::EditedPrompt;
use super::entry::SweepEntry;
use super::operations::layer_operations;
use super::origin::{MOST_POSITIONS, SweepOrigin};
use super::parallel::is_small;
use super::vocabulary::Vocabulary;
use std::cmp::Reverse;

/// Floating-point operations of a position of a layer from which on products take so long that threads which share them hardly wait.
const LARGE: u64 = 1 << 27;

/// Positions of a piece of a small model's rows that have nothing in common, about: what it computes of them stays in the cache.
const POSITIONS_OF_SMALL: usize = 256;

/// Positions of a small model's rows that each thread has memory for at least, where there are several threads.
const LEAST_OF_SMALL: usize = 64;

/// Positions of a piece at least, about: of fewer, reading the weights of a layer takes long beside multiplying with them.
const LEAST_POSITIONS: usize = 256;

/// Pieces for each thread, so that none has much to do when the others are done.
const PIECES_OF_THREAD: usize = 4;

/// Pieces of rows, and how many threads compute them.
pub(super) struct SideBySide {
    /// The costliest first.
    pub pieces: Vec<Vec<SweepEntry>>,
    pub threads: usize,
}

impl SideBySide {
    /// Of these entries; they come back where threads do better to share every product: of a large model, of few rows, of such as are mostly
    /// one prompt's, with little memory, and where layers are read from disk, once for all rows.
    pub fn of(
        origin: &SweepOrigin,
        rows: &[EditedPrompt],
        entries: Vec<SweepEntry>,
        vocabulary: &Vocabulary,
    ) -> Result<Self, Vec<SweepEntry>> {
        let (facts, length) = (origin.transformer.facts(), origin.base.tokens.pos);
        let Some(PieceSize { positions, threads, is_small }) = PieceSize::of(origin, &entries, vocabulary) else {
            return Err(entries);
        };
        // Positions of layers, were no two rows the same anywhere.
        let of_entry = |entry: &SweepEntry| entry.positions(length) * (1 + facts.n_layers - entry.join.layer);
        let pieces = pieces(rows, entries, length, positions);
        let mut costs: Vec<(usize, Vec<SweepEntry>)> =
            pieces.into_iter().map(|piece| (piece.iter().map(of_entry).sum(), piece)).collect();
        costs.sort_by_key(|&(cost, _)| Reverse(cost));
        let (total, costliest) =
            (costs.iter().map(|(cost, _)| cost).sum::<usize>(), costs.first().map_or(0, |most| most.0));
        let is_even = is_small || costs.len() >= 2 * threads && costliest <= total / threads;
        let pieces: Vec<Vec<SweepEntry>> = costs.into_iter().map(|(_, piece)| piece).collect();
        if pieces.len() < 2 || !is_even {
            let mut entries = pieces.concat();
            entries.sort_by_key(SweepEntry::order);
            return Err(entries);
        }
        Ok(Self { threads: threads.min(pieces.len()), pieces })
    }
}

/// How large pieces are.
struct PieceSize {
    /// Positions of a piece, about.
    positions: usize,
    /// Threads that there is memory for.
    threads: usize,
    /// Whether the model is small: sharing a product is worse for it than threads that have nothing to do at the end.
    is_small: bool,
}

impl PieceSize {
    /// Where there are rows and memory enough for all threads, and the model is neither large nor read from disk.
    fn of(origin: &SweepOrigin, entries: &[SweepEntry], vocabulary: &Vocabulary) -> Option<Self> {
        let (transformer, length) = (origin.transformer, origin.base.tokens.pos);
        let is_large = layer_operations(transformer.facts()) >= LARGE;
        if is_large || !transformer.is_fast() || transformer.reads().is_some() {
            return None;
        }
        let all = rayon::current_num_threads();
        let of_rows = || entries.iter().map(|entry| entry.positions(length));
        let longest = of_rows().max()?;
        let fit = origin.rows_that_fit(longest, vocabulary.len(transformer));
        let with_memory = |least: usize| all.min(fit / least.div_ceil(longest));
        if is_small(transformer) {
            let threads = with_memory(LEAST_OF_SMALL);
            return (2 * threads >= all).then_some(Self { positions: POSITIONS_OF_SMALL, threads, is_small: true });
        }
        let (threads, total) = (with_memory(LEAST_POSITIONS), of_rows().sum::<usize>());
        if all < 2 || threads < all || total < 2 * all * LEAST_POSITIONS {
            return None;
        }
        let most = MOST_POSITIONS.min(fit / all * longest).max(LEAST_POSITIONS);
        let positions = (total / (PIECES_OF_THREAD * all)).clamp(LEAST_POSITIONS, most);
        Some(Self { positions, threads, is_small: false })
    }
}

/// Cuts rows into pieces of about so many positions that are computed apart: of some rows each, or of some prompts where rows may have
/// edits in common, so that rows that are the same run up to some layer stay together.
fn pieces(rows: &[EditedPrompt], entries: Vec<SweepEntry>, length: usize, of_piece: usize) -> Vec<Vec<SweepEntry>> {
    let positions = |entry: &SweepEntry| entry.positions(length);
    if entries.iter().all(|entry| rows[entry.row].edits.len() == 1) {
        return cut(entries, positions, |_, _| true, of_piece);
    }
    let prompt = |entry: &SweepEntry| rows[entry.row].prompt;
    let mut entries = entries;
    entries.sort_by_key(prompt);
    let mut pieces = cut(entries, positions, |a, b| prompt(a) != prompt(b), of_piece.max(MOST_POSITIONS));
    for piece in &mut pieces {
        piece.sort_by_key(SweepEntry::order);
    }
    pieces
}

/// Consecutive pieces of at least `positions`, the last one but for, cut where two entries may be apart.
fn cut(
    entries: Vec<SweepEntry>,
    positions: impl Fn(&SweepEntry) -> usize,
    apart: impl Fn(&SweepEntry, &SweepEntry) -> bool,
    least: usize,
) -> Vec<Vec<SweepEntry>> {
    let mut pieces: Vec<Vec<SweepEntry>> = Vec::new();
    let mut held = least;
    for entry in entries {
        let open =
            pieces.last_mut().filter(|piece| held < least || piece.last().is_some_and(|last| !apart(last, &entry)));
        match open {
            Some(piece) => {
                held += positions(&entry);
                piece.push(entry);
            }
            None => {
                held = positions(&entry);
                pieces.push(vec![entry]);
            }
        }
    }
    pieces
}
