//! What several kinds of step have in common besides their first keys.

use crate::spec::PositionName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Where the other prompt of each pair comes from: one with another answer, its slots at the same tokens (paper §2.1); or, of
/// prompts from words, one that is made of the clean prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counterfactual {
    /// Which operators it may have.
    #[serde(default)]
    pub operators: CounterfactualOperators,
    /// Prompt set it is drawn from: a name of `[prompt_sets.NAME]`. Left out: the step's own prompts of the same seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-refers-to" = "prompts"))]
    pub prompts: Option<String>,
    /// Two slots of words: the other prompt is the clean one with each other's words in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub swap: Vec<String>,
    /// Slots of words, or single places of one (`s.2`): the other prompt is the clean one with new words in them. They differ from
    /// the old ones and, of slots that must differ, from the old words of all of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redraw: Vec<String>,
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

/// What an intervention does to the answer. r is the answer of the run that is edited, r' that of the run the values come
/// from; P and L are probability and logit before, P* and L* after the edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EffectMeasure {
    /// How far the answer's probability goes from r to r': the paper's effect E.
    ///
    /// Formula: E = ½ · [ (P*(r') − P(r')) / P(r') + (P(r) − P*(r)) / P*(r) ]
    ///
    /// Source: paper §2.1, eq. 1; Stolfo et al. 2023 (arXiv 2305.15054).
    ///
    /// Limits: unbounded above: the mean is that of its few largest values where a model is so sure that P*(r) falls to 1e-9. Show
    /// `log1p(mean)`, or take `log-indirect-effect`.
    IndirectEffect,
    /// The logarithm of one plus the indirect effect of each prompt.
    ///
    /// Formula: ln(1 + E)
    ///
    /// Source: the paper's figures show log(1 + mean E); this is the mean of logarithms.
    ///
    /// Limits: where an edit makes the answer much surer, E nears −1 and its logarithm falls without bound.
    LogIndirectEffect,
    /// The indirect effect on logits instead of probabilities.
    ///
    /// Formula: ½ · [ (L*(r') − L(r')) / L(r') + (L(r) − L*(r)) / L*(r) ], L the logit
    ///
    /// Source: eq. 1 of the paper, with logits.
    ///
    /// Limits: a ratio of logits depends on where their zero is: on `model.processing.center_unembed`.
    IndirectEffectLogits,
    /// The answer's logit minus the other answer's, after the edit.
    ///
    /// Formula: L*(r) − L*(r')
    ///
    /// Source: Wang et al. 2023 (arXiv 2211.00593); Zhang and Nanda 2024 (arXiv 2309.16042).
    ///
    /// Limits: it does not see a third answer rise above both.
    LogitDifference,
    /// The change of the logit difference, as a share of the difference between the two runs.
    ///
    /// Formula: (D* − D) / (D' − D), D = L(r) − L(r') of the run as it is, D* edited, D' of the other run: 0 as unedited, 1 as the other run
    ///
    /// Source: Wang et al. 2023 (arXiv 2211.00593); Zhang and Nanda 2024 (arXiv 2309.16042).
    ///
    /// Limits: of pairs whose runs hardly differ the denominator is near 0, and a few carry the mean.
    NormalizedLogitDifference,
    /// How far the whole next-token distribution goes.
    ///
    /// Formula: Σ P · ln(P / P*), unedited ‖ edited, in nats
    ///
    /// Source: Kullback and Leibler 1951; Conmy et al. 2023 (arXiv 2304.14997) choose circuits by it.
    ///
    /// Limits: it does not say in which direction, nor whether the answer is concerned.
    Kl,
    /// Whether the arg-max is r.
    ///
    /// Formula: 1 if argmax P* = r, else 0
    ///
    /// Source: paper §4.2.
    ///
    /// Limits: it sees nothing of what does not change the arg-max.
    Accuracy,
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

pub(super) fn all_positions() -> Vec<PositionName> {
    vec![PositionName::all()]
}

pub(super) fn default_bootstrap() -> usize {
    1000
}

pub(super) fn default_by() -> String {
    "mean".into()
}

pub(super) fn indirect_effect() -> Vec<EffectMeasure> {
    vec![EffectMeasure::IndirectEffect]
}

pub(super) fn every_head() -> Vec<String> {
    vec!["L*H*".into()]
}

pub(super) fn heads_and_mlps() -> Vec<String> {
    vec!["L*H*".into(), "L*MLP".into()]
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
