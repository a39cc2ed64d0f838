//! Ranges of layers that end just before the last one: their end is excluded, and who writes `24..29` in a model of 30 layers may have
//! meant layer 29, too.

use super::variant::PlannedVariant;
use crate::spec::{Layers, Numbers, Step};
use indexmap::IndexSet;

impl PlannedVariant<'_> {
    /// What to say of such ranges, a note for each step, model and range; nothing where another range goes to the last layer: whoever wrote
    /// that counts ends as excluded.
    pub(crate) fn short_ranges(&self) -> IndexSet<String> {
        let steps = &self.loaded.spec.steps;
        let mut notes = IndexSet::new();
        for step in steps {
            for (name, summary) in &self.summaries {
                let last = summary.dimensions.n_layers.saturating_sub(1);
                if runs(step, &name.name) && !excludes_ends(steps, last) {
                    let of = |start| note(step.name(), &name.to_string(), (start, last));
                    notes.extend(ranges_to(step, last).map(of));
                }
            }
        }
        notes
    }
}

/// Whether a step runs a model.
fn runs(step: &Step, model: &str) -> bool {
    step.models().is_some_and(|models| models.is_empty() || models.iter().any(|name| name == model))
}

/// The ranges that a step writes, those of each of its texts together.
fn written(step: &Step) -> impl Iterator<Item = &[(usize, usize)]> {
    step.common().layers().into_iter().filter_map(|layers| match layers {
        Layers::Written(Numbers::Ranges(ranges)) => Some(ranges.as_slice()),
        _ => None,
    })
}

/// Where ranges of several layers begin that end at a layer, which is then not in them, and that nothing else beside them names.
fn ranges_to(step: &Step, end: usize) -> impl Iterator<Item = usize> {
    let ends = move |ranges: &&[(usize, usize)]| ranges.iter().all(|&(_, high)| high <= end);
    let ranges = written(step).filter(ends).flatten();
    ranges.filter(move |&&(low, high)| high == end && high - low > 1).map(|&(low, _)| low)
}

/// Whether a range of several layers in a spec goes to the last one.
fn excludes_ends(steps: &[Step], last: usize) -> bool {
    steps.iter().flat_map(written).flatten().any(|&(low, high)| high == last + 1 && high - low > 1)
}

fn note(step: &str, model: &str, (start, end): (usize, usize)) -> String {
    let before = end - 1;
    let on_purpose = match end - start {
        2 => format!("{{{start},{before}}}"),
        _ => format!("{{{start}..{before},{before}}}"),
    };
    format!(
        "step '{step}': layers {start}..{end} are {start} to {before}, because the end of a range is excluded; the last layer of model '{model}' \
         is {end}: if it belongs to them, write {start}..{}, and if it does not, {on_purpose}, which says so without this note",
        end + 1
    )
}
