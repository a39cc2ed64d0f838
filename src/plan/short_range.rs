//! Ranges of layers that end just before the last one: their end is excluded, and who writes `24..29` in a model of 30 layers may have
//! meant layer 29, too.

use super::variant::PlannedVariant;
use crate::spec::{Layers, Numbers, Step};

impl PlannedVariant<'_> {
    /// What to say of such ranges, a note for each step, model and range.
    pub(crate) fn short_ranges(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for step in &self.loaded.spec.steps {
            for (name, summary) in &self.summaries {
                if runs(step, &name.name) {
                    let last = summary.dimensions.n_layers.saturating_sub(1);
                    notes
                        .extend(ranges_to(step, last).map(|start| note(step.name(), &name.to_string(), (start, last))));
                }
            }
        }
        let mut once: Vec<String> = Vec::with_capacity(notes.len());
        notes.into_iter().for_each(|note| once.extend((!once.contains(&note)).then_some(note)));
        once
    }
}

/// Whether a step runs a model.
fn runs(step: &Step, model: &str) -> bool {
    step.models().is_some_and(|models| models.is_empty() || models.iter().any(|name| name == model))
}

/// Where ranges of several layers begin that end at a layer, which is then not in them, and that nothing else beside them names.
fn ranges_to(step: &Step, end: usize) -> impl Iterator<Item = usize> {
    let of = move |layers: &Layers| match layers {
        Layers::Written(Numbers::Ranges(ranges)) if ranges.iter().all(|&(_, high)| high <= end) => {
            ranges.iter().filter(|&&(low, high)| high == end && high - low > 1).map(|&(low, _)| low).collect()
        }
        _ => Vec::new(),
    };
    step.common().layers().into_iter().flat_map(of).collect::<Vec<_>>().into_iter()
}

fn note(step: &str, model: &str, (start, end): (usize, usize)) -> String {
    format!(
        "step '{step}': layers {start}..{end} are {start} to {}, because the end of a range is excluded; the last layer of model '{model}' is {end}: \
         if it belongs to them, write {start}..{}",
        end - 1,
        end + 1
    )
}
