//! Step `neuron-patching`: every neuron of some layers, exactly or to first order (paper §3.1).

use super::{Outcome, RowsInfo, patching};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::measure::{AttributionMeasure, EffectMeasure};
use crate::spec::step::{ActivationPatching, AttributionPatching, Direction, NeuronMethod, NeuronPatching};
use crate::spec::{Loaded, SpecErrors};
use crate::step::dependent_key::DependentKey;
use crate::step::kind::Kind;
use crate::step::patched_places::{PatchedPlaces, each_once};
use crate::table::Frames;
use std::borrow::Cow;

impl Kind for NeuronPatching {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        of_sites(self).run(context)
    }

    fn rows(&self, frames: &Frames) -> Vec<RowsInfo> {
        of_sites(self).rows(frames)
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
        of_sites(self).workload(survey, context)
    }

    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        vec![DependentKey::correction(self.correction, self.test)]
    }

    fn patched_places(&self) -> Option<PatchedPlaces<'_>> {
        let exact = exact(self);
        Some(PatchedPlaces {
            sites: Cow::from(exact.sites.clone()),
            layers: Some(&self.layers),
            positions: &self.positions,
            measures: each_once(&self.measures),
            exact: (self.method == NeuronMethod::Exact).then_some(Cow::Owned(exact)),
        })
    }
}

/// The step of exact patching that gives the same rows.
fn exact(step: &NeuronPatching) -> ActivationPatching {
    let NeuronPatching { name, models, prompts, needs, positions, counterfactual, direction, measures, .. } =
        step.clone();
    let (sites, per_prompt, bootstrap) = (patching::neuron_sites(&step.layers), step.per_prompt, step.bootstrap);
    let (test, correction) = (step.test, step.correction);
    ActivationPatching {
        name,
        models,
        prompts,
        needs,
        sites,
        positions,
        window: None,
        corrupt: None,
        counterfactual,
        direction,
        measures,
        per_prompt,
        bootstrap,
        test,
        correction,
    }
}

/// The step of all neurons' sites that gives the same rows.
fn of_sites(step: &NeuronPatching) -> Box<dyn Kind> {
    let exact = exact(step);
    if step.method == NeuronMethod::Exact {
        return Box::new(exact);
    }
    Box::new(AttributionPatching {
        name: exact.name,
        models: exact.models,
        prompts: exact.prompts,
        needs: exact.needs,
        sites: exact.sites,
        positions: exact.positions,
        counterfactual: exact.counterfactual,
        measure: AttributionMeasure::IndirectEffect,
        integrated_points: 0,
        compare: None,
        compare_measure: None,
        top: Vec::new(),
        per_prompt: exact.per_prompt,
        bootstrap: exact.bootstrap,
        test: exact.test,
        correction: exact.correction,
    })
}
