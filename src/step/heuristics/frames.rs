//! The step's rows, for the prompts of one operator.

use super::examples::Example;
use super::found::Found;
use super::neurons::Neuron;
use super::values::{joined, listed};
use crate::heuristic::{Entry, Heuristic, Match};
use indexmap::IndexMap;
use polars::prelude::*;

/// The frame with a row per neuron and heuristic.
const MATCHES: &str = "";
const NEURONS: &str = "neurons";
/// The frame with a row per example that is drawn and prompt.
pub const PATTERNS: &str = "patterns";
const EXAMPLES: &str = "examples";
const ASSOCIATED: &str = "associated";

/// The name of a frame.
pub fn name(step: &str, part: &str) -> String {
    if part.is_empty() { step.to_string() } else { format!("{step}.{part}") }
}

/// All frames by part; `prompts` are operands and the number of the result, `drawn` the examples whose activations are kept.
///
/// # Errors
/// None of its own.
pub fn all(
    operator: &str,
    found: &[Found],
    entries: &[Entry],
    examples: &[Example],
    drawn: &[&Example],
    prompts: &[(i64, i64, usize)],
) -> PolarsResult<Vec<(&'static str, DataFrame)>> {
    Ok(vec![
        (MATCHES, matches(operator, found)?),
        (NEURONS, neurons(operator, found)?),
        (PATTERNS, patterns(operator, drawn, prompts)?),
        (EXAMPLES, example_rows(operator, examples)?),
        (ASSOCIATED, associated(operator, found, entries)?),
    ])
}

/// `operator`, `layer`, `neuron`, `component`, `rank`, `effect`.
fn keys(operator: &str, of: &[&Neuron]) -> PolarsResult<DataFrame> {
    df!(
        "operator" => vec![operator; of.len()],
        "layer" => of.iter().map(|neuron| neuron.layer as u32).collect::<Vec<_>>(),
        "neuron" => of.iter().map(|neuron| neuron.neuron as u32).collect::<Vec<_>>(),
        "component" => of.iter().map(|neuron| neuron.component()).collect::<Vec<_>>(),
        "rank" => of.iter().map(|neuron| neuron.rank as u32).collect::<Vec<_>>(),
        "effect" => of.iter().map(|neuron| neuron.effect).collect::<Vec<_>>(),
    )
}

/// One row per neuron and heuristic that it matches.
fn matches(operator: &str, found: &[Found]) -> PolarsResult<DataFrame> {
    let rows: Vec<(&Neuron, &Match)> =
        found.iter().flat_map(|one| one.matches.iter().map(|found| (&one.neuron, found))).collect();
    let columns = df!(
        "heuristic" => rows.iter().map(|(_, one)| one.heuristic.to_string()).collect::<Vec<_>>(),
        "type" => rows.iter().map(|(_, one)| one.heuristic.kind().name()).collect::<Vec<_>>(),
        "subject" => rows.iter().map(|(_, one)| one.heuristic.subject()).collect::<Vec<_>>(),
        "associated" => rows.iter().map(|(_, one)| one.associated as u32).collect::<Vec<_>>(),
        "score" => rows.iter().map(|(_, one)| one.score).collect::<Vec<_>>(),
        "tail" => rows.iter().map(|(_, one)| one.tail.name()).collect::<Vec<_>>(),
    )?;
    keys(operator, &rows.iter().map(|(neuron, _)| *neuron).collect::<Vec<_>>())?.hstack(columns.columns())
}

/// One row per neuron.
fn neurons(operator: &str, found: &[Found]) -> PolarsResult<DataFrame> {
    let best = |one: &Found| one.matches.first().cloned();
    let columns = df!(
        "heuristics" => found.iter().map(|one| one.matches.len() as u32).collect::<Vec<_>>(),
        "direct" => found.iter().map(|one| one.direct() as u32).collect::<Vec<_>>(),
        "control" => found.iter().map(|one| one.control as u32).collect::<Vec<_>>(),
        "control_operands" => found.iter().map(|one| one.control_operands as u32).collect::<Vec<_>>(),
        "classified" => found.iter().map(|one| !one.matches.is_empty()).collect::<Vec<_>>(),
        "best" => found.iter().map(|one| best(one).map(|best| best.heuristic.to_string())).collect::<Vec<_>>(),
        "best_type" => found.iter().map(|one| best(one).map(|best| best.heuristic.kind().name())).collect::<Vec<_>>(),
        "best_score" => found.iter().map(|one| best(one).map(|best| best.score)).collect::<Vec<_>>(),
        "top_integers" => found.iter().map(|one| listed(&one.top)).collect::<Vec<_>>(),
    )?;
    keys(operator, &found.iter().map(|one| &one.neuron).collect::<Vec<_>>())?.hstack(columns.columns())
}

