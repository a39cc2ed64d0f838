//! Steps that read activations and change none.

use super::fields::step;
use super::shared::{
    Counterfactual, components_schema, default_bootstrap, every_head, heads_and_mlps, last_position, sites_schema,
};
use crate::spec::PositionName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Logit lens: the residual stream within the model, read as if it were the last: final norm and unembedding.
    LogitLens {
        /// Streams to read: `resid_pre`, `resid_mid`, `resid_post`, or what is added to them: `attn_out`, `mlp_out`, `embed`,
        /// `pos_embed`; with layers before them where not all are wanted.
        #[serde(default = "after_blocks")]
        #[schemars(schema_with = "sites_schema")]
        sites: Vec<String>,
        /// Where: each position on its own (`each` for every one).
        #[serde(default = "last_position")]
        #[schemars(length(min = 1))]
        positions: Vec<PositionName>,
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
    /// Direct logit attribution: how much each component's output adds to the answer's logit at the last position, the final
    /// norm's scale held as it is.
    LogitAttribution {
        /// Components: heads, MLPs, neurons. The embedding, the biases and what is left have rows of their own.
        #[serde(default = "heads_and_mlps")]
        #[schemars(schema_with = "components_schema")]
        components: Vec<String>,
        /// Which logit.
        #[serde(default)]
        target: AttributionTarget,
        /// The other prompt of each pair, of `target = "difference"`.
        #[serde(default)]
        counterfactual: Counterfactual,
        /// Also keep a row per prompt: table `NAME.prompts`.
        #[serde(default)]
        per_prompt: bool,
        /// Resamples of the prompts for the 95 % interval of each mean.
        #[serde(default = "default_bootstrap")]
        #[schemars(range(min = 0, max = 100000))]
        bootstrap: usize,
    }
}

/// What direct logit attribution explains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttributionTarget {
    /// The answer's logit.
    #[default]
    Answer,
    /// The answer's logit minus the counterfactual answer's.
    Difference,
}

step! {
    /// Attention patterns (paper figure 14): how much each position attends to each, per head.
    AttentionPatterns {
        /// Heads: `L2H2`, `L*H*`.
        #[serde(default = "every_head")]
        #[schemars(schema_with = "components_schema")]
        heads: Vec<String>,
        /// Also keep a row per prompt: table `NAME.prompts`.
        #[serde(default)]
        per_prompt: bool,
    }
}

step! {
    /// Keeps activations: in a safetensors file with a tensor per hook, the prompts in the order of `NAME.prompts`, or as rows.
    Capture {
        /// What is kept: hooks, with units in brackets where not all are wanted.
        #[schemars(schema_with = "sites_schema")]
        sites: Vec<String>,
        /// Where; of attention patterns, which queries.
        #[serde(default = "last_position")]
        #[schemars(length(min = 1))]
        positions: Vec<PositionName>,
        /// How it is kept.
        #[serde(default)]
        format: CaptureFormat,
    }
}

/// How captured activations are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureFormat {
    /// `activations/NAME.safetensors`, with the model, checkpoint and template in its name where there are several: one tensor
    /// per hook, `[prompt, pos, …]`.
    #[default]
    Safetensors,
    /// Table `NAME`: one row per prompt, hook, position and value.
    Rows,
}

fn after_blocks() -> Vec<String> {
    vec!["resid_post".into()]
}
