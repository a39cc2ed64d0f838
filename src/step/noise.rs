//! Gaussian noise on the embeddings of a prompt's tokens, as causal tracing corrupts a run with (Meng et al. 2022, arXiv 2202.05262).

use super::model_run::{self, ModelRun};
use super::moments::RunningMoments;
use super::places;
use crate::Error;
use crate::context::Context;
use crate::intervene::{Activation, Change, Edit, Layout, Positions, Units, Value, embeddings};
use crate::model::hook::Hook;
use crate::prompt::Prompt;
use crate::random::normal;
use crate::spec::PositionName;
use crate::spec::step::Common;
use crate::system::interrupt;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Prompts that are embedded at once.
const BATCH: usize = 256;

/// Noise of one size.
#[derive(Debug, Clone, Copy)]
pub(super) struct EmbeddingNoise {
    /// Its standard deviation.
    size: f32,
    /// Values of an embedding.
    width: usize,
}

impl EmbeddingNoise {
    /// `noise` times the standard deviation of all values of the embeddings of the tokens at `names`, which stand at `path` in the spec, over
    /// the step's prompts in every template: what the authors' code takes of their subjects, Bessel's correction and all.
    ///
    /// # Errors
    /// Prompts and positions that cannot be had, and Ctrl-C.
    pub fn of(
        noise: f32,
        (path, names): (&[&str], &[PositionName]),
        step: &dyn Common,
        subject: &ModelRun,
        context: &Context,
    ) -> Result<Self, Error> {
        let mut moments = RunningMoments::default();
        for cell in subject.cells(step, context)? {
            let (positions, template) = cell.at();
            let at = places::together(&places::positions_at(path, names, positions, template, context)?);
            for prompts in cell.prompts.chunks(BATCH) {
                interrupt::check()?;
                let embedded = embeddings(subject.model.transformer(), &model_run::tokens(prompts)?, &at);
                let values = embedded.iter().flat_map(|activation| &activation.data);
                values.for_each(|&value| moments.add(f64::from(value)));
            }
        }
        let deviation = moments.std().unwrap_or(0.0);
        Ok(Self { size: (f64::from(noise) * deviation) as f32, width: subject.model.facts().d_model })
    }

    /// The noise of a prompt at some positions, added to its embeddings.
    pub fn edit(&self, seed: u64, prompt: &Prompt, at: &Positions) -> Edit {
        let positions: Vec<usize> = at.iter(prompt.tokens.len()).collect();
        let drawn = positions.iter().flat_map(|&position| standard_noise(seed, &prompt.tokens, position, self.width));
        let data = drawn.map(|value| self.size * value).collect();
        let layout = Layout::Stream { width: self.width };
        let given = Activation { layout, rows: 1, positions: positions.clone(), data };
        let change = Change::Add { value: Value::Fixed(Arc::new(given)), strength: 1.0 };
        Edit { hook: Hook::Embed, positions: Positions::At(positions), units: Units::All, change }
    }
}

/// Independent draws of mean 0 and variance 1, `[width]`: the same for the same seed, tokens and position, on every machine but for the
/// rounding of a logarithm and a cosine. ChaCha8 from the SHA-256 of the three, each number as eight or four bytes, the lowest first.
pub fn standard_noise(seed: u64, tokens: &[u32], position: usize, width: usize) -> Vec<f32> {
    let mut digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update((position as u64).to_le_bytes());
    tokens.iter().for_each(|token| digest.update(token.to_le_bytes()));
    let mut random = ChaCha8Rng::from_seed(digest.finalize().into());
    gaussian(&mut random, width)
}

/// Independent draws of mean 0 and variance 1.
pub(super) fn gaussian(random: &mut impl Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| normal(random) as f32).collect()
}

/// Values of several seeds as their means: of `[key, seed, value]` with `width` values for each seed, `[key, value]`.
pub(super) fn mean_over_seeds(values: &[f64], seeds: usize, width: usize) -> Vec<f64> {
    if seeds == 1 {
        return values.to_vec();
    }
    let of_key = |key: &[f64]| -> Vec<f64> {
        let of = |place: usize| key.iter().skip(place).step_by(width).sum::<f64>() / seeds as f64;
        (0..width).map(of).collect()
    };
    values.chunks_exact((seeds * width).max(1)).flat_map(of_key).collect()
}
