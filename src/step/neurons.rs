//! Step `neuron-patching`: every neuron of some layers, exactly or to first order (paper §3.1).

use super::places::PlaceColumns;
use super::{Outcome, RowsInfo, patching};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::measure::{AttributionMeasure, EffectMeasure};
use crate::spec::step::{AttributionPatching, Direction, NeuronMethod, NeuronPatching};
use crate::spec::{Loaded, SpecErrors};
use crate::step::kind::Kind;
use crate::table::Frames;

impl Kind for NeuronPatching {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        match self.method {
            NeuronMethod::Exact => patching::run(self.into(), context),
            NeuronMethod::Attribution => approximate(self).run(context),
        }
    }

    fn rows(&self, frames: &Frames) -> Vec<RowsInfo> {
        match self.method {
            NeuronMethod::Exact => patching::rows::<PlaceColumns>(&self.measures, self.per_prompt),
            NeuronMethod::Attribution => approximate(self).rows(frames),
        }
    }

    fn check(&self, loaded: &Loaded, _frames: &Frames) -> Result<(), SpecErrors> {
        if self.method == NeuronMethod::Exact {
            return Ok(());
        }
        let refuse = |key: &str, problem: &str, advice: &str| {
            Err(loaded.refuse(&["step", &self.name, key], problem, Some(advice.to_string())))
        };
        if self.measures != [EffectMeasure::IndirectEffect] {
            return refuse(
                "measures",
                "method = \"attribution\" approximates the indirect effect alone",
                "write measures = [\"indirect-effect\"], or method = \"exact\"",
            );
        }
        if self.direction != Direction::Noising {
            return refuse(
                "direction",
                "method = \"attribution\" takes gradients at the clean prompt",
                "write direction = \"noising\", or method = \"exact\"",
            );
        }
        Ok(())
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        match self.method {
            NeuronMethod::Exact => patching::workload(&self.into(), survey, context).map(Some),
            NeuronMethod::Attribution => approximate(self).workload(survey, context),
        }
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
