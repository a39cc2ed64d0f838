//! Work that is done in parts, each of which is kept when it is done.

use super::Outcome;
use crate::Error;
use crate::context::Context;
use crate::manifest::{Recomputed, SelfCheck};
use crate::resume::Bits;
use crate::system::interrupt;
use crate::system::progress::ProgressTask;
use std::ops::Range;

/// A self-check without the step: model, what it is of, rows, largest difference, tolerance.
type NamelessCheck = (String, Recomputed, usize, f32, f32);

/// Work that is done in parts, each of which is kept when it is done.
pub struct Divided<'c> {
    /// Name of the step.
    pub step: &'c str,
    /// What it is, for who waits: a model, a template.
    pub what: String,
    /// What the step works with.
    pub context: &'c Context<'c>,
    /// The parts.
    pub parts: Vec<Range<usize>>,
}

/// Equal parts of at most `most`.
pub fn parts(count: usize, most: usize) -> Vec<Range<usize>> {
    let pieces = count.div_ceil(most.max(1)).max(1);
    let each = count.div_ceil(pieces).max(1);
    (0..count).step_by(each).map(|first| first..count.min(first + each)).collect()
}

impl Divided<'_> {
    /// Does `work` part by part, and lets `add` have what it gives, in order. A part that a run that was interrupted had finished is
    /// not done again; `skipped` is told of it. One check of what all of it replays.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn each<T: Bits>(
        &self,
        outcome: &mut Outcome,
        skipped: impl Fn(Range<usize>),
        mut work: impl FnMut(Range<usize>, &mut Vec<SelfCheck>) -> Result<T, Error>,
        mut add: impl FnMut(Range<usize>, T),
    ) -> Result<(), Error> {
        let first_check = outcome.checks.len();
        let series = self.context.blocks.series(&self.what, &self.parts);
        for (number, part) in self.parts.iter().enumerate() {
            interrupt::check()?;
            // The same step may have another name when it goes on.
            let nameless =
                |check: SelfCheck| (check.model, check.of, check.rows, check.largest_difference, check.tolerance);
            let run = || -> Result<(T, Vec<NamelessCheck>), Error> {
                let mut checks = Vec::new();
                let value = work(part.clone(), &mut checks)?;
                Ok((value, checks.into_iter().map(nameless).collect()))
            };
            let (value, checks) = series.get_or(number, |_| skipped(part.clone()), run)?;
            outcome.checks.extend(checks.into_iter().map(|(model, of, rows, largest_difference, tolerance)| {
                SelfCheck {
                    step: self.step.to_string(),
                    model,
                    template: None,
                    of,
                    rows,
                    largest_difference,
                    tolerance,
                    from_store: None,
                }
            }));
            add(part.clone(), value);
        }
        outcome.join_checks(first_check);
        Ok(())
    }

    /// The same where parts are of prompts and `work` gives values of each of its prompts, `[key, prompt, width]`: those of all
    /// prompts. `task` counts `rows` for each prompt.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn values(
        &self,
        width: usize,
        (task, rows): (&ProgressTask, usize),
        outcome: &mut Outcome,
        work: impl FnMut(Range<usize>, &mut Vec<SelfCheck>) -> Result<Vec<f64>, Error>,
    ) -> Result<Vec<f64>, Error> {
        let prompts = self.parts.last().map_or(0, |last| last.end);
        let mut data = Vec::new();
        let skipped = |part: Range<usize>| task.advance((rows * part.len()) as u64);
        self.each(outcome, skipped, work, |part, values| {
            if data.is_empty() {
                data = vec![f64::NAN; values.len() / part.len().max(1) * prompts];
            }
            let rows = data.chunks_exact_mut((prompts * width).max(1));
            for (row, values) in rows.zip(values.chunks_exact((part.len() * width).max(1))) {
                row[part.start * width..part.end * width].copy_from_slice(values);
            }
        })?;
        Ok(data)
    }
}
