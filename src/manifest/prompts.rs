//! The prompts that a step ran on: how many, and which, by checksum.

use crate::model::ModelName;
use crate::prompt::PromptSet;
use crate::system::digests::of_bytes;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// A prompt set as steps ran it on a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptsRecord {
    /// Its name in the spec: `prompts` for `[prompts]`.
    pub set: String,
    /// The model, whose tokenizer and answers decide which prompts there are; `NAME at CHECKPOINT` where it has checkpoints.
    pub model: String,
    /// How many templates.
    pub templates: usize,
    /// How many prompts.
    pub prompts: usize,
    /// Seeds of the draw; none where nothing was drawn.
    pub seeds: Vec<u64>,
    /// SHA-256 over the prompts in order: of each its text as a JSON string, a tab, its answer, and a line feed.
    pub sha256: String,
    /// The steps that ran it.
    pub steps: Vec<String>,
}

impl PromptsRecord {
    /// Of a set (none for `[prompts]`) in a model's tokens.
    pub(crate) fn of(set: Option<&str>, model: &ModelName, built: &PromptSet) -> Self {
        let mut text = String::new();
        for prompt in &built.prompts {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}\t{}", serde_json::Value::from(prompt.text.as_str()), prompt.answer().value);
        }
        Self {
            set: set.unwrap_or("prompts").to_string(),
            model: model.to_string(),
            templates: built.templates.len(),
            prompts: built.prompts.len(),
            seeds: built.seeds().into_iter().flatten().collect(),
            sha256: of_bytes(text.as_bytes()),
            steps: Vec::new(),
        }
    }

    /// Whether both are of the same prompts.
    fn is_of(&self, other: &Self) -> bool {
        (&self.set, &self.model, &self.sha256) == (&other.set, &other.model, &other.sha256)
    }

    /// Adds the record of a step's prompts to those of others.
    pub(crate) fn join(self, step: &str, all: &mut Vec<Self>) {
        let step = step.to_string();
        match all.iter_mut().find(|known| known.is_of(&self)) {
            Some(known) if known.steps.contains(&step) => {}
            Some(known) => known.steps.push(step),
            None => all.push(Self { steps: vec![step], ..self }),
        }
    }
}
