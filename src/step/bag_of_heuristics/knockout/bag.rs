//! What a step `heuristics` found, read back from its rows: the ranked neurons of each group and the heuristics they match.

use crate::Error;
use crate::context::Context;
use crate::heuristic::Heuristic;
use crate::model::facts::Facts;
use crate::prompt::{Prompt, PromptGroup};
use crate::spec::{Loaded, SpecErrors, Step};
use crate::step::labels::RunLabels;
use crate::step::ranking::Of;
use crate::step::{ModelRun, TemplateBatch, dry_ranking};
use crate::table::{Frames, read};
use indexmap::IndexMap;
use polars::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// The ranked neurons of one group, and their heuristics.
pub struct Bag {
    /// The neurons, in the order of the rows; those without a heuristic too.
    pub neurons: Vec<BagNeuron>,
    /// The heuristics that any of them matches, in the order of the rows.
    pub heuristics: Vec<HeuristicNeurons>,
}

/// A ranked neuron.
#[derive(Debug, Clone)]
pub struct BagNeuron {
    /// Its layer.
    pub layer: usize,
    /// Its number in the layer.
    pub neuron: usize,
    /// The heuristics it matches: number in [`Bag::heuristics`], and score.
    pub matches: Vec<(usize, f64)>,
}

/// A heuristic and who matches it.
#[derive(Debug, Clone)]
pub struct HeuristicNeurons {
    /// As rows write it.
    pub text: String,
    /// Its type.
    pub kind: String,
    /// For which prompts it holds.
    pub heuristic: Heuristic,
    /// Numbers in [`Bag::neurons`].
    pub neurons: Vec<usize>,
}

/// A neuron whose heuristics hold for a prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AssociatedNeuron {
    /// Number in [`Bag::neurons`].
    pub neuron: usize,
    /// How many of its heuristics hold.
    pub count: usize,
    /// The best score of those.
    pub best: f64,
}

/// How many neurons of each layer a step of heuristics looks at, and of which layers, about.
pub fn expected(from: &str, facts: &Facts, context: &Context) -> (usize, Vec<usize>) {
    match crate::step::patched_places::step_of(from, context.loaded) {
        Some(Step::Heuristics(step)) => {
            (step.ranked.k.min(facts.d_mlp), dry_ranking::expected_layers(&step.ranked.from, facts, context))
        }
        _ => (facts.d_mlp, (0..facts.n_layers).collect()),
    }
}

/// The columns that are read: of the rows `NAME`, and of `NAME.neurons`.
const MATCHES: [&str; 5] = ["operator", "layer", "neuron", "heuristic", "score"];
const NEURONS: [&str; 3] = ["operator", "layer", "neuron"];

/// Whether `from` names a step of heuristics; shows without rows.
///
/// # Errors
/// A step of another kind, at its place in the spec.
pub fn check(step: &str, from: &str, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
    let has = |name: &str, columns: &[&str]| {
        frames.get(name).is_ok_and(|rows| columns.iter().all(|column| rows.column(column).is_ok()))
    };
    if has(from, &MATCHES) && has(&format!("{from}.neurons"), &NEURONS) {
        return Ok(());
    }
    let there = loaded.spec.steps.iter().filter(|step| step.kind() == "heuristics").map(Step::name);
    let advice = match there.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" or ") {
        none if none.is_empty() => "add a step of kind \"heuristics\"".to_string(),
        names => format!("write {names}"),
    };
    Err(loaded.refuse(&["step", step, "from"], format!("'{from}' is not a step of kind heuristics"), Some(advice)))
}

/// The bags of a cell's groups.
///
/// # Errors
/// A group of which there are no rows, at its place in the spec.
pub fn bags<'s>(
    step: &str,
    from: &str,
    groups: impl IntoIterator<Item = &'s PromptGroup>,
    cell: &TemplateBatch,
    subject: &ModelRun,
    context: &Context,
) -> Result<HashMap<PromptGroup, Bag>, Error> {
    let refuse = |problem: String| Error::from(context.loaded.refuse(&["step", step, "from"], problem, None));
    let RunLabels { model, checkpoint } = subject.labels();
    let frame = |name: &str| context.frames.get(name).map_err(refuse);
    let (matches, neurons) = (frame(from)?, frame(&format!("{from}.neurons"))?);
    let mut bags = HashMap::new();
    for group in groups {
        let of = Of { model, checkpoint: Some(checkpoint), template: &cell.template, group: Some(group.label()) };
        let bag = Bag::read(&of.rows(neurons)?, &of.rows(matches)?, subject.model.facts()).map_err(refuse)?;
        if bag.neurons.is_empty() {
            return Err(refuse(format!(
                "'{from}' has no rows of model '{}', template '{}', {group}; let that step run on the same model and prompts",
                subject.name, cell.template
            )));
        }
        bags.insert(group.clone(), bag);
    }
    Ok(bags)
}

