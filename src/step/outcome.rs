use super::accuracy::Labels;
use crate::intervene::Check;
use crate::manifest::PromptsRecord;
use crate::run::ModelName;
use polars::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a step makes.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Its rows: under its own name, and `NAME.PART` for more than one kind of row.
    pub frames: Vec<(String, DataFrame)>,
    /// Files it wrote into the results folder, besides its rows.
    pub files: Vec<PathBuf>,
    /// What a reader of the results should know.
    pub notes: Vec<String>,
    /// Rows of interventions that were recomputed from scratch.
    pub checks: Vec<SelfCheck>,
    /// The prompts that it ran on; filled in by who runs the step.
    pub prompts: Vec<PromptsRecord>,
}

/// A sample of interventions recomputed from scratch, every layer and position of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfCheck {
    /// Name of the step.
    pub step: String,
    /// Name of the model.
    pub model: String,
    /// How many interventions.
    pub rows: usize,
    /// Largest absolute difference of a logit.
    #[serde(deserialize_with = "nan_for_null")]
    pub largest_difference: f32,
    /// What it may be: relative to the largest logit, so many roundings of the model's precision.
    #[serde(deserialize_with = "nan_for_null")]
    pub tolerance: f32,
    /// When it was made, of a check whose step was in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_store: Option<String>,
}

/// JSON has null for what is not a number.
fn nan_for_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    Ok(Option::<f32>::deserialize(deserializer)?.unwrap_or(f32::NAN))
}

impl SelfCheck {
    pub(super) fn new(step: &str, model: &ModelName, check: Check, relative: f32) -> Self {
        Self {
            step: step.to_string(),
            model: model.to_string(),
            rows: check.rows,
            largest_difference: check.largest_difference,
            tolerance: relative * check.largest_logit.max(1.0),
            from_store: None,
        }
    }

    /// Whether the replay agrees with the run from scratch.
    pub fn passed(&self) -> bool {
        // A difference that is not a number is no agreement.
        self.largest_difference <= self.tolerance
    }
}

impl std::fmt::Display for SelfCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { step, model, rows, largest_difference, tolerance, from_store } = self;
        write!(
            f,
            "step '{step}', model '{model}': {rows} interventions recomputed from scratch, largest difference of a logit \
             {largest_difference:.1e} (tolerance {tolerance:.1e})"
        )?;
        match from_store {
            Some(when) => write!(f, "; from the store, computed {when}"),
            None => Ok(()),
        }
    }
}

impl Outcome {
    /// Makes one of the checks from number `first` on: the rows of all, and the difference that is largest for its tolerance.
    pub(super) fn join_checks(&mut self, first: usize) {
        let checks = self.checks.split_off(first.min(self.checks.len()));
        let rows = checks.iter().map(|check| check.rows).sum();
        // A difference that is not a number is the largest.
        let share = |check: &SelfCheck| match check.largest_difference / check.tolerance {
            share if share.is_nan() => f32::INFINITY,
            share => share,
        };
        let worst = checks.into_iter().max_by(|a, b| share(a).total_cmp(&share(b)));
        self.checks.extend(worst.map(|worst| SelfCheck { rows, ..worst }));
    }

    /// Adds rows to the frame `name`, with the columns `model` and `checkpoint` before them.
    pub(super) fn add_rows(&mut self, name: &str, labels: Labels, rows: PolarsResult<DataFrame>) -> PolarsResult<()> {
        let rows = rows?;
        let repeat = |value: &str| vec![value.to_string(); rows.height()];
        let mut labelled = df!("model" => repeat(labels.model), "checkpoint" => repeat(labels.checkpoint))?;
        labelled = labelled.hstack(rows.columns())?;
        match self.frames.iter_mut().find(|(frame, _)| frame == name) {
            Some((_, frame)) => frame.vstack_mut(&labelled).map(|_| ()),
            None => {
                self.frames.push((name.to_string(), labelled));
                Ok(())
            }
        }
    }
}
