//! What several kinds of step have in common besides their first keys.

use crate::measure::EffectMeasure;
use crate::spec::PositionName;
use crate::spec::defaults::defaults;
use crate::spec::hook::Site;
use crate::spec::{
    ComponentKind, ComponentPattern, HookPattern, Layers, Numbers, Parsed, SitePattern, UnitPattern, Word,
};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Where the other prompt of each pair comes from. It is drawn: one with another answer and its slots at the same tokens (paper
/// §2.1). Or, for prompts from words, it is made from the clean prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counterfactual {
    /// Which operators it may have.
    #[serde(default)]
    pub operators: CounterfactualOperators,
    /// Prompt set it is drawn from: a name of `[prompt_sets.NAME]`. Left out: the step's own prompts of the same seed.
    #[schemars(extend("x-refers-to" = "prompts"))]
    pub prompts: Option<String>,
    /// Two slots of words: the other prompt is the clean one with the words of these slots exchanged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub swap: Vec<String>,
    /// Slots of words, or single places of one (`s.2`): the other prompt is the clean one with new words there. A new word
    /// differs from the one it replaces; if its slot is in `different`, it also differs from the clean prompt's words in all
    /// those slots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redraw: Vec<String>,
    /// Words by slot, or by single place of one (`s.2`): the other prompt is the clean one with these words there, `{ yy = "01"
    /// }`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub write: IndexMap<String, Word>,
}

impl Counterfactual {
    /// Whether nothing is said of it.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the other prompt is made of the clean one.
    pub(crate) fn is_made(&self) -> bool {
        !(self.swap.is_empty() && self.redraw.is_empty() && self.write.is_empty())
    }
}

/// Operators of counterfactual prompts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CounterfactualOperators {
    /// Any of the set (the paper's choice).
    #[default]
    All,
    /// The clean prompt's own.
    Same,
}

/// Which run is edited with whose values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Counterfactual values into the clean run (the paper's).
    #[default]
    Noising,
    /// Clean values into the counterfactual run.
    Denoising,
}

pub(super) fn last_position() -> Vec<PositionName> {
    vec![PositionName::last()]
}

defaults! {
    pub(super) all_positions: Vec<PositionName> = vec![PositionName::all()];
    pub(super) default_bootstrap: usize = 1000;
    pub(super) default_by: String = "mean".into();
}

pub(super) fn indirect_effect() -> Vec<EffectMeasure> {
    vec![EffectMeasure::IndirectEffect]
}

defaults! {
    pub(super) every_head: Vec<Parsed<ComponentPattern>> = vec![every("L*H*", ComponentKind::Heads(Numbers::All))];
    pub(super) heads_and_mlps: Vec<Parsed<ComponentPattern>> =
        [every_head(), vec![every("L*MLP", ComponentKind::Mlp)]].concat();
}

/// Such components of every layer.
fn every(text: &str, kind: ComponentKind) -> Parsed<ComponentPattern> {
    let layers = Layers::Written(Numbers::All);
    Parsed::unwritten(text.to_string(), ComponentPattern { layers, kind })
}

/// The stream after each block.
pub(super) fn after_blocks() -> Vec<Parsed<SitePattern>> {
    let hooks = HookPattern::Layers(Layers::Written(Numbers::All), Site::ResidPost);
    vec![Parsed::unwritten("resid_post".into(), SitePattern { hooks, units: UnitPattern::Whole })]
}

fn texts(format: &str) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "format": format }, "minItems": 1, "uniqueItems": true })
}

pub(super) fn sites_schema(_: &mut SchemaGenerator) -> Schema {
    texts("site")
}

pub(super) fn components_schema(_: &mut SchemaGenerator) -> Schema {
    texts("component")
}

pub(super) fn receivers_schema(_: &mut SchemaGenerator) -> Schema {
    texts("receiver")
}
