//! The steps of a spec, for each of its variants that they depend on.

use super::RunOptions;
use super::failures::{Failures, SpecItem};
use super::recall::StepRun;
use super::record::RunRecord;
use crate::Error;
use crate::context::Context;
use crate::manifest::{Recalled, SelfCheck};
use crate::plan::{Plan, PlannedStep, Recall};
use crate::results::Results;
use crate::resume::Blocks;
use crate::step::Outcome;
use crate::system::interrupt;
use crate::table::Frames;
use crate::variants::{VariantGroup, VariantGroups, pool};
use indexmap::IndexMap;
use polars::prelude::DataFrame;
use std::collections::HashMap;
use std::time::Instant;

/// Rows by name, of a step.
type NamedFrames = Vec<(String, DataFrame)>;
/// The rows of a group of variants; none where there are none.
type OfGroup = (VariantGroup, Option<NamedFrames>);

/// What the steps of a spec have made.
#[derive(Default)]
pub struct StepResults {
    /// The rows of all variants.
    pub frames: Frames,
    /// What a reader of the results should know: of a step, the variants that say it, and what they say.
    told: Vec<(String, Vec<String>, String)>,
    /// What steps computed a second time.
    pub checks: Vec<SelfCheck>,
    /// Steps whose results were in the store.
    pub recalled: Vec<Recalled>,
    /// How many were computed.
    pub computed: usize,
    /// The checksum of each step's entry in the store, in the order of the plan; none of one that has none.
    pub entries: Vec<Option<String>>,
    /// The rows of each step's groups, until all are there.
    waiting: HashMap<String, Vec<OfGroup>>,
}

/// Computes the steps of every variant, or takes them from the store. Rows are written when those of the last variant are there.
///
/// # Errors
/// Ctrl-C. What fails is `failures`.
pub fn make(
    plan: &Plan,
    recalls: &[Recall],
    options: &RunOptions,
    results: &mut Results,
    record: &mut RunRecord,
    failures: &mut Failures,
) -> Result<StepResults, Error> {
    let mut made = StepResults::default();
    let mut frames: Vec<Frames> = plan.variants.iter().map(|_| Frames::default()).collect();
    let count = plan.variants.len();
    for (number, (variant, recall)) in plan.variants.iter().zip(recalls).enumerate() {
        if let (Some(name), false) = (variant.name, variant.steps.is_empty()) {
            options.progress.say(&format!("variant {} of {count}: {name}", number + 1));
        }
        for PlannedStep { step, group, .. } in &variant.steps {
            interrupt::check()?;
            let part = SpecItem::step(step.name(), group);
            let outcome = match failures.cause(step.needs(), number) {
                Some(cause) => {
                    failures.skip(part, cause, options.progress);
                    None
                }
                None => {
                    let context = Context {
                        loaded: variant.loaded,
                        models: &variant.models,
                        progress: options.progress,
                        dir: &group.dir(results.dir()),
                        frames: frames.get(number).unwrap_or(&made.frames),
                        blocks: &Blocks::off(),
                    };
                    let (of, began) = ((*step, group.name.as_str()), Instant::now());
                    let seconds = || began.elapsed().as_secs_f64();
                    match recall.key(step).and_then(|key| Ok((key, recall.step(step, &context)?))) {
                        Ok((key, StepRun { outcome, from_store, entry })) => {
                            record.step(of, &key.digest, seconds(), &outcome, from_store.as_ref());
                            made.entries.push(entry);
                            made.computed += usize::from(from_store.is_none());
                            made.recalled.extend(from_store.map(|recalled| recalled.of(&group.name)));
                            Some(outcome)
                        }
                        Err(error) => {
                            record.failed(of, seconds(), &error);
                            failures.fail(part, error, options.progress)?;
                            None
                        }
                    }
                }
            };
            let files = outcome.as_ref().map(|outcome| outcome.files.clone()).unwrap_or_default();
            let rows = outcome.map(|outcome| made.take(step.name(), group, outcome, results));
            for &member in rows.is_some().then_some(&group.members).into_iter().flatten() {
                if let (Some(frames), Some(rows)) = (frames.get_mut(member), &rows) {
                    frames.insert_files(step.name(), files.clone());
                    rows.iter().for_each(|(name, frame)| frames.insert(name.clone(), frame.clone()));
                }
            }
            if let Err(error) = made.wait(step.name(), group, rows, plan, results) {
                let failed = SpecItem::rows(step.name());
                frames.iter_mut().for_each(|frames| frames.remove(step.name()));
                failures.fail(failed, error, options.progress)?;
            }
        }
    }
    Ok(made)
}

impl StepResults {
    /// What a reader of the results should know, with the steps that say it and the variants that it is about unless it is all.
    pub fn notes(&self, groups: &VariantGroups) -> Vec<String> {
        let mut notes: IndexMap<&str, Vec<String>> = IndexMap::new();
        for (step, variants, note) in &self.told {
            let all = variants.len() == groups.of_step(step).len();
            let of = if all { String::new() } else { format!(" ({})", variants.join("; ")) };
            notes.entry(note).or_default().push(format!("{step}{of}"));
        }
        notes.into_iter().map(|(note, steps)| format!("{}: {note}", steps.join(", "))).collect()
    }

    /// Takes all of an outcome but its rows, which are returned.
    fn take(&mut self, step: &str, group: &VariantGroup, outcome: Outcome, results: &mut Results) -> NamedFrames {
        let Outcome { frames, files, notes, checks, .. } = outcome;
        results.wrote(files);
        let variant = if group.name.is_empty() { String::new() } else { format!(" ({})", group.name) };
        let of = |check: SelfCheck| SelfCheck { step: format!("{}{variant}", check.step), ..check };
        self.checks.extend(checks.into_iter().map(of));
        for note in notes {
            match self.told.iter_mut().find(|(of, _, told)| of == step && *told == note) {
                // Several templates of one variant may say the same.
                Some((_, variants, _)) if variants.last() == Some(&group.name) => {}
                Some((_, variants, _)) => variants.push(group.name.clone()),
                None => self.told.push((step.to_string(), vec![group.name.clone()], note)),
            }
        }
        frames
    }

    /// Takes the rows of a group, none where there are none; those of all groups are written together.
    fn wait(
        &mut self,
        step: &str,
        group: &VariantGroup,
        rows: Option<NamedFrames>,
        plan: &Plan,
        results: &mut Results,
    ) -> Result<(), Error> {
        let waiting = self.waiting.entry(step.to_string()).or_default();
        waiting.push((group.clone(), rows));
        if waiting.len() < plan.groups.of_step(step).len() {
            return Ok(());
        }
        let axes = plan.axes(step);
        let all = std::mem::take(waiting);
        let mut names: Vec<&String> = Vec::new();
        for (name, _) in all.iter().filter_map(|(_, rows)| rows.as_ref()).flatten() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut frames = Vec::with_capacity(names.len());
        for name in names {
            let of = |rows: &Option<NamedFrames>| {
                rows.iter().flatten().find(|(other, _)| other == name).map(|(_, frame)| frame.clone())
            };
            let groups: Vec<(&VariantGroup, DataFrame)> =
                all.iter().filter_map(|(group, rows)| Some((group, of(rows)?))).collect();
            let groups: Vec<_> = groups.iter().map(|(group, frame)| (group.labels.as_slice(), frame)).collect();
            frames.push((name.clone(), pool::pooled(&axes, &groups)?));
        }
        frames.iter().try_for_each(|(name, frame)| results.rows(name, frame))?;
        frames.into_iter().for_each(|(name, frame)| self.frames.insert(name, frame));
        Ok(())
    }
}
