//! What a cell takes: seconds, memory, and the models that have to be opened for it.

use crate::Error;
use crate::context::Models;
use crate::cost::{ModelWork, Workload};
use crate::model::{ModelName, Sketch};
use crate::plan::{PlannedStep, PlannedVariant};
use crate::spec::Device;
use std::collections::HashMap;
use std::rc::Rc;

/// What a cell takes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CellCost {
    /// Seconds, about, with its models open.
    pub seconds: f64,
    /// Bytes of weights and activations, about.
    pub memory: u64,
    /// Models that it runs, by number, with the seconds that opening each takes.
    pub opens: Vec<(usize, f64)>,
}

/// Seconds of a workload on a model, of one that runs none without.
pub type CellTiming<'t> = dyn FnMut(&Workload, Option<(&ModelName, &Models)>) -> Result<f64, Error> + 't;

/// Seconds of a step whose cost is not known beforehand.
const UNKNOWN: f64 = 10.0;
/// Seconds of what every step takes besides: its key, its rows into the store.
const LEAST: f64 = 0.01;
/// Bytes of weights that are read in a second.
const READ: f64 = 1e9;

/// The models of a command by number: those that are the same are one.
#[derive(Default)]
pub(super) struct Weights(HashMap<*const Sketch, (usize, Rc<Sketch>)>);

impl Weights {
    fn number(&mut self, sketch: &Rc<Sketch>) -> usize {
        let next = self.0.len();
        // Held, so that no other sketch comes to be at the same place.
        self.0.entry(Rc::as_ptr(sketch)).or_insert_with(|| (next, sketch.clone())).0
    }
}

impl CellCost {
    /// Of a step of a variant.
    ///
    /// # Errors
    /// Models that are no longer there.
    pub(super) fn of(
        variant: &PlannedVariant,
        planned: &PlannedStep,
        timing: &mut CellTiming,
        weights: &mut Weights,
    ) -> Result<Self, Error> {
        let mut cost = Self { seconds: LEAST, ..Self::default() };
        if planned.step.models().is_none() {
            let work = variant.workload_alone(planned.step)?;
            cost.seconds += work.map(|work| timing(&work, None)).transpose()?.unwrap_or(0.0);
        }
        for on in &planned.models {
            let models = variant.models();
            let sketch = models.sketch(&on.name)?;
            let bytes = sketch.card.weight_bytes as u64;
            let work = on.workload.map(|work| work.and(on.prompts.asking));
            cost.seconds += work.map(|work| timing(&work, Some((&on.name, models)))).transpose()?.unwrap_or(UNKNOWN);
            cost.memory = cost.memory.max(bytes + work.map_or(0, |work| work.memory));
            let number = weights.number(&sketch);
            if cost.opens.iter().all(|(other, _)| *other != number) {
                cost.opens.push((number, bytes as f64 / READ));
            }
        }
        Ok(cost)
    }
}

/// Floating-point operations of a nominal processor and of a nominal GPU in a second.
const PROCESSOR: f64 = 4e10;
const GPU: f64 = 4e12;
/// Seconds of what is beside the products at one position of a layer, of a row of logits, of a value of a resample, and of matching a
/// neuron's value, on a nominal processor.
const POSITION: f64 = 2e-6;
const LOGITS: f64 = 2e-5;
const RESAMPLED: f64 = 1e-9;
const MATCHED: f64 = 1e-7;

/// Seconds on a machine that does not exist: processes on different machines, that must share out the same steps without a word to
/// each other, take the same for each.
///
/// # Errors
/// None.
pub fn nominal(work: &Workload, on: Option<(&ModelName, &Models)>) -> Result<f64, Error> {
    let model = on.and_then(|(name, models)| models.settings(name));
    let (speed, devices) = match model.map(|model| (model.device.first(), model.device.different())) {
        Some((Device::Cpu, _)) | None => (1.0, 1),
        Some((_, devices)) => (GPU / PROCESSOR, devices),
    };
    // What is timed and not counted, a training, is another time for each who times it.
    let timed = if work.seconds > 0.0 { UNKNOWN } else { 0.0 };
    let seconds = |work: ModelWork| {
        work.operations as f64 / PROCESSOR + work.positions as f64 * POSITION + work.unembedded as f64 * LOGITS
    };
    let others = 1.0 - 1.0 / devices as f64;
    let on_device = seconds(work.of_models()) - others * seconds(work.shared);
    Ok(on_device / speed + work.resampled as f64 * RESAMPLED + work.matched as f64 * MATCHED + timed)
}
