//! `corrupt`: runs of the prompts with noise on their embeddings, in the place of other prompts' runs (causal tracing).

use super::model_run::{self, ModelRun, TemplateBatch};
use super::noise::{EmbeddingNoise, mean_over_seeds};
use super::pairing::PromptPairs;
use super::{places, replays};
use crate::Error;
use crate::context::Context;
use crate::intervene::{Activations, AnswerTokens, CleanRun, Edit, EditedPrompt, HookPositions, Positions};
use crate::model::transformer::Tokens;
use crate::spec::step::{ActivationPatching, Corruption, Direction};
use burn::tensor::Tensor;
use std::sync::Arc;

/// The noised runs of a cell's prompts: one for each seed and prompt, the prompts the inner index.
pub(super) struct NoisedPrompts<'s> {
    step: &'s ActivationPatching,
    spec: &'s Corruption,
    noise: EmbeddingNoise,
    at: Positions,
}

/// Clean and noised runs, one of each for each seed and prompt.
pub(super) struct NoisedRuns {
    /// The runs that are edited, and which of them each has.
    pub base: (CleanRun, Vec<usize>),
    /// What is read of the others, their logits, and which of them each has.
    pub sources: (Activations, Tensor<2>, Vec<usize>),
    /// r and r' of each.
    pub answers: Vec<AnswerTokens>,
}

/// The noise of a model's prompts, which is of one size in all of their templates.
///
/// # Errors
/// Positions that the prompts have not, and Ctrl-C.
pub(super) fn noise(
    step: &ActivationPatching,
    spec: &Corruption,
    subject: &ModelRun,
    context: &Context,
) -> Result<EmbeddingNoise, Error> {
    EmbeddingNoise::of(spec.noise, (&path(step), &spec.positions), step, subject, context)
}

/// Where the spec says the positions that get noise.
fn path(step: &ActivationPatching) -> [&str; 4] {
    ["step", &step.name, "corrupt", "positions"]
}

impl<'s> NoisedPrompts<'s> {
    /// Those that a step asks for, if it does.
    ///
    /// # Errors
    /// Positions that the prompts have not.
    pub fn of(
        step: &'s ActivationPatching,
        noise: Option<EmbeddingNoise>,
        cell: &TemplateBatch,
        context: &Context,
    ) -> Result<Option<Self>, Error> {
        let (Some(spec), Some(noise)) = (&step.corrupt, noise) else { return Ok(None) };
        let (positions, template) = cell.at();
        let at = places::positions_at(&path(step), &spec.positions, positions, template, context)?;
        let at = places::together(&at);
        Ok(Some(Self { step, spec, noise, at }))
    }

    /// Runs of each prompt.
    pub fn seeds(&self) -> usize {
        self.spec.seeds.len()
    }

    /// The clean runs, and the noised ones, which rows start from where clean values are restored.
    ///
    /// # Errors
    /// Logits that are not finite, and Ctrl-C.
    pub fn runs(
        &self,
        cell: &TemplateBatch,
        pairs: &PromptPairs,
        edited: &HookPositions,
        subject: &ModelRun,
        context: &Context,
    ) -> Result<NoisedRuns, Error> {
        let (clean, prompts) = (model_run::tokens(&cell.prompts)?, cell.prompts.len());
        let under: Vec<Arc<[Edit]>> = self
            .spec
            .seeds
            .iter()
            .flat_map(|&seed| cell.prompts.iter().map(move |prompt| [self.noise.edit(seed, prompt, &self.at)].into()))
            .collect();
        let noised_tokens =
            Tokens { ids: clean.ids.repeat(self.seeds()), batch: clean.batch * self.seeds(), pos: clean.pos };
        let noised = replays::base_under(subject, noised_tokens, under, edited, context)?;
        let each: Vec<usize> = (0..self.seeds() * prompts).collect();
        let own: Vec<usize> = each.iter().map(|run| run % prompts).collect();
        // Both runs are of one prompt, and have its answer.
        let answers = own.iter().map(|&pair| pairs.answers(pair, cell)).collect();
        match self.step.direction {
            Direction::Denoising => {
                let (sources, logits) = replays::capture(subject, &clean, edited, context)?;
                Ok(NoisedRuns { base: (noised, each), sources: (sources, logits, own), answers })
            }
            Direction::Noising => {
                let base = replays::base(subject, clean, edited, context)?;
                let (sources, logits) = (noised.activations, noised.logits);
                Ok(NoisedRuns { base: (base, own), sources: (sources, logits, each), answers })
            }
        }
    }

    /// One row for each intervention, seed and prompt.
    pub fn rows(&self, interventions: &[Arc<[Edit]>], prompts: usize) -> Vec<EditedPrompt> {
        let of = |edits: &Arc<[Edit]>, run: usize| {
            let (prompt, source) = match self.step.direction {
                Direction::Denoising => (run, run % prompts),
                Direction::Noising => (run % prompts, run),
            };
            EditedPrompt { prompt, source: Some(source), edits: edits.clone() }
        };
        let runs = self.seeds() * prompts;
        interventions.iter().flat_map(|edits| (0..runs).map(move |run| of(edits, run))).collect()
    }

    /// Values `[key, seed, prompt, measure]` as their means over the seeds.
    pub fn means(&self, values: &[f64], prompts: usize) -> Vec<f64> {
        mean_over_seeds(values, self.seeds(), prompts * self.step.measures.len())
    }
}