fn kind(example: &Example) -> &'static str {
    example.kind.map_or(NO_TYPE, |kind| kind.name())
}

fn heuristic(example: &Example) -> Option<String> {
    example.best.as_ref().map(|best| best.heuristic.to_string())
}

/// One row per example that is drawn and prompt.
fn patterns(operator: &str, examples: &[&Example], prompts: &[(i64, i64, usize)]) -> PolarsResult<DataFrame> {
    let texts: Vec<[Option<String>; 2]> =
        examples.iter().map(|example| [Some(example.found.neuron.component()), heuristic(example)]).collect();
    let each = |which: usize| -> Vec<Option<&str>> {
        texts.iter().flat_map(|texts| vec![texts[which].as_deref(); prompts.len()]).collect()
    };
    let numbers = |of: &dyn Fn(&Example, usize, usize) -> f32| -> Vec<f64> {
        let one = |example| prompts.iter().enumerate().map(move |(prompt, &(.., result))| (example, prompt, result));
        examples
            .iter()
            .copied()
            .flat_map(one)
            .map(|(example, prompt, result)| f64::from(of(example, prompt, result)))
            .collect()
    };
    let activation = |example: &Example, prompt: usize, _: usize| example.activations[prompt];
    let logit = |example: &Example, _: usize, result: usize| example.result_logits[result];
    let effective =
        |example: &Example, prompt: usize, result: usize| example.activations[prompt] * example.result_logits[result];
    let largest: Vec<f32> = examples
        .iter()
        .map(|example| example.activations.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs())))
        .collect();
    let relative = (0..examples.len() * prompts.len()).map(|row| {
        let (example, prompt) = (row / prompts.len(), row % prompts.len());
        f64::from(examples[example].activations[prompt] / largest[example])
    });
    df!(
        "operator" => vec![operator; examples.len() * prompts.len()],
        "type" => examples.iter().flat_map(|example| vec![kind(example); prompts.len()]).collect::<Vec<_>>(),
        "component" => each(0),
        "heuristic" => each(1),
        "a" => examples.iter().flat_map(|_| prompts.iter().map(|prompt| prompt.0)).collect::<Vec<_>>(),
        "b" => examples.iter().flat_map(|_| prompts.iter().map(|prompt| prompt.1)).collect::<Vec<_>>(),
        "activation" => numbers(&activation),
        "relative" => relative.collect::<Vec<f64>>(),
        "logit" => numbers(&logit),
        "effective" => numbers(&effective),
    )
}

/// One row per example.
fn example_rows(operator: &str, examples: &[Example]) -> PolarsResult<DataFrame> {
    df!(
        "operator" => vec![operator; examples.len()],
        "type" => examples.iter().map(kind).collect::<Vec<_>>(),
        "component" => examples.iter().map(|example| example.found.neuron.component()).collect::<Vec<_>>(),
        "heuristic" => examples.iter().map(heuristic).collect::<Vec<_>>(),
        "heuristics" => examples.iter().map(|example| joined(&example.found.matches)).collect::<Vec<_>>(),
        "score" => examples.iter().map(|example| example.best.as_ref().map(|best| best.score)).collect::<Vec<_>>(),
        "effect" => examples.iter().map(|example| example.found.neuron.effect).collect::<Vec<_>>(),
        "top_integers" => examples.iter().map(|example| listed(&example.found.top)).collect::<Vec<_>>(),
    )
}

/// One row per heuristic of any neuron, in the order of the catalogue; sets of results last, which no chance is known of.
fn associated(operator: &str, found: &[Found], entries: &[Entry]) -> PolarsResult<DataFrame> {
    let mut counts: IndexMap<&Heuristic, (u32, usize, Option<f64>)> =
        entries.iter().map(|entry| (&entry.heuristic, (0, entry.associated, Some(entry.chance)))).collect();
    for one in found.iter().flat_map(|one| &one.matches) {
        counts.entry(&one.heuristic).or_insert((0, one.associated, None)).0 += 1;
    }
    counts.retain(|_, (neurons, ..)| *neurons > 0);
    df!(
        "operator" => vec![operator; counts.len()],
        "heuristic" => counts.keys().map(|heuristic| heuristic.to_string()).collect::<Vec<_>>(),
        "type" => counts.keys().map(|heuristic| heuristic.kind().name()).collect::<Vec<_>>(),
        "subject" => counts.keys().map(|heuristic| heuristic.subject()).collect::<Vec<_>>(),
        "neurons" => counts.values().map(|(neurons, ..)| *neurons).collect::<Vec<_>>(),
        "associated" => counts.values().map(|(_, associated, _)| *associated as u32).collect::<Vec<_>>(),
        "chance" => counts.values().map(|(.., chance)| *chance).collect::<Vec<_>>(),
    )
}

/// Type of an example that matches no heuristic.
pub const NO_TYPE: &str = "none";
