//! The neurons that are looked at: the best of each layer by the rows of an earlier step.

use crate::Error;
use crate::context::Context;
use crate::model::hook::{Hook, Site};
use crate::prompt::PromptGroup;
use crate::spec::step::{Heuristics, RankedNeurons};
use crate::step::ModelRun;
use crate::step::dry_ranking::{self, RankingReader};
use crate::step::places::Component;
use crate::step::ranking::{self, Effect, Of, Ranking, RankingFault, fault};

/// A neuron of the ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedNeuron {
    /// Its layer.
    pub layer: usize,
    /// Its index in the layer.
    pub neuron: usize,
    /// Its rank in the layer, from 1.
    pub rank: usize,
    /// What it is ranked by.
    pub effect: Option<f64>,
}

impl RankedNeuron {
    /// `L3N17`
    pub fn component(&self) -> String {
        format!("L{}N{}", self.layer, self.neuron)
    }
}

impl<'s> From<&'s RankedNeurons> for Ranking<'s> {
    fn from(ranked: &'s RankedNeurons) -> Self {
        let RankedNeurons { from, filter, by, measure, per_operator, .. } = ranked;
        Self { from, filter, by: Some(by), measure: measure.as_deref(), per_group: *per_operator, found: false }
    }
}

/// The neurons for the prompts of a group, by layer and rank.
///
/// # Errors
/// A ranking that cannot be had, or has no neurons, at its place in the spec.
pub fn ranked(
    step: &Heuristics,
    group: &PromptGroup,
    template: &str,
    subject: &ModelRun,
    context: &Context,
) -> Result<Vec<RankedNeuron>, Error> {
    let refuse = |fault| Error::from(ranking::refused(&["step", &step.name, "ranked"], fault, context.loaded));
    let from = &step.ranked.from;
    let rows = context.frames.get(from).map_err(|problem| refuse(fault("from", problem)))?;
    let labels = subject.labels();
    let group = step.ranked.per_operator.then_some(group.label());
    let of = Of { model: labels.model, checkpoint: Some(labels.checkpoint), template, group };
    let ranking = Ranking::from(&step.ranked);
    let mut effects = ranking::rank(&ranking, rows, of, Some(subject.model.facts())).map_err(refuse)?;
    effects.retain(|(place, _)| neuron(*place).is_some());
    if effects.is_empty() {
        return Err(refuse(none(from, group)));
    }
    let best = ranking::top(&effects, true, |_| step.ranked.k);
    let one = |(rank, (place, effect)): (usize, Effect)| {
        neuron(place).map(|(layer, neuron)| RankedNeuron { layer, neuron, rank, effect })
    };
    let mut neurons: Vec<RankedNeuron> = best.into_iter().filter_map(one).collect();
    neurons.sort_by_key(|neuron| (neuron.layer, neuron.rank));
    Ok(neurons)
}

/// Refuses a ranking that will have no neurons, as far as that shows before its rows are there.
///
/// # Errors
/// That, at its place in the spec.
pub fn foresee(step: &Heuristics, reader: RankingReader, context: &Context) -> Result<(), Error> {
    let path = ["step", step.name.as_str(), "ranked"];
    let ranked = dry_ranking::ranked(&Ranking::from(&step.ranked), &path, reader, context)?;
    let is_none = |effects: &Vec<Effect>| effects.iter().all(|(place, _)| neuron(*place).is_none());
    let Some(number) = ranked.iter().position(is_none) else { return Ok(()) };
    let group = reader.groups.get(number).map(PromptGroup::label).filter(|_| step.ranked.per_operator);
    Err(ranking::refused(&path, none(&step.ranked.from, group), context.loaded).into())
}

fn none(from: &str, group: Option<&str>) -> RankingFault {
    let of = group.map_or(String::new(), |group| format!(" for operator '{group}'"));
    fault("from", format!("'{from}' ranks no neurons{of}; write the name of a step of kind neuron-patching"))
}

fn neuron(place: Component) -> Option<(usize, usize)> {
    match (place.hook, place.unit) {
        (Hook::Block(layer, Site::MlpPost), Some(neuron)) => Some((layer, neuron)),
        _ => None,
    }
}
