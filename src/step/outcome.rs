//! What a step makes: rows, files, notes, and checks of itself.

use super::labels::Labels;
use crate::manifest::{PromptsRecord, SelfCheck};
use polars::prelude::*;
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
