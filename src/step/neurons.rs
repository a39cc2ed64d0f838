//! Step `neuron-patching`: every neuron of some layers, exactly or to first order (paper §3.1).

use super::{Outcome, attribution, patching};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::spec::choices;
use crate::spec::step::{
    AttributionMeasure, AttributionPatching, Direction, EffectMeasure, NeuronMethod, NeuronPatching,
};
use crate::spec::{Loaded, SpecErrors};
use crate::step::kind::Kind;
use crate::table::Frames;
use polars::prelude::{DataFrame, PolarsResult};

impl Kind for NeuronPatching {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        run(self, context)
    }

    fn empty_frames(&self, _frames: &Frames) -> PolarsResult<Vec<(String, DataFrame)>> {
        empty_frames(self)
    }

    fn check(&self, loaded: &Loaded, _frames: &Frames) -> Result<(), SpecErrors> {
        check(self, loaded)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        workload(self, survey, context).map(Some)
    }

    fn words(&self, column: &str) -> Option<Vec<&'static str>> {
        (column == "measure").then(|| choices("EffectMeasure"))
    }

    fn measured(&self) -> Vec<&'static str> {
        self.measures.iter().map(|measure| measure.name()).collect()
    }
}

/// Runs the step on each of its models.
fn run(step: &NeuronPatching, context: &Context) -> Result<Outcome, Error> {
    match step.method {
        NeuronMethod::Exact => patching::run(step.into(), context),
        NeuronMethod::Attribution => attribution::run(&approximate(step), context),
    }
}

/// Its frames without rows.
fn empty_frames(step: &NeuronPatching) -> PolarsResult<Vec<(String, DataFrame)>> {
    match step.method {
        NeuronMethod::Exact => patching::empty_frames(&step.into()),
        NeuronMethod::Attribution => attribution::empty_frames(&approximate(step)),
    }
}

/// What the approximation cannot be asked for.
fn check(step: &NeuronPatching, loaded: &Loaded) -> Result<(), SpecErrors> {
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
fn workload(step: &NeuronPatching, survey: &Survey, context: &Context) -> Result<Workload, Error> {
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
