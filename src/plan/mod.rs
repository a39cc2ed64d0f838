//! What a spec would do, without doing it: prompts, rows, operations, seconds, memory.
//!
//! A [`Survey`] is a step's prompts in one model's tokens, made without the model's weights; a [`Workload`] counts what the
//! step would compute on them; [`Speed`] is the machine's, timed.

mod calibration;

pub use calibration::{Speed, beside, results};

use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::model::{ModelName, Sketch};
use crate::prompt::Extent;
use crate::spec::{Prompts, Step};
use crate::system::interrupt;
use crate::{Error, step};
use std::rc::Rc;
use std::time::Duration;

/// One step on one model.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Name of the step.
    pub step: String,
    /// Its kind.
    pub kind: &'static str,
    /// The model; none where the step runs none.
    pub model: Option<ModelName>,
    /// What it computes, at most.
    pub workload: Option<Workload>,
    /// How long making its prompts took, which a run does too, for the first step that has them.
    pub prompts: Duration,
}

impl Planned {
    /// Seconds that it takes; `None` where what it computes is not known.
    pub fn seconds(&self, speed: &Speed) -> Option<f64> {
        Some(speed.seconds(self.workload.as_ref()?) + self.prompts.as_secs_f64())
    }
}

/// Prompt sets whose making is counted. A run makes each once, for the first step that is computed on it.
#[derive(Default)]
pub struct Made(Vec<(Rc<Sketch>, Prompts, usize, bool)>);

impl Made {
    /// Whether no step before made the prompts of this one; those that the store has are counted apart.
    fn is_first(&mut self, step: &Step, name: &ModelName, is_stored: bool, context: &Context) -> Result<bool, Error> {
        let sketch = context.models.sketch(name)?;
        let prompts = surveyed(step, context)?;
        let batch = context.batch_of(&sketch.card.facts);
        let same = |(model, made, at_once, stored): &(Rc<Sketch>, Prompts, usize, bool)| {
            Rc::ptr_eq(model, &sketch) && *made == prompts && (*at_once, *stored) == (batch, is_stored)
        };
        let is_first = !self.0.iter().any(same);
        if is_first {
            self.0.push((sketch, prompts, batch, is_stored));
        }
        Ok(is_first)
    }
}

/// Plans steps, in the order in which they are run and each with whether the store has it, on each of their models; `context` is where
/// wrong places are refused from, `made` has what specs before them made.
///
/// # Errors
/// Models and prompts that cannot be had; sites, components and positions that a model or template has not.
pub fn plan<'s>(
    steps: impl IntoIterator<Item = (&'s Step, bool)>,
    context: &Context,
    made: &mut Made,
) -> Result<Vec<Planned>, Error> {
    let mut planned = Vec::new();
    for (step, is_stored) in steps {
        let mut prompts = Duration::ZERO;
        let about = |model, workload, prompts| Planned {
            step: step.name().to_string(),
            kind: step.kind(),
            model,
            workload,
            prompts,
        };
        let Some(selected) = step.models() else {
            let workload = if is_stored { None } else { step::workload_alone(step, context)? };
            planned.push(about(None, workload, prompts));
            continue;
        };
        for name in context.models.names(selected) {
            let is_first = made.is_first(step, &name, is_stored, context)?;
            let survey = || {
                let mut survey = Survey::make(step, &surveyed(step, context)?, &name, context, Extent::Whole)?;
                prompts = if is_first { survey.took } else { Duration::ZERO };
                survey.cells.iter_mut().filter(|_| !is_first).for_each(|cell| cell.asked = 0);
                Ok(survey)
            };
            let workload = step::workload(step, context, survey)?;
            planned.push(about(Some(name), workload, prompts));
        }
    }
    Ok(planned)
}

/// What steps ask of their models, templates and each other and cannot have, as far as a few prompts show it: of each step and model
/// the first that is found.
///
/// # Errors
/// Ctrl-C.
pub fn refusals(context: &Context) -> Result<Vec<Error>, Error> {
    let mut refused = Vec::new();
    for step in &context.loaded.spec.steps {
        let Some(selected) = step.models() else {
            refused.extend(step::foresee(step, context).err());
            continue;
        };
        for name in context.models.names(selected) {
            interrupt::check()?;
            let survey = || Survey::make(step, &surveyed(step, context)?, &name, context, Extent::Probe);
            refused.extend(step::workload(step, context, survey).err());
        }
    }
    Ok(refused)
}

/// The prompts that a step runs on.
fn surveyed(step: &Step, context: &Context) -> Result<Prompts, Error> {
    Ok(step::surveyed(step, context.prompts(step.common().prompts(), step.name())?))
}
