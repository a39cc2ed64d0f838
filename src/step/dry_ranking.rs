//! Rows of a step before it has run: which components they will be of, so that what reads them is refused before any work.

use super::patched_places::{PatchedPlaces, step_of};
use super::places::{self, Component, PositionGroup};
use super::ranking::{self, Effect, Of, Ranking, RankingFault};
use super::{Scope, kind, model_run};
use crate::Error;
use crate::context::Context;
use crate::intervene::Positions;
use crate::model::ModelName;
use crate::model::facts::Facts;
use crate::prompt::{PromptGroup, ResolvedPrompts};
use crate::spec::{Condition, Layers, Loaded, SpecErrors, Step};
use crate::table::Frames;
use indexmap::IndexMap;
use polars::prelude::*;

/// Columns whose values are known before.
const KNOWN: [&str; 9] = ["model", "checkpoint", "template", "operator", "measure", "site", "layer", "head", "neuron"];
/// The column that stands for the numbers.
const NUMBER: &str = "mean";

impl PatchedPlaces<'_> {
    /// The places in one model.
    ///
    /// # Errors
    /// Those that it has not: the step itself is refused for them.
    pub fn places(&self, facts: &Facts, length: usize, context: &Context) -> Result<Vec<Component>, Error> {
        let resolved = self.sites.iter().map(|site| places::site(&[], site, Scope::planned(facts), length, context));
        Ok(resolved.collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect())
    }
}

/// The layers that ranked neurons are expected in, for predictions: those that the step whose rows are ranked writes down. Layers that
/// probes will find are taken to be the later half: answers are read from the middle of a model on, in the models of the paper and in
/// those of `experiments/paper`. Of any other rows all layers.
pub fn expected_layers(from: &str, facts: &Facts, context: &Context) -> Vec<usize> {
    let all = facts.n_layers;
    let name = from.split_once('.').map_or(from, |(name, _)| name);
    let Some(layers) = kind::patched_places(name, context.loaded).and_then(|written| written.layers) else {
        return (0..all).collect();
    };
    match layers.says() {
        Layers::Written(numbers) => numbers.below(all).unwrap_or_default(),
        Layers::Probed(_) => (all / 2..all).collect(),
    }
}

/// Refuses a ranking of rows that have not what it reads (`neurons`: of neurons), that does not say which of several measures counts, or
/// names one that there is not.
///
/// # Errors
/// That, below `path`, where the ranking is written.
pub fn check(
    ranking: &Ranking,
    path: &[&str],
    neurons: bool,
    (loaded, frames): (&Loaded, &Frames),
) -> Result<(), SpecErrors> {
    let from = ranking.from;
    let refuse = |fault| ranking::refused(path, fault, loaded);
    let rows = frames.get(from).map_err(|problem| refuse(ranking::fault("from", problem)))?;
    ranking::check_columns(ranking, rows).map_err(refuse)?;
    check_measure(ranking, loaded).map_err(refuse)?;
    if neurons && rows.column("neuron").is_err() {
        let problem = format!("rows of '{from}' have no column 'neuron'; write a step of neuron-patching");
        return Err(refuse(ranking::fault("from", problem)));
    }
    Ok(())
}

fn check_measure(ranking: &Ranking, loaded: &Loaded) -> Result<(), RankingFault> {
    let Some(written) = kind::patched_places(ranking.from, loaded) else { return Ok(()) };
    if ranking.filter.contains_key("measure") {
        return Ok(());
    }
    ranking::one_measure(ranking, &written.measures).map(drop)
}

/// Whose rows are read.
#[derive(Clone, Copy)]
pub struct RankingReader<'r> {
    /// The model.
    pub name: &'r ModelName,
    /// Its facts.
    pub facts: &'r Facts,
    /// Name of the template.
    pub template: &'r str,
    /// The groups of its prompts.
    pub groups: &'r [PromptGroup],
}

/// The components that a ranking will have, for each group for which they may be others, in no order that means anything; at most, as
/// conditions on numbers are not known to be met. None where the rows are of what a step finds.
///
/// # Errors
/// Rows that there will not be, and what [`ranking::rank`] refuses, at its place in the spec.
pub fn ranked(
    ranking: &Ranking,
    path: &[&str],
    reader: RankingReader,
    context: &Context,
) -> Result<Vec<Vec<Effect>>, Error> {
    let Some(step) = step_of(ranking.from, context.loaded) else { return Ok(Vec::new()) };
    let Some(written) = kind::of(step).patched_places() else { return Ok(Vec::new()) };
    // No hook of a component depends on the length of the prompt.
    let Ok(places) = written.places(reader.facts, 1, context) else { return Ok(Vec::new()) };
    let known = |(column, _): &(&String, &Condition)| KNOWN.contains(&column.as_str());
    let filter: IndexMap<String, Condition> =
        ranking.filter.iter().filter(known).map(|(column, condition)| (column.clone(), condition.clone())).collect();
    let ranking = Ranking { filter: &filter, by: ranking.by.map(|_| NUMBER), ..*ranking };
    let measures = match ranking.measure.and_then(|wanted| written.measures.iter().find(|one| **one == wanted)) {
        Some(measure) => std::slice::from_ref(measure),
        None => &written.measures,
    };
    let mut found = Vec::new();
    for (number, group) in reader.groups.iter().map(PromptGroup::label).enumerate() {
        let of = Of {
            model: &reader.name.name,
            checkpoint: Some(reader.name.checkpoint.as_deref().unwrap_or_default()),
            template: reader.template,
            group: ranking.per_group.then_some(group),
        };
        let is_there = has_rows(step, of, reader.name, context);
        if number > 0 && is_there && !filter.contains_key("operator") {
            continue;
        }
        let rows = rows(if is_there { &places } else { &[] }, reader.facts, measures, (of, group))?;
        let refused = |fault| ranking::refused(path, fault, context.loaded);
        found.push(ranking::rank(&ranking, &rows, of, Some(reader.facts)).map_err(refused)?);
    }
    Ok(found)
}

/// Whether a step runs a model on prompts of a template and group.
fn has_rows(step: &Step, of: Of, name: &ModelName, context: &Context) -> bool {
    let runs = context.models.names(step.models().unwrap_or_default()).contains(name);
    let Some(prompts) = model_run::spec(step, context.loaded) else { return false };
    // Prompts that are wrong are refused by themselves.
    let Ok(resolved) = ResolvedPrompts::new(prompts) else { return true };
    let has = |wanted: &str| resolved.groups.iter().any(|group| group.label() == wanted);
    runs && prompts.template.0.contains_key(of.template) && of.group.is_none_or(has)
}

/// The rows of places, without numbers.
fn rows(places: &[Component], facts: &Facts, measures: &[&str], (of, group): (Of, &str)) -> PolarsResult<DataFrame> {
    let anywhere = PositionGroup { label: String::new(), index: None, positions: Positions::All };
    let each: Vec<(Component, &PositionGroup)> =
        measures.iter().flat_map(|_| places.iter().map(|&place| (place, &anywhere))).collect();
    let constant = |name: &str, value: &str| StringChunked::full(name.into(), value, each.len()).into_column();
    let measure = measures.iter().flat_map(|measure| std::iter::repeat_n(*measure, places.len()));
    let columns = [
        constant("model", of.model),
        constant("checkpoint", of.checkpoint.unwrap_or_default()),
        constant("template", of.template),
        constant("operator", group),
        StringChunked::from_iter_values("measure".into(), measure).into_column(),
        Column::full_null(NUMBER.into(), each.len(), &DataType::Float64),
    ];
    places::keys(&each, facts)?.hstack(&columns)
}
