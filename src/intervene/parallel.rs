//! Forward passes of small models: pieces of a batch run side by side, each on one thread from the first layer to the last.
//!
//! A product of a small model takes microseconds, and threads that share it wait for each other longer than that. Where the
//! work is cut depends on the work alone, so that results do not depend on the number of threads.

use super::operations::layer_operations;
use crate::kernel;
use crate::model::NotFinite;
use crate::model::facts::Facts;
use crate::model::transformer::{Tokens, Transformer};
use burn::tensor::Tensor;
use rayon::prelude::*;

/// Floating-point operations of a position of a layer up to which a model is small.
const SMALL: u64 = 1 << 22;

/// Positions of a piece of a forward pass, about.
const POSITIONS_OF_PROMPTS: usize = 64;

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
