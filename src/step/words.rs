//! The texts that a step writes into a column, where the program itself says which there can be: a condition that asks for
//! another is a misspelt one, and one that asks for a text that no row has is not.

use crate::prompt;
use crate::spec::step::{EffectMeasure, HeuristicType};
use crate::spec::{Operator, Step, choices};

/// Every text that the column of a step's rows may have; none where they come from the spec, the model or the prompts.
pub fn words(step: &Step, column: &str) -> Option<Vec<&'static str>> {
    match column {
        "operator" => Some(operators(step)),
        "measure" => measures(step),
        "type" | "best_type" => types(step),
        "group" => groups(step),
        "split" if matches!(step, Step::Train(_)) => Some(vec![super::train::HELD_OUT, super::train::TRAIN]),
        "decode" if matches!(step, Step::Accuracy(_)) => {
            Some(vec![super::accuracy::FIRST_TOKEN, super::accuracy::WHOLE_ANSWER])
        }
        _ => None,
    }
}

/// Also those that the prompts of a step do not have: a spec may be run on fewer.
fn operators(step: &Step) -> Vec<&'static str> {
    let all = matches!(step, Step::Probe(_)).then_some(super::probe::ALL);
    Operator::ALL.into_iter().map(Operator::symbol).chain([prompt::WORDS.symbol]).chain(all).collect()
}

/// What the rows of a step measure, each row one of these: of every place all of them. None where it is one alone, or not the
/// spec that says so.
pub fn measured(step: &Step) -> Vec<&'static str> {
    let effects = |measures: &[EffectMeasure]| measures.iter().map(|measure| measure.name()).collect();
    match step {
        Step::ActivationPatching(step) => effects(&step.measures),
        Step::NeuronPatching(step) => effects(&step.measures),
        Step::Intervention(step) => effects(&step.measures),
        Step::PathPatching(step) => effects(&step.measures),
        Step::Ablation(step) => step.measures.iter().map(|measure| measure.name()).collect(),
        Step::LogitLens(_) => super::logit_lens::MEASURES.to_vec(),
        Step::HeuristicSupport(_) => super::knockout::support::MEASURES.to_vec(),
        _ => Vec::new(),
    }
}

fn measures(step: &Step) -> Option<Vec<&'static str>> {
    match step {
        Step::Ablation(_) => Some(choices("AblationMeasure")),
        Step::ActivationPatching(_)
        | Step::NeuronPatching(_)
        | Step::AttributionPatching(_)
        | Step::Intervention(_)
        | Step::PathPatching(_) => Some(choices("EffectMeasure")),
        _ => None,
    }
}

fn types(step: &Step) -> Option<Vec<&'static str>> {
    let none = match step {
        Step::Heuristics(_) => Some(super::heuristics::NO_TYPE),
        Step::HeuristicKnockout(_) => None,
        _ => return None,
    };
    Some(HeuristicType::ALL.into_iter().map(HeuristicType::name).chain(none).collect())
}

fn groups(step: &Step) -> Option<Vec<&'static str>> {
    match step {
        Step::HeuristicKnockout(_) => Some(super::knockout::by_heuristic::GROUPS.to_vec()),
        Step::PromptKnockout(_) => Some(super::knockout::by_prompt::GROUPS.to_vec()),
        Step::HeuristicSupport(_) => Some(super::knockout::support::GROUPS.map(|(group, _)| group).to_vec()),
        _ => None,
    }
}
