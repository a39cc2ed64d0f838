//! The step's rows, for the prompts of one group.

use super::examples::Example;
use super::found::NeuronMatches;
use super::neurons::RankedNeuron;
use super::values::{joined, listed};
use crate::heuristic::{Heuristic, Match, MatcherEntry};
use crate::spec::step::HeuristicType;
use crate::step::RowsInfo;
use crate::table::{Holds, rows};
use indexmap::IndexMap;
use polars::prelude::{DataFrame, PolarsResult};

/// The rows with one per example that is drawn and prompt.
pub const PATTERNS: &str = "patterns";
/// Type of an example that matches no heuristic.
const NO_TYPE: &str = "none";

/// All rows of the step.
pub fn declared() -> Vec<RowsInfo> {
    vec![
        RowsInfo::of::<MatchColumns>(""),
        RowsInfo::of::<FoundColumns>("neurons"),
        RowsInfo::of::<PatternColumns>(PATTERNS),
        RowsInfo::of::<ExampleColumns>("examples"),
        RowsInfo::of::<AssociatedColumns>("associated"),
    ]
}

/// The rows in that order; `prompts` are operands and the number of the result, `drawn` the examples whose activations are kept.
pub fn all(
    group: &str,
    found: &[NeuronMatches],
    entries: &[MatcherEntry],
    examples: &[Example],
    drawn: &[&Example],
    prompts: &[(i64, i64, usize)],
) -> PolarsResult<[DataFrame; 5]> {
    let matches = found.iter().flat_map(|one| one.matches.iter().map(move |found| ((group, &one.neuron), found)));
    let patterns: Vec<DrawnExample> = drawn.iter().map(|example| DrawnExample::of(example, group)).collect();
    let patterns =
        patterns.iter().flat_map(|one| prompts.iter().enumerate().map(move |(at, prompt)| (one, at, *prompt)));
    Ok([
        MatchColumns::frame(matches)?,
        FoundColumns::frame(found.iter().map(|one| (group, one)))?,
        PatternColumns::frame(patterns)?,
        ExampleColumns::frame(examples.iter().map(|example| (group, example)))?,
        AssociatedColumns::frame(&associated(group, found, entries))?,
    ])
}

/// Every type, as rows write it.
fn types() -> Vec<&'static str> {
    HeuristicType::ALL.into_iter().map(HeuristicType::name).chain([NO_TYPE]).collect()
}

fn kind(example: &Example) -> &'static str {
    example.kind.map_or(NO_TYPE, HeuristicType::name)
}

fn heuristic(example: &Example) -> Option<String> {
    example.best.as_ref().map(|best| best.heuristic.to_string())
}

/// An example that is drawn.
struct DrawnExample<'r> {
    group: &'r str,
    example: &'r Example,
    component: String,
    heuristic: Option<String>,
    largest: f32,
}

impl<'r> DrawnExample<'r> {
    fn of(example: &'r Example, group: &'r str) -> Self {
        let largest = example.activations.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
        let (component, heuristic) = (example.found.neuron.component(), heuristic(example));
        Self { group, example, component, heuristic, largest }
    }
}

/// A heuristic, and how many neurons match it.
struct MatchedHeuristic<'r> {
    group: &'r str,
    heuristic: &'r Heuristic,
    neurons: u32,
    associated: usize,
    chance: Option<f64>,
}

/// The heuristics of any neuron, in the order of the catalogue; sets of results last, which no chance is known of.
fn associated<'r>(
    group: &'r str,
    found: &'r [NeuronMatches],
    entries: &'r [MatcherEntry],
) -> Vec<MatchedHeuristic<'r>> {
    let one = |heuristic, associated, chance| MatchedHeuristic { group, heuristic, neurons: 0, associated, chance };
    let all =
        entries.iter().map(|entry| (&entry.heuristic, one(&entry.heuristic, entry.associated, Some(entry.chance))));
    let mut counts: IndexMap<&Heuristic, MatchedHeuristic> = all.collect();
    for found in found.iter().flat_map(|one| &one.matches) {
        let heuristic = &found.heuristic;
        counts.entry(heuristic).or_insert_with(|| one(heuristic, found.associated, None)).neurons += 1;
    }
    counts.into_values().filter(|one| one.neurons > 0).collect()
}

