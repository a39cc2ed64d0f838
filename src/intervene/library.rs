//! Interventions from Rust, without a plan of blocks and memory: for some prompts at a time.

use super::activation::Activations;
use super::base::CleanRun;
use super::capture::{HookPositions, capture};
use super::edit::{Edit, EditedPrompt, Positions};
use super::error::EditError;
use super::replay::Replay;
use crate::model::NotFinite;
use crate::model::hook::Hook;
use crate::model::transformer::{Tokens, Transformer};
use burn::tensor::Tensor;
use std::sync::Arc;

/// Prompts that are run at once, and bytes that their runs may take.
const BATCH: usize = 64;
const MEMORY: usize = 1 << 30;

/// Logits that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum InterventionError {
    /// Edits that the model cannot have.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Weights or logits that are not finite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The two sets of prompts are not pairs.
    #[error(
        "{prompts} prompts of {tokens} tokens and {others} of {other_tokens} do not make pairs; give as many of each, of the same length"
    )]
    Unpaired {
        /// How many prompts there are.
        prompts: usize,
        /// Their length.
        tokens: usize,
        /// How many other prompts.
        others: usize,
        /// Their length.
        other_tokens: usize,
    },
}

/// The logits at the last position of every prompt under each intervention, `[intervention * prompt, n_vocab]`: those of the first
/// intervention first. An intervention is a list of edits that are made together; edits that read the other prompt
/// ([`Edit::patch`]) read the one of the same number among `others`.
///
/// # Errors
/// Prompts that are no pairs, edits that the model cannot have, weights that are not finite.
pub fn logits_with(
    transformer: &Transformer,
    prompts: &Tokens,
    others: &Tokens,
    interventions: &[Vec<Edit>],
) -> Result<Tensor<2>, InterventionError> {
    if (prompts.batch, prompts.pos) != (others.batch, others.pos) {
        return Err(InterventionError::Unpaired {
            prompts: prompts.batch,
            tokens: prompts.pos,
            others: others.batch,
            other_tokens: others.pos,
        });
    }
    let edited: HookPositions = interventions.iter().flatten().map(|edit| (edit.hook, Positions::All)).collect();
    let pause = || Ok::<(), InterventionError>(());
    let base = CleanRun::run(transformer, prompts.clone(), &edited, BATCH, pause)?;
    let (sources, _) = capture(transformer, others, &edited, BATCH, pause)?;
    let of = |edits: &Vec<Edit>| {
        let edits: Arc<[Edit]> = Arc::from(edits.as_slice());
        (0..prompts.batch).map(move |prompt| EditedPrompt { prompt, source: Some(prompt), edits: edits.clone() })
    };
    let rows: Vec<EditedPrompt> = interventions.iter().flat_map(of).collect();
    Ok(Replay::new(transformer, &base, &sources, MEMORY).logits(&rows)?)
}

/// What stands at these hooks at every position of every prompt, without any edit.
///
/// # Errors
/// Weights that are not finite.
pub fn activations_at(transformer: &Transformer, prompts: &Tokens, hooks: &[Hook]) -> Result<Activations, NotFinite> {
    let wanted: HookPositions = hooks.iter().map(|&hook| (hook, Positions::All)).collect();
    Ok(capture(transformer, prompts, &wanted, BATCH, || Ok::<(), NotFinite>(()))?.0)
}
