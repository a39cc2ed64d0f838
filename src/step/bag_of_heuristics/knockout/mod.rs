//! Steps on what a step `heuristics` has found: knock-outs by heuristic and by prompt (paper §4.2), and how much heuristics
//! support right and wrong answers (§4.3).

mod bag;
pub mod by_heuristic;
pub mod by_prompt;
mod keys;
mod runs;
pub mod support;

pub use bag::check;

use crate::Error;
use crate::context::Context;
use crate::model::hook::{Hook, Site};
use crate::prompt::{Prompt, PromptGroup};
use crate::spec::step::Common;
use crate::step::TemplateBatch;
use bag::Bag;
use indexmap::IndexSet;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Where the neurons of a layer are.
fn hook(layer: usize) -> Hook {
    Hook::Block(layer, Site::MlpPost)
}

/// Prompts, each once however many draws have it.
fn distinct<'p>(prompts: &[&'p Prompt]) -> Vec<&'p Prompt> {
    let mut seen = HashSet::new();
    prompts.iter().copied().filter(|prompt| seen.insert(prompt.id)).collect()
}

/// Refuses prompts of several lengths: their rows are of all prompts of a template at once.
///
/// # Errors
/// Those, at the step.
fn of_one_shape(step: &dyn Common, cell: &TemplateBatch, context: &Context) -> Result<(), Error> {
    if !cell.is_one_of_several() {
        return Ok(());
    }
    let problem = format!(
        "prompts of template '{}' differ in their number of tokens or in where their slots are, and this kind of step needs them \
         alike",
        cell.template
    );
    let advice = "write operands that are one token each".to_string();
    Err(context.loaded.refuse(&["step", step.name()], problem, Some(advice)).into())
}

/// The groups that prompts have, in their order.
fn groups_of<'p>(prompts: &[&'p Prompt]) -> IndexSet<&'p PromptGroup> {
    prompts.iter().map(|prompt| &prompt.group).collect()
}

/// The layers of all ranked neurons, ascending.
fn layers(bags: &HashMap<PromptGroup, Bag>) -> Vec<usize> {
    let layers = bags.values().flat_map(|bag| bag.neurons.iter().map(|neuron| neuron.layer));
    layers.collect::<BTreeSet<_>>().into_iter().collect()
}
