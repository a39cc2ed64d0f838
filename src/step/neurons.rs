//! Step `neuron-patching`: every neuron of some layers, exactly or to first order (paper §3.1).

use super::{Outcome, attribution, patching};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::spec::step::{
    AttributionMeasure, AttributionPatching, Direction, EffectMeasure, NeuronMethod, NeuronPatching,
};
use crate::spec::{Loaded, SpecErrors};
use polars::prelude::{DataFrame, PolarsResult};

/// Runs the step on each of its models.
pub(super) fn run(step: &NeuronPatching, context: &Context) -> Result<Outcome, Error> {
    match step.method {
        NeuronMethod::Exact => patching::run(step.into(), context),
        NeuronMethod::Attribution => attribution::run(&approximate(step), context),
    }
}

/// Its frames without rows.
pub(super) fn empty_frames(step: &NeuronPatching) -> PolarsResult<Vec<(String, DataFrame)>> {
    match step.method {
        NeuronMethod::Exact => patching::empty_frames(&step.into()),
        NeuronMethod::Attribution => attribution::empty_frames(&approximate(step)),
    }
}

/// What the approximation cannot be asked for.
pub(super) fn check(step: &NeuronPatching, loaded: &Loaded) -> Result<(), SpecErrors> {
    if step.method == NeuronMethod::Exact {
        return Ok(());
    }
    let refuse = |key: &str, problem: &str, advice: &str| {
        Err(loaded.refuse(&["step", &step.name, key], problem, Some(advice.to_string())))
    };
    if step.measures != [EffectMeasure::IndirectEffect] {
        return refuse(
            "measures",
            "method = \"attribution\" approximates the indirect effect alone",
            "write measures = [\"indirect-effect\"], or method = \"exact\"",
        );
    }
    if step.direction != Direction::Noising {
        return refuse(
            "direction",
            "method = \"attribution\" takes gradients at the clean prompt",
            "write direction = \"noising\", or method = \"exact\"",
        );
    }
    Ok(())
}

/// What it would compute.
pub(super) fn workload(step: &NeuronPatching, survey: &Survey, context: &Context) -> Result<Workload, Error> {
    match step.method {
        NeuronMethod::Exact => patching::workload(&step.into(), survey, context),
        NeuronMethod::Attribution => attribution::workload(&approximate(step), survey, context),
    }
}

/// The step of attribution patching that gives the same rows.
fn approximate(step: &NeuronPatching) -> AttributionPatching {
    AttributionPatching {
        name: step.name.clone(),
        models: step.models.clone(),
        prompts: step.prompts.clone(),
        needs: step.needs.clone(),
        sites: patching::neuron_sites(&step.layers),
        positions: step.positions.clone(),
        counterfactual: step.counterfactual.clone(),
        measure: AttributionMeasure::IndirectEffect,
        integrated_points: 0,
        compare: None,
        compare_measure: None,
        top: Vec::new(),
        per_prompt: step.per_prompt,
        bootstrap: step.bootstrap,
    }
}
