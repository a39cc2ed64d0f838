use super::fields::step;
use super::shared::{
    Counterfactual, Direction, EffectMeasure, default_bootstrap, indirect_effect, last_position, sites_schema,
};
use crate::spec::PositionName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Activation patching (paper §2.1): each site, unit and position of one run is replaced by its value in another, one at
    /// a time, and the change of the answer is measured.
    ActivationPatching {
        /// What is patched: hooks by TransformerLens's name or its shorthand, `blocks.*.attn.hook_z[head]` for each head,
        /// `mlp_post` for every whole MLP.
        #[schemars(schema_with = "sites_schema")]
        sites: Vec<String>,
        /// Where: each position on its own.
        #[serde(default = "last_position")]
        #[schemars(length(min = 1))]
        positions: Vec<PositionName>,
        /// The other prompt of each pair.
        #[serde(default)]
        counterfactual: Counterfactual,
        /// Whose values go where.
        #[serde(default)]
        direction: Direction,
        /// What is measured.
        #[serde(default = "indirect_effect")]
        #[schemars(length(min = 1))]
        measures: Vec<EffectMeasure>,
        /// Also keep a row per prompt: table `NAME.prompts`.
        #[serde(default)]
        per_prompt: bool,
        /// Resamples of the prompts for the 95 % interval of each mean.
        #[serde(default = "default_bootstrap")]
        #[schemars(range(min = 0, max = 100000))]
        bootstrap: usize,
    }
}

step! {
    /// Activation patching of every neuron (paper §3.1): `mlp.hook_post`, one unit at a time; exactly, or approximated.
    NeuronPatching {
        /// Layers: `*`, `15`, `16..32`, or `{NAME}`, those that the step NAME of kind `probe` finds.
        #[serde(default = "every_layer")]
        #[schemars(extend("format" = "layers"))]
        layers: String,
        /// `exact`, or its first-order approximation where exact patching of every neuron takes too long.
        #[serde(default)]
        method: NeuronMethod,
        /// Where: each position on its own.
        #[serde(default = "last_position")]
        #[schemars(length(min = 1))]
        positions: Vec<PositionName>,
        /// The other prompt of each pair.
        #[serde(default)]
        counterfactual: Counterfactual,
        /// Whose values go where.
        #[serde(default)]
        direction: Direction,
        /// What is measured.
        #[serde(default = "indirect_effect")]
        #[schemars(length(min = 1))]
        measures: Vec<EffectMeasure>,
        /// Also keep a row per prompt: table `NAME.prompts`.
        #[serde(default)]
        per_prompt: bool,
        /// Resamples of the prompts for the 95 % interval of each mean.
        #[serde(default = "default_bootstrap")]
        #[schemars(range(min = 0, max = 100000))]
        bootstrap: usize,
    }
}

step! {
    /// Attribution patching: the effect of patching as its first-order approximation, gradient × (counterfactual − clean),
    /// for all units from two forward passes and one backward pass.
    AttributionPatching {
        /// What would be patched; see `activation-patching`.
        #[schemars(schema_with = "sites_schema")]
        sites: Vec<String>,
        /// Where: each position on its own.
        #[serde(default = "last_position")]
        #[schemars(length(min = 1))]
        positions: Vec<PositionName>,
        /// The other prompt of each pair.
        #[serde(default)]
        counterfactual: Counterfactual,
        /// What is approximated.
        #[serde(default)]
        measure: AttributionMeasure,
        /// Points of integrated gradients: the gradient is the mean over this many points between the clean and the
        /// counterfactual prompt's embeddings. 0: the gradient of the clean run alone.
        #[serde(default)]
        #[schemars(range(max = 1000))]
        integrated_points: usize,
        /// A step of exact patching to compare with: rank correlation and overlap of the top units in table `NAME.agreement`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("x-refers-to" = "step"))]
        compare: Option<String>,
        /// Sizes k of the top-k sets that are compared.
        #[serde(default = "default_top")]
        #[schemars(inner(range(min = 1)))]
        top: Vec<usize>,
        /// Also keep a row per prompt: table `NAME.prompts`.
        #[serde(default)]
        per_prompt: bool,
        /// Resamples of the prompts for the 95 % interval of each mean.
        #[serde(default = "default_bootstrap")]
        #[schemars(range(min = 0, max = 100000))]
        bootstrap: usize,
    }
}

/// How the effect of a neuron is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NeuronMethod {
    /// Each neuron is patched.
    #[default]
    Exact,
    /// Gradient × (counterfactual − clean), as in `attribution-patching` (what the paper's code does): `noising` and the measure
    /// `indirect-effect` alone.
    Attribution,
}

/// What attribution patching approximates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttributionMeasure {
    /// The indirect effect (paper eq. 1), which to first order is half the change of logit(r') − logit(r).
    #[default]
    IndirectEffect,
    /// The change of logit(r) − logit(r').
    LogitDifference,
}

impl AttributionMeasure {
    /// What exact patching measures by that name.
    pub fn exact(self) -> EffectMeasure {
        match self {
            AttributionMeasure::IndirectEffect => EffectMeasure::IndirectEffect,
            AttributionMeasure::LogitDifference => EffectMeasure::LogitDifference,
        }
    }
}

fn every_layer() -> String {
    "*".into()
}

fn default_top() -> Vec<usize> {
    vec![10, 50, 100, 200]
}
