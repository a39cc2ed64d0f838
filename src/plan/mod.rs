//! What a spec would do, without doing it: prompts, rows, operations, seconds, memory.
//!
//! A [`Survey`] is a step's prompts in one model's tokens, made without the model's weights; a [`Workload`] counts what the
//! step would compute on them; [`calibrate`] times the machine.

mod calibration;
mod survey;
mod workload;

pub use calibration::calibrate;
pub use survey::{Extent, Read, Survey, SurveyedCell};
pub use workload::Workload;

use crate::Error;
use crate::run::{ModelName, Models};
use crate::spec::Loaded;
use crate::step::{self, Context};

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
}

/// Plans every step on each of its models; `context` is where wrong places are refused from.
///
/// # Errors
/// Models and prompts that can not be had; sites, components and positions that a model or template has not.
pub fn plan(loaded: &Loaded, models: &Models, context: &Context, extent: Extent) -> Result<Vec<Planned>, Error> {
    let mut planned = Vec::new();
    for step in &loaded.spec.steps {
        let about = |model, workload| Planned { step: step.name().to_string(), kind: step.kind(), model, workload };
        let Some(selected) = step.models() else {
            planned.push(about(None, None));
            continue;
        };
        for name in models.names(selected) {
            let workload = step::workload(step, context, || Survey::make(step, &name, context, extent))?;
            planned.push(about(Some(name), workload));
        }
    }
    Ok(planned)
}
