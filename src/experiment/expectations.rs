//! The expectations of a spec, once its results are there.

use crate::Error;
use crate::check::rows as check;
use crate::expectation::{self, Compared, Verdict};
use crate::plan::Plan;
use crate::run::failures::{Failures, RowsState, SpecItem};
use crate::spec::{Expectation, Loaded, SpecErrors};
use crate::system::progress::Progress;
use crate::table::{self, Frames};
use crate::variants::pool;
use indexmap::IndexMap;
use polars::prelude::DataFrame;

/// What came of the expectations; nothing of it stops a run before its results are written.
pub struct Compares {
    /// Those that could be read.
    pub all: Vec<Compared>,
    /// Columns that turned out not to be there.
    pub refused: Vec<SpecErrors>,
}

/// Compares every expectation with its row. Those whose rows are `failures`, be it of one variant, are skipped.
pub fn compare(plan: &Plan, frames: &Frames, failures: &mut Failures, progress: &Progress) -> Compares {
    let mut compares = Compares { all: Vec::new(), refused: Vec::new() };
    for expected in &plan.loaded.spec.expectations {
        if let RowsState::Absent(cause) | RowsState::Lacking(cause, _) = failures.rows([expected.from.as_str()]) {
            failures.skip(SpecItem::expectation(&expected.name), cause, progress);
            continue;
        }
        let known = known(plan, expected);
        let own = known.get("model").or(known.first().map(|(_, known)| known).filter(|_| known.len() == 1));
        let of = |model: Option<&str>| model.and_then(|model| known.get(model)).or(own)?.as_deref();
        match one(plan.loaded, frames, expected, of) {
            Ok(compared) => compares.all.push(compared),
            Err(refused) => compares.refused.push(refused),
        }
    }
    compares
}

/// The known model that each model is, none for one that is not known, or not the same in all variants whose rows an expectation
/// may be about.
fn known(plan: &Plan, expected: &Expectation) -> IndexMap<String, Option<String>> {
    let about = |number: usize| {
        let Some(sweep) = plan.loaded.sweep() else { return true };
        let Some(variant) = sweep.variants.get(number) else { return false };
        sweep.axes.iter().zip(&variant.labels).all(|(axis, label)| {
            let Some(condition) = expected.filter.get(axis) else { return true };
            let axes = [(axis.as_str(), pool::dtype(std::iter::once(label)))];
            let labels = pool::labelled(&axes, std::slice::from_ref(label), &DataFrame::empty_with_height(1));
            labels.is_ok_and(|row| table::meeting(&row, axis, condition).is_ok_and(|kept| kept.height() > 0))
        })
    };
    let mut all: IndexMap<String, Option<String>> = IndexMap::new();
    for (_, variant) in plan.variants.iter().enumerate().filter(|(number, _)| about(*number)) {
        for (model, known) in &variant.known {
            let same = all.entry(model.clone()).or_insert_with(|| known.clone());
            if same != known {
                *same = None;
            }
        }
    }
    all
}

fn one<'k>(
    loaded: &Loaded,
    frames: &Frames,
    expected: &Expectation,
    known: impl Fn(Option<&str>) -> Option<&'k str>,
) -> Result<Compared, SpecErrors> {
    let rows = frames.get(&expected.from);
    let rows = rows.map_err(|problem| loaded.refuse(&["expect", &expected.name, "from"], problem, None))?;
    expectation::compare(expected, rows, known)
        .map_err(|faults| check::refused(loaded, "expect", &expected.name, faults))
}

impl Compares {
    /// Says how many agree, and each that differs.
    pub fn say(&self, progress: &Progress) {
        if let Some(line) = Compared::count(&self.all) {
            progress.say(&line);
        }
        self.differing().for_each(|compared| progress.say(&format!("differs: {compared}")));
    }

    /// Whether the model at hand is as expected.
    ///
    /// # Errors
    /// Expectations that could not be read, or else those that differ.
    pub fn judge(self) -> Result<(), Error> {
        let names: Vec<String> = self.differing().map(|compared| compared.expected.name.clone()).collect();
        if !self.refused.is_empty() {
            return Err(SpecErrors::join(self.refused).into());
        }
        if names.is_empty() { Ok(()) } else { Err(Error::Differ { names, of: self.all.len() }) }
    }

    fn differing(&self) -> impl Iterator<Item = &Compared> {
        self.all.iter().filter(|compared| compared.verdict == Verdict::Differ)
    }
}
