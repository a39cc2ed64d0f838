//! Step `neuron-overlap`: how much the most important neurons of one group are those of another (paper figure 15).

use crate::Error;
use crate::context::Context;
use crate::counted::counted;
use crate::model::hook::{Hook, Site};
use crate::spec::step::NeuronOverlap;
use crate::spec::{Loaded, SpecErrors};
use crate::step::dry_ranking::{self, RankingReader};
use crate::step::kind::Kind;
use crate::step::labels::RunLabels;
use crate::step::places::Component;
use crate::step::ranking::{self, Of, Ranking, RankingFault, fault, refused};
use crate::step::{Outcome, RowsInfo, model_run};
use crate::table::{Frames, Holds, read, rows};
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;
use std::collections::{HashMap, HashSet};

/// A model, a checkpoint, a template.
type RunKey = (String, String, String);

impl Kind for NeuronOverlap {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        let refuse = |fault| Error::from(refused(&["step", &self.name], fault, context.loaded));
        let all = context.frames.get(&self.from).map_err(|problem| refuse(fault("from", problem)))?;
        let mut outcome = Outcome::default();
        for ((model, checkpoint, template), groups) in runs(all)? {
            let mut ranked: Vec<(&str, Vec<ranking::Effect>)> = Vec::with_capacity(groups.len());
            for group in &groups {
                let group = group.as_str();
                let of = Of { model: &model, checkpoint: Some(&checkpoint), template: &template, group: Some(group) };
                let mut effects = ranking::rank(&Ranking::from(self), all, of, None).map_err(refuse)?;
                effects.retain(|(place, _)| is_neuron(*place));
                ranked.push((group, effects));
            }
            for (number, &k) in self.k.iter().enumerate() {
                let sets = ranked.iter().map(|(group, effects)| {
                    check_k(self, number, group, effects).map_err(refuse)?;
                    let best = ranking::top(effects, self.per_layer, |_| k);
                    Ok((*group, best.into_iter().map(|(_, (place, _))| place).collect()))
                });
                let sets: Vec<(&str, HashSet<Component>)> = sets.collect::<Result<_, Error>>()?;
                let labels = RunLabels { model: &model, checkpoint: &checkpoint };
                outcome.add_labelled(&self.name, labels, &template, compare(k, &sets)?)?;
            }
        }
        if outcome.frames.is_empty() {
            return Err(refuse(fault("from", format!("'{}' has no rows", self.from))));
        }
        Ok(outcome)
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        vec![RowsInfo::of::<SharedColumns>("")]
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        dry_ranking::check(&Ranking::from(self), &["step", &self.name], true, (loaded, frames))
    }

    fn foresee(&self, context: &Context) -> Result<(), Error> {
        let Some(from) = crate::step::patched_places::step_of(&self.from, context.loaded) else { return Ok(()) };
        let Some(prompts) = model_run::spec(from, context.loaded) else { return Ok(()) };
        let groups = model_run::groups(from.common(), context)?;
        for name in context.models.names(from.models().unwrap_or_default()) {
            let sketch = context.models.sketch(&name)?;
            for template in prompts.template.0.keys() {
                let reader = RankingReader { name: &name, facts: &sketch.card.facts, template, groups: &groups };
                let ranked = dry_ranking::ranked(&Ranking::from(self), &["step", &self.name], reader, context)?;
                for (mut effects, group) in ranked.into_iter().zip(&groups) {
                    effects.retain(|(place, _)| is_neuron(*place));
                    (0..self.k.len())
                        .try_for_each(|number| check_k(self, number, group.label(), &effects))
                        .map_err(|fault| refused(&["step", &self.name], fault, context.loaded))?;
                }
            }
        }
        Ok(())
    }

    fn rankings(&self) -> Vec<Ranking<'_>> {
        vec![Ranking::from(self)]
    }
}

impl<'s> From<&'s NeuronOverlap> for Ranking<'s> {
    fn from(step: &'s NeuronOverlap) -> Self {
        let NeuronOverlap { from, filter, by, measure, .. } = step;
        Self { from, filter, by: Some(by), measure: measure.as_deref(), per_group: true, found: false }
    }
}

/// Refuses a k that is more than there are.
fn check_k(step: &NeuronOverlap, number: usize, group: &str, effects: &[ranking::Effect]) -> Result<(), RankingFault> {
    let (k, most) = (step.k[number], smallest(effects, step.per_layer));
    if k <= most {
        return Ok(());
    }
    let each = if step.per_layer { " in each layer" } else { "" };
    let advice = match most {
        0 => "write conditions under 'where' that some rows meet, or another step".to_string(),
        most => format!("write 1 to {most}"),
    };
    let problem =
        format!("k = {k}: '{}' ranks {}{each} (operator '{group}'); {advice}", step.from, counted(most, "neuron"));
    Err((vec!["k".to_string(), number.to_string()], problem))
}

fn is_neuron(place: Component) -> bool {
    matches!(place.hook, Hook::Block(_, Site::MlpPost)) && place.unit.is_some()
}

/// The groups of each model, checkpoint and template, all in the order of the rows.
fn runs(rows: &DataFrame) -> PolarsResult<IndexMap<RunKey, IndexSet<String>>> {
    let text = |name: &str| -> PolarsResult<StringChunked> {
        match rows.column(name) {
            Ok(_) => read::text(rows, name),
            Err(_) => Ok(StringChunked::full("".into(), "", rows.height())),
        }
    };
    let columns = [text("model")?, text("checkpoint")?, text("template")?, text("operator")?];
    let mut runs: IndexMap<RunKey, IndexSet<String>> = IndexMap::new();
    let mut last: Option<[&str; 4]> = None;
    for row in 0..rows.height() {
        let [model, checkpoint, template, group] =
            std::array::from_fn(|column: usize| columns[column].get(row).unwrap_or_default());
        // Rows of one run follow each other, thousands of them.
        if last.replace([model, checkpoint, template, group]) == Some([model, checkpoint, template, group]) {
            continue;
        }
        let run = (model.to_string(), checkpoint.to_string(), template.to_string());
        runs.entry(run).or_default().insert(group.to_string());
    }
    Ok(runs)
}

/// How many neurons there are, in all or in the layer with the fewest.
fn smallest(effects: &[ranking::Effect], per_layer: bool) -> usize {
    let mut counts: HashMap<Option<usize>, usize> = HashMap::new();
    for (place, _) in effects {
        *counts.entry(place.layer().filter(|_| per_layer)).or_default() += 1;
    }
    counts.into_values().min().unwrap_or(0)
}

/// Each group's set against each, its own too, so that a heat map has all its cells.
fn compare(k: usize, sets: &[(&str, HashSet<Component>)]) -> PolarsResult<DataFrame> {
    let pairs = sets.iter().flat_map(|one| sets.iter().map(move |other| (one, other)));
    SharedColumns::frame(pairs.map(|((group, one), (other, another))| {
        (k, [*group, *other], one.intersection(another).count(), one.union(another).count())
    }))
}

rows! {
    /// The sets of two groups.
    SharedColumns<'r>((k, [group, other], shared, n): (usize, [&'r str; 2], usize, usize)) {
        k: i64 = *k, "How many neurons of a layer, or of all, a set has.";
        operator: String = group;
        other: String = other, "The other operator.";
        iou: Option<f64> = (*n > 0).then(|| *shared as f64 / *n as f64), "Intersection over union of two sets of neurons.";
        shared: i64 = *shared, "How many neurons are in both.";
        n: i64 = *n, "How many neurons are in either set.";
    }
}
