//! What a spec would do, without doing it: prompts, rows, operations, seconds, memory.
//!
//! A [`Survey`] is a step's prompts in one model's tokens, made without the model's weights; a [`Workload`] counts what the
//! step would compute on them; [`Speed`] is the machine's, timed.

mod calibration;
mod survey;
mod workload;

pub use calibration::Speed;
pub use survey::{Extent, Read, Survey, SurveyedCell};
pub use workload::Workload;

use crate::Error;
use crate::run::{ModelName, Models};
use crate::spec::Loaded;
use crate::step::{self, Context};
use std::time::{Duration, Instant};

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
    /// How long making its prompts took, which a run does too.
    pub prompts: Duration,
}

impl Planned {
    /// Seconds that it takes; `None` where what it computes is not known.
    pub fn seconds(&self, speed: &Speed) -> Option<f64> {
        Some(speed.seconds(self.workload.as_ref()?) + self.prompts.as_secs_f64())
    }
}

/// Plans every step on each of its models; `context` is where wrong places are refused from.
///
/// # Errors
/// Models and prompts that can not be had; sites, components and positions that a model or template has not.
pub fn plan(loaded: &Loaded, models: &Models, context: &Context, extent: Extent) -> Result<Vec<Planned>, Error> {
    let mut planned = Vec::new();
    for step in &loaded.spec.steps {
        let mut prompts = Duration::ZERO;
        let about = |model, workload, prompts| Planned {
            step: step.name().to_string(),
            kind: step.kind(),
            model,
            workload,
            prompts,
        };
        let Some(selected) = step.models() else {
            planned.push(about(None, None, prompts));
            continue;
        };
        for name in models.names(selected) {
            let survey = || {
                let start = Instant::now();
                let survey = Survey::make(step, &name, context, extent);
                prompts = start.elapsed();
                survey
            };
            let workload = step::workload(step, context, survey)?;
            planned.push(about(Some(name), workload, prompts));
        }
    }
    Ok(planned)
}