impl HeuristicNeurons {
    /// Whether the heuristic holds for a prompt; for none that is not of arithmetic.
    pub fn holds(&self, prompt: &Prompt) -> bool {
        prompt.calculation().is_some_and(|one| self.heuristic.holds(one.a, one.b, one.result))
    }
}

impl Bag {
    fn read(neurons: &DataFrame, matches: &DataFrame, facts: &Facts) -> Result<Self, String> {
        let wrong = |error: PolarsError| error.to_string();
        let inside = |&(layer, neuron): &(usize, usize)| {
            layer < facts.n_layers && neuron < facts.d_mlp && facts.experts_of(layer).is_none()
        };
        let mut places: IndexMap<(usize, usize), Vec<(usize, f64)>> =
            places(neurons).map_err(wrong)?.into_iter().filter(inside).map(|place| (place, Vec::new())).collect();
        let mut heuristics: IndexMap<String, HeuristicNeurons> = IndexMap::new();
        let texts = read::text(matches, "heuristic").map_err(wrong)?;
        let kinds = read::text(matches, "type").map_err(wrong)?;
        let scores = read::numbers(matches, "score").map_err(wrong)?;
        for (row, place) in self::places(matches).map_err(wrong)?.into_iter().enumerate() {
            let (Some(text), Some(number)) = (texts.get(row), places.get_index_of(&place)) else { continue };
            let entry = heuristics.entry(text.to_string());
            let heuristic = entry.index();
            if let indexmap::map::Entry::Vacant(entry) = entry {
                let parsed = text.parse().map_err(|error| format!("{error}"))?;
                let kind = kinds.get(row).unwrap_or_default().to_string();
                entry.insert(HeuristicNeurons { text: text.to_string(), kind, heuristic: parsed, neurons: Vec::new() });
            }
            heuristics[heuristic].neurons.push(number);
            places[number].push((heuristic, scores[row].unwrap_or(f64::NAN)));
        }
        let neuron = |((layer, neuron), matches)| BagNeuron { layer, neuron, matches };
        Ok(Self { neurons: places.into_iter().map(neuron).collect(), heuristics: heuristics.into_values().collect() })
    }

    /// The neurons with a heuristic that holds for a prompt, in the order of the rows.
    pub fn associated(&self, prompt: &Prompt) -> Vec<AssociatedNeuron> {
        let holds: Vec<bool> = self.heuristics.iter().map(|known| known.holds(prompt)).collect();
        let of = |(neuron, about): (usize, &BagNeuron)| {
            let scores = about.matches.iter().filter(|(heuristic, _)| holds[*heuristic]).map(|(_, score)| *score);
            let (count, best) = scores.fold((0, f64::NEG_INFINITY), |(n, best), score| (n + 1, score.max(best)));
            (count > 0).then_some(AssociatedNeuron { neuron, count, best })
        };
        self.neurons.iter().enumerate().filter_map(of).collect()
    }

    /// Some of its neurons by layer, in their order.
    pub fn by_layer(&self, neurons: impl IntoIterator<Item = usize>) -> BTreeMap<usize, Vec<usize>> {
        let mut layers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for BagNeuron { layer, neuron, .. } in neurons.into_iter().map(|number| &self.neurons[number]) {
            layers.entry(*layer).or_default().push(*neuron);
        }
        layers
    }
}

/// Layer and neuron of each row.
fn places(rows: &DataFrame) -> PolarsResult<Vec<(usize, usize)>> {
    // Neither is ever null; what is would be no neuron of any model.
    let numbers = |name| Ok(read::indices(rows, name)?.into_iter().map(|number| number.unwrap_or(usize::MAX)));
    let (layers, neurons): (PolarsResult<_>, PolarsResult<_>) = (numbers("layer"), numbers("neuron"));
    Ok(layers?.zip(neurons?).collect())
}
