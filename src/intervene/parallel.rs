//! Small models: pieces of the work run side by side, each on one thread from the first layer to the last.
//!
//! A product of a small model takes microseconds, and threads that share it wait for each other longer than that. Where the
//! work is cut depends on the work alone, so that results do not depend on the number of threads.

use super::edit::EditedPrompt;
use super::entry::SweepEntry;
use super::operations::layer_operations;
use crate::kernel;
use crate::model::NotFinite;
use crate::model::facts::Facts;
use crate::model::transformer::{Tokens, Transformer};
use burn::tensor::Tensor;
use rayon::prelude::*;
use std::cmp::Reverse;

/// Floating-point operations of a position of a layer up to which a model is small.
const SMALL: u64 = 1 << 22;

/// Positions of a piece of a forward pass, about.
const POSITIONS_OF_PROMPTS: usize = 64;

/// Positions of a piece of a sweep whose rows have nothing in common, about.
const POSITIONS_OF_ROWS: usize = 256;

/// The same where rows of one prompt may be the same run up to some layer: they stay together.
const POSITIONS_OF_PREFIXES: usize = 1024;

/// Whether pieces of the work run side by side.
pub(super) fn is_small(transformer: &Transformer) -> bool {
    layer_operations(transformer.facts()) <= SMALL && transformer.is_fast()
}

/// Whether pieces of the work of a model of this shape run side by side, each on one thread; `like` lies where the model does.
pub fn runs_side_by_side<const D: usize>(facts: &Facts, like: &Tensor<D>) -> bool {
    layer_operations(facts) <= SMALL && kernel::is_fast(like)
}

/// Runs prompts, `batch` at a time; `keep` gets in order what `run` makes of them and of the number of the first, and their logits at the last
/// position, `[prompt, n_vocab]`, which must be finite. `pause` is called before each batch.
///
/// # Errors
/// Logits that are not, and what `pause` returns.
pub(super) fn batches<R: Send, E: From<NotFinite>>(
    transformer: &Transformer,
    (tokens, batch): (&Tokens, usize),
    mut pause: impl FnMut() -> Result<(), E>,
    run: impl Fn(usize, Tokens) -> (R, Tensor<2>) + Sync,
    mut keep: impl FnMut(R, Tensor<2>),
) -> Result<(), E> {
    for (first, part) in tokens.batches(batch) {
        pause()?;
        let pieces = (part.batch * part.pos).div_ceil(POSITIONS_OF_PROMPTS);
        if pieces < 2 || !is_small(transformer) {
            let (made, logits) = run(first, part.clone());
            NotFinite::check(transformer, &part, &logits)?;
            keep(made, logits);
            continue;
        }
        let pieces: Vec<(usize, Tokens)> = part.batches(part.batch.div_ceil(pieces)).collect();
        let run = |(within, piece): &(usize, Tokens)| kernel::alone(|| run(first + within, piece.clone()));
        let results: Vec<(R, Tensor<2>)> = pieces.par_iter().map(run).collect();
        for ((made, logits), (_, piece)) in results.into_iter().zip(&pieces) {
            NotFinite::check(transformer, piece, &logits)?;
            keep(made, logits);
        }
    }
    Ok(())
}

/// What `run` makes of each piece, in the order of the pieces, each on one thread. Threads take the costliest that is left, so
/// that none of them has much to do when the others are done.
pub(super) fn each<P: Sync, R: Send>(pieces: &[P], cost: impl Fn(&P) -> u64, run: impl Fn(&P) -> R + Sync) -> Vec<R> {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by_cached_key(|&piece| Reverse(cost(&pieces[piece])));
    let run = |piece: usize| (piece, kernel::alone(|| run(&pieces[piece])));
    let mut results: Vec<(usize, R)> = order.into_iter().par_bridge().map(run).collect();
    results.sort_unstable_by_key(|&(piece, _)| piece);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Cuts rows into pieces that are computed apart: of some rows each, or of some prompts where rows may have edits in common.
pub(super) fn pieces(rows: &[EditedPrompt], entries: Vec<SweepEntry>, length: usize) -> Vec<Vec<SweepEntry>> {
    let positions = |entry: &SweepEntry| length - entry.start;
    if entries.iter().all(|entry| rows[entry.row].edits.len() == 1) {
        return cut(entries, positions, |_, _| true, POSITIONS_OF_ROWS);
    }
    let prompt = |entry: &SweepEntry| rows[entry.row].prompt;
    let mut entries = entries;
    entries.sort_by_key(prompt);
    let mut pieces = cut(entries, positions, |a, b| prompt(a) != prompt(b), POSITIONS_OF_PREFIXES);
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
