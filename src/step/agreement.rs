//! How far attribution agrees with exact patching: rank correlation, and how many of the top units the two have in common.

use super::labels::{RunColumns, RunLabels};
use super::places::{self, Component, PositionGroup};
use super::{kind, model_run, scope};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, SurveyedCell};
use crate::measure::{EffectMeasure, Property};
use crate::spec::step::{AttributionPatching, Direction};
use crate::spec::{Loaded, SpecErrors, Step};
use crate::table::{Holds, read, rows};
use indexmap::IndexMap;
use polars::prelude::*;
use std::collections::{HashMap, HashSet};

/// Exact patching that an attribution is compared with.
pub(super) struct Exact<'f> {
    /// Where the rows of the two may be of different pairs.
    pub note: Option<String>,
    rows: HashMap<Map<'f>, HashMap<Unit, f64>>,
    /// Its maps whatever the group.
    units: HashMap<[&'f str; 5], Vec<Unit>>,
}

/// What one map is of: model, checkpoint, template, site, position; and group.
type Map<'f> = ([&'f str; 5], &'f str);

/// A unit's layer, the attribution's mean and the exact one.
type UnitMeans = (Option<usize>, [f64; 2]);

/// Layer, head, neuron.
type Unit = (Option<usize>, Option<usize>, Option<usize>);

/// One row: how far two maps agree, in one layer or in all.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Agreement {
    map: [String; 5],
    group: String,
    layer: Option<usize>,
    measure: &'static str,
    units: usize,
    spearman: Option<f64>,
    pearson: Option<f64>,
    top: Option<usize>,
    overlap: Option<f64>,
}

/// What is wrong with the step that `compare` names.
pub(super) fn check(step: &AttributionPatching, loaded: &Loaded) -> Result<(), SpecErrors> {
    let Some(name) = &step.compare else { return Ok(()) };
    let refuse =
        |problem: String, advice: String| Err(loaded.refuse(&["step", &step.name, "compare"], problem, Some(advice)));
    let Some(other) = loaded.spec.steps.iter().find(|other| other.name() == name) else { return Ok(()) };
    let places = kind::of(other).patched_places();
    let is_of_places = places.is_some();
    let Some(exact) = places.and_then(|places| places.exact) else {
        let problem = match is_of_places {
            true => format!("step '{name}' is itself an approximation"),
            false => format!("step '{name}' of kind '{}' measures no exact effects", other.kind()),
        };
        return refuse(
            problem,
            "write the name of a step of kind activation-patching, or neuron-patching with method = \"exact\"".into(),
        );
    };
    let own = loaded.spec.steps.iter().find(|own| own.name() == step.name);
    let models = scope::models(other, loaded);
    let runs = own.map(|own| scope::models(own, loaded)).unwrap_or_default();
    if let Some(missing) = runs.iter().find(|model| !models.contains(model)) {
        let advice = format!("add \"{missing}\" to its models, or write models = {models:?} here");
        return refuse(format!("step '{name}' does not run model '{missing}'"), advice);
    }
    let templates = |step: Option<&Step>| model_run::spec(step?, loaded).map(|prompts| &prompts.template.0);
    if let Some((own, others)) = templates(own).zip(templates(Some(other)))
        && let Some(missing) = own.keys().find(|template| !others.contains_key(*template))
    {
        let advice = "let both steps run on the same prompts".to_string();
        return refuse(format!("step '{name}' has no prompts of template '{missing}'"), advice);
    }
    let measure = step.compared();
    if !exact.measures.contains(&measure) {
        let problem = format!("step '{name}' does not measure {}", measure.name());
        return refuse(problem, format!("add \"{}\" to its measures", measure.name()));
    }
    if exact.direction != Direction::Noising {
        let problem = format!("step '{name}' patches clean values into the counterfactual run");
        return refuse(
            problem,
            "attribution is about the clean run; write the name of a step with direction = \"noising\"".into(),
        );
    }
    Ok(())
}

impl<'f> Exact<'f> {
    /// The rows of the step that `compare` names; `None` where it names none.
    ///
    /// # Errors
    /// A step without the measure.
    pub fn of(step: &AttributionPatching, context: &Context<'f>) -> Result<Option<Self>, Error> {
        check(step, context.loaded)?;
        let Some(name) = &step.compare else { return Ok(None) };
        let refuse = |problem: String| context.loaded.refuse(&["step", &step.name, "compare"], problem, None);
        let frame = context.frames.get(name).map_err(refuse)?;
        let mut exact = Self { note: None, rows: HashMap::new(), units: HashMap::new() };
        each(frame, step.compared().name(), |map, group, unit, mean| {
            exact.units.entry(map).or_default().push(unit);
            exact.rows.entry((map, group)).or_default().insert(unit, mean);
        })?;
        for units in exact.units.values_mut() {
            units.sort_unstable();
            units.dedup();
        }
        exact.note = kind::patched_places(name, context.loaded).and_then(|places| places.exact).and_then(|other| {
            let same = other.prompts == step.prompts && other.counterfactual == step.counterfactual;
            (!same).then(|| {
                format!(
                    "step '{name}' has other prompts or counterfactuals: agreement is of means over different pairs"
                )
            })
        });
        Ok(Some(exact))
    }

