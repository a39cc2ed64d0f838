//! Keys that steps have in common which knock neurons out, and what follows from these alone.

use super::bag;
use super::hook;
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, SurveyedCell, Workload};
use crate::intervene::{Edit, Units};
use crate::spec::PositionName;
use crate::spec::step::{HeuristicKnockout, KnockoutValue, MeanOver, PromptKnockout};
use crate::step::dependent_key::DependentKey;
use crate::step::means::Over;
use crate::step::places;

/// What a spec says of neurons that go out.
#[derive(Debug, Clone, Copy)]
pub struct KnockoutKeys<'s> {
    /// Name of the step.
    pub step: &'s str,
    /// The step of heuristics that its neurons are of.
    pub from: &'s str,
    /// The step's prompt set.
    pub prompts: Option<&'s str>,
    /// What the neurons' activations become.
    pub value: KnockoutValue,
    /// What means are taken over, where they become one.
    pub mean: &'s MeanOver,
    /// Where, as the spec names it.
    pub positions: &'s [PositionName],
}

macro_rules! keys_of {
    ($($kind:ident),*) => {
        $(impl<'s> From<&'s $kind> for KnockoutKeys<'s> {
            fn from(step: &'s $kind) -> Self {
                let (name, from, prompts) = (&step.name, &step.from, step.prompts.as_deref());
                Self { step: name, from, prompts, value: step.value, mean: &step.mean, positions: &step.positions }
            }
        })*
    };
}

keys_of!(HeuristicKnockout, PromptKnockout);

impl<'s> KnockoutKeys<'s> {
    /// What its means are over.
    pub fn over(&self) -> Over<'s> {
        Over { step: self.step, prompts: self.prompts, mean: self.mean }
    }

    /// Those that change something only beside others.
    pub fn dependent(&self) -> Vec<DependentKey> {
        let is_mean = self.value == KnockoutValue::Mean;
        vec![DependentKey::mean(self.mean, is_mean, "leave it out, or write value = \"mean\"")]
    }

    /// What a step computes whose `runs` says, of the prompts of a template and of how many neurons there are, on how many prompts
    /// neurons are out together, and how often that is done.
    ///
    /// # Errors
    /// Positions that a template has not, and prompts of means that cannot be had, at their place in the spec.
    pub fn workload(
        &self,
        survey: &Survey,
        context: &Context,
        runs: impl Fn(&SurveyedCell, usize) -> (usize, usize),
    ) -> Result<Workload, Error> {
        let facts = &survey.sketch.card.facts;
        let (each, layers) = bag::expected(self.from, facts, context);
        let means = match self.value {
            KnockoutValue::Zero => vec![0; survey.cells.len()],
            KnockoutValue::Mean => self.over().foresee(survey, context)?,
        };
        let mut whole = Workload::default();
        for (cell, means) in survey.cells.iter().zip(means) {
            let length = cell.positions.length;
            let at = places::positions(self.step, self.positions, &cell.positions, &cell.template, context)?;
            // All neurons of these layers: at most what is changed.
            let positions = places::together(&at);
            let all = |&layer: &usize| Edit::zero(hook(layer), positions.clone(), Units::All);
            let edits: Vec<Edit> = layers.iter().map(all).collect();
            let (prompts, times) = runs(cell, each * layers.len());
            let replay = Workload::replay([&edits[..]].into_iter(), prompts, length, facts, survey.memory);
            let forwards = Workload::forwards(cell.prompts + means, length, facts);
            whole = whole.and(replay.times(times).and(forwards));
        }
        Ok(whole)
    }
}
