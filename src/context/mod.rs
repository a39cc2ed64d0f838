//! What a step works with: its spec, models, the rows of the steps before it, and where its finished blocks are kept.

mod cache;
mod models;
mod usage;
pub use cache::ModelCache;
pub use models::Models;
pub use usage::Usage;

use crate::Error;
use crate::manifest::PromptsRecord;
use crate::measure::DecodeError;
use crate::model::facts::Facts;
use crate::model::{Model, ModelName};
use crate::prompt::{PromptError, PromptSet};
use crate::resume::Blocks;
use crate::spec::{Loaded, Prompts};
use crate::system::interrupt::Interrupted;
use crate::system::progress::Progress;
use crate::table::Frames;
use std::path::Path;

/// What a step works with.
pub struct Context<'a> {
    /// The spec.
    pub loaded: &'a Loaded,
    /// Its models.
    pub models: &'a Models<'a>,
    /// Where progress is shown.
    pub progress: &'a Progress,
    /// The results folder.
    pub dir: &'a Path,
    /// The rows of the steps before.
    pub frames: &'a Frames,
    /// What keeps the finished blocks of the step.
    pub blocks: &'a Blocks<'a>,
}

/// More rows than this make no batch faster, and a smaller batch stays in the processor's cache.
const MOST_ROWS: usize = 1024;
/// Tokens of a prompt that a batch is sized for.
const TOKENS: usize = 32;

/// Bytes that a row of a batch takes while it is run, about.
pub fn row_bytes(facts: &Facts) -> usize {
    let per_token = 8 * facts.d_model + 3 * facts.widest_mlp() + facts.n_heads * (3 * facts.d_head + 2 * TOKENS);
    4 * (TOKENS * per_token + 2 * facts.n_vocab)
}

impl<'a> Context<'a> {
    /// A prompt set: `[prompts]`, or `[prompt_sets.NAME]`.
    pub fn prompts(&self, name: Option<&str>, step: &str) -> Result<&'a Prompts, Error> {
        self.models.usage().prompts(name);
        let found = match name {
            None => self.loaded.spec.prompts.as_ref(),
            Some(name) => self.loaded.spec.prompt_sets.get(name),
        };
        found.ok_or_else(|| {
            let missing = match name {
                None => "the step needs prompts, and the spec has none".to_string(),
                Some(name) => format!("no prompt set '{name}'"),
            };
            self.loaded.refuse(&["step", step, "prompts"], missing, Some("write a table [prompts]".into())).into()
        })
    }

    /// Takes note of the prompts that a step runs on, for the manifest.
    pub fn ran_on(&self, set: Option<&str>, model: &ModelName, built: &PromptSet) {
        self.models.usage().built(PromptsRecord::of(set, model, built));
    }

    /// Rows of a batch: `run.batch`, or as many as `run.memory_mib` holds the activations of.
    pub fn batch(&self, model: &Model) -> usize {
        self.batch_of(model.facts())
    }

    /// The same of a model that is not opened.
    pub fn batch_of(&self, facts: &Facts) -> usize {
        let run = &self.loaded.spec.run;
        run.batch.unwrap_or_else(|| (run.memory_mib * (1 << 20) / row_bytes(facts)).clamp(1, MOST_ROWS))
    }

    /// What is wrong with prompts, at their place in the spec where it is the spec's fault.
    pub fn refuse_prompts(&self, set: Option<&str>, model: &ModelName, error: PromptError) -> Error {
        if let PromptError::Decode(DecodeError::Model(failure)) = &error
            && failure.is::<Interrupted>()
        {
            return Error::Interrupted(Interrupted);
        }
        let table: Vec<&str> = match set {
            None => vec!["prompts"],
            Some(name) => vec!["prompt_sets", name],
        };
        match &error {
            PromptError::Decode(_) => Error::failed(format!("model '{model}'"))(error),
            _ => self.loaded.refuse(&table, format!("{error} (model '{model}')"), None).into(),
        }
    }
}