rows! {
    /// A ranked neuron.
    NeuronColumns<'r>((group, neuron): (&'r str, &'r RankedNeuron)) {
        operator: String = group;
        layer: i64 = neuron.layer;
        neuron: i64 = neuron.neuron;
        component: String = neuron.component();
        rank: i64 = neuron.rank;
        effect: Option<f64> = neuron.effect;
    }

    /// A neuron, and a heuristic that it matches.
    MatchColumns<'r>((neuron, one): ((&'r str, &'r RankedNeuron), &'r Match)) {
        of: NeuronColumns = *neuron;
        heuristic: String = one.heuristic.to_string(), "The rule: `op1 in [10, 20)`, `result mod 5 = 3`.";
        type: String = one.heuristic.kind().name(),
            "Its type: `range`, `modulo`, `pattern`, `identical`, `multi-result`; of examples also `none`.", in types();
        subject: String = one.heuristic.subject(), "What it is about: `op1`, `op2`, `both`, `result`, `operands`.";
        associated: i64 = one.associated, "How many prompts the heuristic holds for.";
        score: f64 = one.score, "Share of the k most activating prompts that the heuristic holds for.";
        tail: String = one.tail.name(), "`high` or `low`: which end of the activations matched.";
    }

    /// A neuron, and how many heuristics it matches.
    FoundColumns<'r>((group, one): (&'r str, &'r NeuronMatches)) {
        of: NeuronColumns = (*group, &one.neuron);
        heuristics: i64 = one.matches.len(), "How many heuristics the neuron matches; of examples, all of them.";
        direct: i64 = one.direct(), "How many of its heuristics are on results.";
        control: i64 = one.control, "How many heuristics on results it would match with its value vector shuffled.";
        control_operands: i64 = one.control_operands,
            "How many heuristics on operands it would match with its activations shuffled over the prompts.";
        classified: bool = !one.matches.is_empty(), "Whether it matches any heuristic.";
        best: Option<String> = one.matches.first().map(|best| best.heuristic.to_string()), "The heuristic with the best score.";
        best_type: Option<String> = one.matches.first().map(|best| best.heuristic.kind().name()), "Its type.", in types();
        best_score: Option<f64> = one.matches.first().map(|best| best.score), "Its score.";
        top_integers: String = listed(&one.top), "The ten integers with the highest logits in the neuron's value vector.";
    }

    /// An example that is drawn, and a prompt.
    PatternColumns<'r>((one, at, (a, b, result)): (&'r DrawnExample<'r>, usize, (i64, i64, usize))) {
        operator: String = one.group;
        type: String = kind(one.example), in types();
        component: String = &one.component;
        heuristic: Option<String> = one.heuristic.as_deref();
        a: i64 = *a;
        b: i64 = *b;
        activation: f64 = one.example.activations[*at], "The neuron's activation on the prompt.";
        relative: f64 = one.example.activations[*at] / one.largest, "The same over the neuron's largest absolute one.";
        logit: f64 = one.example.result_logits[*result], "Logit of the prompt's answer in the neuron's value vector.";
        effective: f64 = one.example.activations[*at] * one.example.result_logits[*result], "activation × logit.";
    }

    /// An example.
    ExampleColumns<'r>((group, example): (&'r str, &'r Example)) {
        operator: String = group;
        type: String = kind(example), in types();
        component: String = example.found.neuron.component();
        heuristic: Option<String> = heuristic(example);
        heuristics: String = joined(&example.found.matches);
        score: Option<f64> = example.best.as_ref().map(|best| best.score);
        effect: Option<f64> = example.found.neuron.effect;
        top_integers: String = listed(&example.found.top);
    }

    /// A heuristic that some neuron matches.
    AssociatedColumns<'r>(one: &'r MatchedHeuristic<'r>) {
        operator: String = one.group;
        heuristic: String = one.heuristic.to_string();
        type: String = one.heuristic.kind().name(), in types();
        subject: String = one.heuristic.subject();
        neurons: i64 = one.neurons, "How many neurons match the heuristic.";
        associated: i64 = one.associated;
        chance: Option<f64> = one.chance, "Probability that activations in random order match the heuristic.";
    }
}
