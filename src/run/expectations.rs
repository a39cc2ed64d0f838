//! The expectations of a spec, once its results are there.

use super::progress::Progress;
use super::{Frames, check};
use crate::Error;
use crate::expectation::{self, Compared, Verdict};
use crate::spec::{Expectation, Loaded, SpecErrors};
use indexmap::IndexMap;

/// What came of the expectations; nothing of it stops a run before its results are written.
pub struct Compares {
    /// Those that could be read.
    pub all: Vec<Compared>,
    /// Columns that turned out not to be there.
    refused: Vec<SpecErrors>,
}

/// Compares every expectation with its row. `known` has the known model that each model of the spec is, none for one that is
/// not known.
pub fn compare(loaded: &Loaded, frames: &Frames, known: &IndexMap<String, Option<String>>) -> Compares {
    let own = known.get("model").or(known.first().map(|(_, known)| known).filter(|_| known.len() == 1));
    let of = |model: Option<&str>| model.and_then(|model| known.get(model)).or(own)?.as_deref();
    let mut compares = Compares { all: Vec::new(), refused: Vec::new() };
    for expected in &loaded.spec.expectations {
        match one(loaded, frames, expected, of) {
            Ok(compared) => compares.all.push(compared),
            Err(refused) => compares.refused.push(refused),
        }
    }
    compares
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