    /// Makes sure that every intervention is in the exact rows.
    ///
    /// # Errors
    /// The first that is not.
    pub fn covers(
        &self,
        interventions: &[(Component, &PositionGroup)],
        labels: RunLabels,
        template: &str,
        step: &AttributionPatching,
        context: &Context,
    ) -> Result<(), Error> {
        let has = |place: Component, at: &PositionGroup| {
            let site = place.site();
            let map = [labels.model, labels.checkpoint, template, site.as_str(), at.label.as_str()];
            let units = self.units.get(&map).map_or(&[][..], Vec::as_slice);
            units.binary_search(&unit(place)).is_ok()
        };
        match interventions.iter().find(|(place, at)| !has(*place, at)) {
            Some((place, at)) => Err(refused(step, (*place, &at.label), (labels.model, template), context)),
            None => Ok(()),
        }
    }

    /// The rows `NAME.agreement`, of an attribution's own rows.
    pub fn agreement(&self, rows: Option<&DataFrame>, step: &AttributionPatching) -> PolarsResult<DataFrame> {
        let (measure, compared) = (step.measure.exact().name(), step.compared());
        let mut maps: IndexMap<Map, Vec<UnitMeans>> = IndexMap::new();
        if let Some(rows) = rows {
            each(rows, measure, |map, group, unit, mean| {
                if let Some(&exact) = self.rows.get(&(map, group)).and_then(|units| units.get(&unit)) {
                    maps.entry((map, group)).or_default().push((unit.0, [mean, exact]));
                }
            })?;
        }
        let mut found = Vec::new();
        for ((map, group), units) in &maps {
            let mut layers: Vec<Option<usize>> = units.iter().map(|(layer, _)| *layer).collect();
            layers.sort_unstable();
            layers.dedup();
            layers.retain(Option::is_some);
            for layer in layers.into_iter().chain([None]) {
                let here = units.iter().filter(|(other, _)| layer.is_none() || *other == layer);
                let pairs: Vec<[f64; 2]> = here.map(|(_, means)| *means).collect();
                let [spearman, pearson] = [
                    correlation(&ranks(&pairs, 0), &ranks(&pairs, 1)),
                    correlation(&column(&pairs, 0), &column(&pairs, 1)),
                ];
                let agreement = Agreement {
                    map: map.map(str::to_string),
                    group: group.to_string(),
                    layer,
                    measure: compared.name(),
                    units: pairs.len(),
                    spearman,
                    pearson,
                    top: None,
                    overlap: None,
                };
                // The units that matter are those that take the answer away.
                let sign = |measure: EffectMeasure| if measure.has(Property::Falls) { -1.0 } else { 1.0 };
                let signs = [sign(step.measure.exact()), sign(compared)];
                let orders = [0, 1].map(|side| descending(&column(&pairs, side), signs[side]));
                if step.top.is_empty() {
                    found.push(agreement.clone());
                }
                found.extend(step.top.iter().map(|&top| Agreement {
                    top: Some(top),
                    overlap: overlap(&orders, top),
                    ..agreement.clone()
                }));
            }
        }
        AgreementColumns::frame(&found)
    }
}

/// Refuses a comparison with a step that is of other places, before either has run.
///
/// # Errors
/// The first place that it is not of.
pub(super) fn foresee(
    step: &AttributionPatching,
    (sites, at): (&[Component], &[PositionGroup]),
    (survey, cell): (&Survey, &SurveyedCell),
    context: &Context,
) -> Result<(), Error> {
    let other = step.compare.as_deref().and_then(|name| crate::step::patched_places::step_of(name, context.loaded));
    let Some((other, written)) = other.and_then(|other| Some((other, kind::of(other).patched_places()?))) else {
        return Ok(());
    };
    // Wrong places of that step are refused by themselves.
    let Ok(places) = written.places(&survey.sketch.card.facts, cell.positions.length, context) else { return Ok(()) };
    let places: HashSet<Component> = places.into_iter().collect();
    let refuse = |place: Component, at: &PositionGroup| {
        Err(refused(step, (place, &at.label), (&survey.name.name, &cell.template), context))
    };
    if let (Some(&place), Some(at)) = (sites.iter().find(|place| !places.contains(place)), at.first()) {
        return refuse(place, at);
    }
    // The positions of other prompts are others.
    if other.common().prompts() != step.prompts.as_deref() {
        return Ok(());
    }
    let others = places::positions(other.name(), written.positions, &cell.positions, &cell.template, context);
    let Ok(others) = others else { return Ok(()) };
    match (at.iter().find(|at| others.iter().all(|other| other.label != at.label)), sites.first()) {
        (Some(at), Some(&place)) => refuse(place, at),
        _ => Ok(()),
    }
}

