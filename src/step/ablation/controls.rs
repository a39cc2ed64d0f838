//! Random circuits beside those that are named: as many units at each hook.

use super::circuits::Circuits;
use crate::measure::Stronger;
use crate::spec::step::{Ablation, AblationMode, Control};
use crate::step::inference::ControlValues;
use crate::step::{ModelRun, TemplateBatch};

/// The values of the drawn sets of all circuits, `sets` as [`super::runs::measure`] has them after those of the circuits themselves,
/// `each` of one set.
pub fn values(step: &Ablation, all: &[Circuits], sets: &[f64], each: usize) -> ControlValues {
    let is_free = |index: usize| all.iter().any(|of| of.circuits.get(index).is_some_and(|circuit| circuit.is_free));
    let stronger = match step.mode {
        AblationMode::Ablate => Stronger::Farther,
        AblationMode::Keep => Stronger::Nearer,
    };
    ControlValues::of_sets(step.control.draws(), sets, each, is_free, stronger)
}

/// What a reader of the controls should know: that there are none, or that some layers have too few others.
pub fn note(step: &Ablation, all: &[Circuits], cell: &TemplateBatch, subject: &ModelRun) -> Option<String> {
    if step.control == Control::None {
        return None;
    }
    let (name, template) = (&subject.name, &cell.template);
    let circuits = || all.iter().flat_map(|of| &of.circuits);
    if circuits().all(|circuit| circuit.members.is_empty()) {
        return None;
    }
    if !circuits().any(|circuit| circuit.is_free) {
        return Some(format!(
            "{name}: template '{template}': layers have no other units of the kind that is named, so that there are no controls"
        ));
    }
    let short = circuits().filter(|circuit| circuit.is_short).count();
    (short > 0).then(|| {
        format!(
            "{name}: template '{template}': in {short} of {} sets a layer has fewer other units than are named: its control has \
             all of those, and named ones for the rest",
            circuits().count()
        )
    })
}
