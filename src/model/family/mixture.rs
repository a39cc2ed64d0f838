//! What families with experts have in common: how many are chosen, and where they are stored.

use super::names::{BlockNames, DenseNames, LinearNames, MixtureNames, MlpNames, ModelNames, StackPlace};
use crate::model::config::{Config, ConfigError};
use crate::model::facts::{Experts, Facts};
use serde_json::Value;

/// Keys that have a shared expert, which every token goes to, in families that this program does not have.
const SHARED: [&str; 4] = [
    "shared_expert_intermediate_size",
    "n_shared_experts",
    "num_shared_experts",
    "moe_shared_expert_intermediate_size",
];

/// The experts of a configuration: `count` and `chosen` are those of one that does not say.
pub(super) fn experts(
    config: &Config,
    key: &str,
    [count, chosen]: [usize; 2],
    of: impl FnOnce(usize, usize) -> Experts,
) -> Result<Experts, ConfigError> {
    for key in SHARED {
        config.refuse(key, |value: &Value| value.as_u64() == Some(0), "a shared expert")?;
    }
    let count = config.heads_or(key, count)?;
    let chosen = config.size_or("num_experts_per_tok", chosen)?;
    if chosen > count {
        return Err(ConfigError(format!(
            "'num_experts_per_tok' is {chosen}: more than there are experts ('{key}' is {count})"
        )));
    }
    Ok(of(count, chosen))
}

/// How a family names the parts of its experts.
pub(super) struct ExpertWords {
    /// What holds router and experts, in files with a tensor for each expert.
    pub holder: &'static str,
    /// The maps of an expert there: gate, up, down.
    pub parts: [&'static str; 3],
}

/// Names with experts in the layers that have them: in files a tensor for each, in a model's own state (`state_dict()` of transformers
/// 5) one for all of a layer, with the gates' rows before those of the other map.
pub(super) fn with_experts(names: ModelNames, facts: &Facts, words: &ExpertWords) -> ModelNames {
    let Some(experts) = &facts.experts else { return names };
    let Experts { count, width, .. } = *experts;
    let d_model = facts.d_model;
    let router = |at: &str| LinearNames::linear(format!("{at}.gate"), d_model, count, false);
    let each = |layer: usize| {
        let at = format!("model.layers.{layer}.{}", words.holder);
        let [gate, up, down] = words.parts;
        let expert = |index: usize| {
            let map = |name, inputs, outputs| {
                LinearNames::linear(format!("{at}.experts.{index}.{name}"), inputs, outputs, false)
            };
            DenseNames {
                gate: Some(map(gate, d_model, width)),
                up: map(up, d_model, width),
                down: map(down, width, d_model),
            }
        };
        MixtureNames { router: router(&at), experts: (0..count).map(expert).collect() }
    };
    let stacked = |layer: usize| {
        let at = format!("model.layers.{layer}.mlp");
        let expert = |index: usize| {
            let place = StackPlace { index, count };
            let part = |from: usize| {
                LinearNames::stacked(format!("{at}.experts.gate_up_proj"), place, d_model, 2 * width)
                    .taking(std::iter::once(from..from + width))
            };
            let down = LinearNames::stacked(format!("{at}.experts.down_proj"), place, width, d_model);
            DenseNames { gate: Some(part(0)), up: part(width), down }
        };
        MixtureNames { router: router(&at), experts: (0..count).map(expert).collect() }
    };
    let with = |names: ModelNames, mixture: &dyn Fn(usize) -> MixtureNames| {
        names.with_blocks(|layer, block| match facts.experts_of(layer) {
            Some(_) => BlockNames { mlp: MlpNames::Mixture(mixture(layer)), ..block },
            None => block,
        })
    };
    let other = with(names.clone(), &stacked);
    ModelNames { other_blocks: Some(other.blocks), ..with(names, &each) }
}