/// Refuses a comparison: the step that `compare` names has no rows of a place at a position.
fn refused(
    step: &AttributionPatching,
    (place, at): (Component, &str),
    (model, template): (&str, &str),
    context: &Context,
) -> Error {
    let problem = format!(
        "step '{}' has no rows of {}{}{} at position '{at}' (model '{model}', template '{template}')",
        step.compare.as_deref().unwrap_or_default(),
        place.layer().map_or(String::new(), |layer| format!("layer {layer}, ")),
        place.site(),
        place.unit.map_or(String::new(), |unit| format!(" [{unit}]")),
    );
    let advice = "write the same sites and positions in both steps".to_string();
    context.loaded.refuse(&["step", &step.name, "compare"], problem, Some(advice)).into()
}

rows! {
    /// How far two maps agree.
    pub(super) AgreementColumns<'r>(row: &'r Agreement) {
        of: RunColumns = (RunLabels { model: &row.map[0], checkpoint: &row.map[1] }, row.map[2].as_str());
        operator: String = &row.group;
        site: String = &row.map[3];
        layer: Option<i64> = row.layer, "The layer; null for all layers together.";
        position: String = &row.map[4];
        measure: String = row.measure;
        n: i64 = row.units, "How many units.";
        spearman: Option<f64> = row.spearman, "Rank correlation of approximate and exact means; null where one does not vary.";
        pearson: Option<f64> = row.pearson, "Correlation of approximate and exact means; null where one does not vary.";
        k: Option<i64> = row.top, "Size of the set of top units.";
        overlap: Option<f64> = row.overlap, "Share of the exact top k that the approximation's top k has.";
    }
}

/// The unit of a place as rows have it.
fn unit(place: Component) -> Unit {
    (place.layer(), place.head(), place.neuron())
}

/// Calls `take` with every row of a measure that has a mean.
fn each<'f>(
    frame: &'f DataFrame,
    measure: &str,
    mut take: impl FnMut([&'f str; 5], &'f str, Unit, f64),
) -> PolarsResult<()> {
    let text = |name: &str| frame.column(name)?.str();
    let number = |name: &str| read::indices(frame, name);
    let [model, checkpoint, template] = [text("model")?, text("checkpoint")?, text("template")?];
    let [site, position, group, measures] = [text("site")?, text("position")?, text("operator")?, text("measure")?];
    let [layer, head, neuron] = [number("layer")?, number("head")?, number("neuron")?];
    let mean = frame.column("mean")?.f64()?;
    for row in 0..frame.height() {
        let (true, Some(mean)) = (measures.get(row) == Some(measure), mean.get(row)) else { continue };
        let map = [model, checkpoint, template, site, position].map(|column| column.get(row).unwrap_or_default());
        let unit = (layer[row], head[row], neuron[row]);
        take(map, group.get(row).unwrap_or_default(), unit, mean);
    }
    Ok(())
}

fn column(pairs: &[[f64; 2]], side: usize) -> Vec<f64> {
    pairs.iter().map(|pair| pair[side]).collect()
}

/// Ranks from 0, the mean rank for equals.
fn ranks(pairs: &[[f64; 2]], side: usize) -> Vec<f64> {
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_unstable_by(|&a, &b| pairs[a][side].total_cmp(&pairs[b][side]));
    let mut ranks = vec![0.0; pairs.len()];
    let mut first = 0;
    for equals in order.chunk_by(|&a, &b| pairs[a][side] == pairs[b][side]) {
        let rank = first as f64 + (equals.len() - 1) as f64 / 2.0;
        equals.iter().for_each(|&index| ranks[index] = rank);
        first += equals.len();
    }
    ranks
}

/// Pearson's correlation; `None` where one of the two does not vary.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b).map(|(a, b)| (a - mean_a, b - mean_b)) {
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    let correlation = ab / (aa * bb).sqrt();
    correlation.is_finite().then_some(correlation)
}

/// Indices by `sign` times value, the largest first, the lowest index first among equals.
fn descending(values: &[f64], sign: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| (sign * values[b]).total_cmp(&(sign * values[a])));
    order
}

/// The share of one's first `top` that is among the other's; `None` where there are fewer.
fn overlap([a, b]: &[Vec<usize>; 2], top: usize) -> Option<f64> {
    let mut chosen = vec![false; a.len()];
    a.get(..top)?.iter().for_each(|&index| chosen[index] = true);
    let common = b.get(..top)?.iter().filter(|&&index| chosen[index]).count();
    (top > 0).then(|| common as f64 / top as f64)
}
