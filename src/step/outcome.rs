//! What a step makes: rows, files, notes, and checks of itself.

use super::RowsInfo;
use super::labels::{ModelColumns, RunLabels};
use super::shapes::OpenTemplate;
use crate::manifest::{PromptsRecord, SelfCheck};
use crate::table::{Holds, without_rows};
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
    /// What was computed a second time.
    pub checks: Vec<SelfCheck>,
    /// The prompts that it ran on; filled in by who runs the step.
    pub prompts: Vec<PromptsRecord>,
    /// Bytes of layers that were read while it ran, where models hold not all of theirs; filled in by who runs the step.
    pub bytes_read: Option<u64>,
    /// What the shapes of the template at hand gave, where it has several.
    pub template: Option<OpenTemplate>,
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

    /// Says of the checks from number `first` on that they are of the prompts of this template.
    pub(super) fn name_checks(&mut self, first: usize, template: &str) {
        self.checks.iter_mut().skip(first).for_each(|check| check.template = Some(template.to_string()));
    }

    /// Adds rows to the frame `name`, with the columns `model` and `checkpoint` before them.
    pub(super) fn add_rows(&mut self, name: &str, labels: RunLabels, rows: DataFrame) -> PolarsResult<()> {
        self.add(name, ModelColumns::frame(std::iter::repeat_n(labels, rows.height()))?.hstack(rows.columns())?)
    }

    /// Adds those rows of a step that it has none of.
    pub(super) fn complete(&mut self, step: &str, all: &[RowsInfo]) -> PolarsResult<()> {
        for rows in all {
            let name = rows.name(step);
            if self.frames.iter().all(|(other, _)| *other != name) {
                self.frames.push((name, without_rows(&rows.columns)?));
            }
        }
        Ok(())
    }

    /// Adds rows to the frame `name`.
    pub(super) fn add(&mut self, name: &str, rows: DataFrame) -> PolarsResult<()> {
        match self.frames.iter_mut().find(|(frame, _)| frame == name) {
            Some((_, frame)) => frame.vstack_mut(&rows).map(|_| ()),
            None => {
                self.frames.push((name.to_string(), rows));
                Ok(())
            }
        }
    }
}
