//! Prompts run alone, beside the same prompts in batches: what is computed beside a prompt, how many rows a batch has, must not reach its
//! logits, but by rounding.

use super::replay::ReplayCheck;
use crate::kernel::to_f32;
use crate::model::transformer::{Tokens, Transformer};

/// A prompt, and what the batch that it was in gave.
#[derive(Debug, Clone)]
pub struct BatchedPrompt {
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// Logits at its last position, `[n_vocab]`.
    pub logits: Vec<f32>,
}

impl BatchedPrompt {
    /// Runs it alone and adds to `check` how far every logit is from the batch's.
    pub fn check_alone(&self, transformer: &Transformer, check: &mut ReplayCheck) {
        let tokens = Tokens { ids: self.tokens.clone(), batch: 1, pos: self.tokens.len() };
        let alone = to_f32(transformer.last_logits(&tokens));
        let largest = alone.iter().map(|logit| logit.abs()).filter(|logit| logit.is_finite()).fold(0.0, f32::max);
        check.add(&self.logits, &alone, largest);
    }
}
