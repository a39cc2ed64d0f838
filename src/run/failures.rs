//! What a run could not make: the parts of a spec that failed, and those that were not tried because they read what is not
//! there.

use crate::Error;
use crate::error::FailedPart;
use crate::manifest::Failed;
use crate::system::progress::Progress;
use crate::variants::VariantGroup;
use std::collections::HashMap;

/// Parts of one spec that are not made.
#[derive(Debug)]
pub struct Failures {
    /// How many variants the spec has.
    variants: usize,
    failures: Vec<Failure>,
    /// Steps and tables whose rows are not there: for which variants.
    absent: HashMap<String, Vec<Absence>>,
    /// Tables that are made without some of the rows.
    lacking: HashMap<String, (Cause, Vec<String>)>,
}

/// A failure that other parts are skipped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause(usize);

#[derive(Debug)]
struct Failure {
    part: SpecItem,
    error: Error,
    skipped: Vec<SpecItem>,
}

#[derive(Debug)]
struct Absence {
    variants: Vec<usize>,
    cause: Cause,
    part: String,
}

/// What is there of rows that a table, figure or expectation reads.
#[derive(Debug)]
pub enum RowsState {
    /// All.
    Whole,
    /// Those of some variants are not, for this cause; a sentence about each.
    Lacking(Cause, Vec<String>),
    /// None.
    Absent(Cause),
}

/// A part of a spec: `step 'effects' (dtype=bf16)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecItem {
    list: &'static str,
    name: String,
    /// The variants that it is of; none where it is of all.
    group: Option<(String, Vec<usize>)>,
}

impl SpecItem {
    /// A step, for the variants of a group.
    pub fn step(name: &str, group: &VariantGroup) -> Self {
        Self { list: "step", name: name.to_string(), group: Some((group.name.clone(), group.members.clone())) }
    }

    /// The rows of a step for all variants.
    pub fn rows(name: &str) -> Self {
        Self { list: "step", name: name.to_string(), group: None }
    }

    /// A table.
    pub fn table(name: &str) -> Self {
        Self { list: "table", name: name.to_string(), group: None }
    }

    /// A figure.
    pub fn figure(name: &str) -> Self {
        Self { list: "figure", name: name.to_string(), group: None }
    }

    /// An expectation.
    pub fn expectation(name: &str) -> Self {
        Self { list: "expectation", name: name.to_string(), group: None }
    }
}

impl std::fmt::Display for SpecItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} '{}'", self.list, self.name)?;
        match &self.group {
            Some((variants, _)) if !variants.is_empty() => write!(f, " ({variants})"),
            _ => Ok(()),
        }
    }
}

impl Failures {
    /// Nothing yet, of a spec with so many variants.
    pub fn new(variants: usize) -> Self {
        Self { variants, failures: Vec::new(), absent: HashMap::new(), lacking: HashMap::new() }
    }

    /// Why rows of these names (`effects`, `accuracy.set`) cannot be read for one variant; none where all are there.
    pub fn cause<'n>(&self, names: impl IntoIterator<Item = &'n str>, variant: usize) -> Option<Cause> {
        let absent = |name| self.absent.get(root(name)).into_iter().flatten();
        let of = |name| absent(name).find(|absent| absent.variants.contains(&variant)).map(|absent| absent.cause);
        names.into_iter().find_map(of)
    }

    /// What is there of the rows of these names, of all variants.
    pub fn rows<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> RowsState {
        let mut rows = RowsState::Whole;
        for name in names {
            let mut lacks = |cause: Cause, notes: Vec<String>| match &mut rows {
                RowsState::Lacking(_, all) => all.extend(notes),
                rows => *rows = RowsState::Lacking(cause, notes),
            };
            if let Some((cause, notes)) = self.lacking.get(root(name)) {
                lacks(*cause, notes.clone());
            }
            let Some(absent) = self.absent.get(root(name)) else { continue };
            let variants: usize = absent.iter().map(|absent| absent.variants.len()).sum();
            match absent.first() {
                Some(first) if variants >= self.variants => return RowsState::Absent(first.cause),
                Some(first) => {
                    let notes = absent.iter().map(|absent| format!("without the rows of {}", absent.part));
                    lacks(first.cause, notes.collect());
                }
                None => {}
            }
        }
        rows
    }

    /// A table is made without some of the rows that it reads.
    pub fn lacks(&mut self, table: &str, cause: Cause, notes: Vec<String>) {
        self.lacking.insert(table.to_string(), (cause, notes));
    }

    /// A part failed: the run goes on without it.
    ///
    /// # Errors
    /// Ctrl-C, which stops everything.
    pub fn fail(&mut self, part: SpecItem, error: Error, progress: &Progress) -> Result<(), Error> {
        if matches!(error, Error::Interrupted(_)) {
            return Err(error);
        }
        progress.say(&format!("{part} failed; the error is shown at the end"));
        self.note_absent(&part, Cause(self.failures.len()));
        self.failures.push(Failure { part, error, skipped: Vec::new() });
        Ok(())
    }

    /// A part was not tried.
    pub fn skip(&mut self, part: SpecItem, cause: Cause, progress: &Progress) {
        self.note_absent(&part, cause);
        if let Some(failure) = self.failures.get_mut(cause.0) {
            progress.say(&format!("{part} skipped: {} failed", failure.part));
            failure.skipped.push(part);
        }
    }

    fn note_absent(&mut self, part: &SpecItem, cause: Cause) {
        if !["step", "table"].contains(&part.list) {
            return;
        }
        let variants = part.group.as_ref().map_or_else(|| (0..self.variants).collect(), |(_, members)| members.clone());
        let absent = Absence { variants, cause, part: part.to_string() };
        self.absent.entry(part.name.clone()).or_default().push(absent);
    }

    /// How many parts failed, and how many were skipped for them.
    pub fn count(&self) -> (usize, usize) {
        (self.failures.len(), self.failures.iter().map(|failure| failure.skipped.len()).sum())
    }

    /// For the report.
    pub fn told(&self) -> Vec<Failed> {
        let told = |Failure { part, error, skipped }: &Failure| Failed {
            what: part.to_string(),
            why: error.render(false).trim_end().to_string(),
            skipped: skipped.iter().map(SpecItem::to_string).collect(),
        };
        self.failures.iter().map(told).collect()
    }

    /// As the error of the run, beside what else is wrong with it; `made` says whether any step's rows are there.
    pub fn into_error(self, also: Option<Error>, made: bool) -> Option<Error> {
        let unmet = |Failure { part, error, skipped }: Failure| FailedPart {
            what: part.to_string(),
            skipped: skipped.iter().map(SpecItem::to_string).collect(),
            error,
        };
        let mut failed: Vec<FailedPart> = self.failures.into_iter().map(unmet).collect();
        if failed.is_empty() {
            return also;
        }
        failed.extend(also.map(|error| FailedPart { what: "the results".to_string(), skipped: Vec::new(), error }));
        Some(Error::Parts { failed, made })
    }
}

fn root(rows: &str) -> &str {
    rows.split_once('.').map_or(rows, |(root, _)| root)
}
