//! `[[step]]`: one file per kind, one line each in [`Step`].

mod accuracy;
mod train;

pub use accuracy::Accuracy;
pub use train::{Optimizer, Train};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One step of an experiment, told apart by its `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Step {
    /// Share of prompts the model answers correctly, with its interval.
    Accuracy(Accuracy),
    /// Trains a small model on the prompts and writes its checkpoints.
    Train(Train),
}

/// Rows that a kind of step keeps besides its own: `STEP.prompts`.
pub fn further_rows(kind: &str) -> &'static [&'static str] {
    match kind {
        "accuracy" => &["prompts", "set", "dropped"],
        _ => &[],
    }
}

impl Step {
    /// The step's own name, unique in the spec.
    pub fn name(&self) -> &str {
        match self {
            Step::Accuracy(step) => &step.name,
            Step::Train(step) => &step.name,
        }
    }

    /// Its kind as a spec writes it.
    pub fn kind(&self) -> &'static str {
        match self {
            Step::Accuracy(_) => "accuracy",
            Step::Train(_) => "train",
        }
    }

    /// Models it runs, by name; empty for every model of the spec. `None`: the step runs no model.
    pub fn models(&self) -> Option<&[String]> {
        match self {
            Step::Accuracy(step) => Some(&step.models),
            Step::Train(_) => None,
        }
    }

    /// Names of the steps whose results it needs.
    pub fn needs(&self) -> &[String] {
        match self {
            Step::Accuracy(step) => &step.needs,
            Step::Train(step) => &step.needs,
        }
    }
}
