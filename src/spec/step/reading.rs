//! Steps that read activations and change none.

// `b_U[r]` in a formula is an entry of a vector, not a link.
#![allow(rustdoc::broken_intra_doc_links)]

use super::fields::step;
use super::relations::relations;
use super::shared::{
    Counterfactual, after_blocks, components_schema, every_head, heads_and_mlps, last_position, sites_schema,
};
use crate::measure::LensMeasure;
use crate::spec::{CapSide, ComponentPattern, NormScale, Parsed, SitePattern, layers_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Reads the residual stream inside the model as if the model ended there.
    ///
    /// Formula: logits(x) = norm_final(x) · W_U + b_U at each site and position; of the answer's first token its `measures`.
    ///
    /// Source: nostalgebraist 2020, Interpreting GPT: the logit lens.
    ///
    /// Limits: early layers need not write in the basis of the last (Belrose et al. 2023, arXiv 2303.08112): "not there yet" may be "not
    /// readable this way".
    ///
    /// ```toml
    /// [[step]]
    /// name      = "lens"
    /// kind      = "logit-lens"
    /// sites     = ["embed", "resid_mid", "resid_post"]
    /// positions = ["b", "last"]
    /// ```
    ///
    /// By how much the right answer is ahead of a wrong one, layer by layer: `measures = ["logit-difference"]`.
    LogitLens {
        /// Streams to read: `resid_pre`, `resid_mid`, `resid_post`, or what is added to them: `attn_out`, `mlp_out`, `embed`,
        /// `pos_embed`; with layers before them where not all are wanted.
        #[serde(default = "after_blocks")]
        #[schemars(schema_with = "sites_schema")]
        sites: Vec<Parsed<SitePattern>>,
        /// Where: each position on its own (`each` for every one).
        positions = "last_position",
        /// What is measured. `logit-difference` compares with a wrong answer: the prompt's `contrast` or `wrong`, else the answer of its
        /// counterfactual.
        #[serde(default = "lens_measures", skip_serializing_if = "is_usual")]
        #[schemars(length(min = 1), extend("uniqueItems" = true))]
        measures: Vec<LensMeasure>,
        /// The other prompt of each pair, of `logit-difference`.
        #[serde(default, skip_serializing_if = "Counterfactual::is_default")]
        counterfactual: Counterfactual,
        /// For models with a soft cap of their logits: logits `"before"` or `"after"` the cap; `"after"` if not said. If the spec
        /// says it, rows have it as a column.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        soft_cap: Option<CapSide>,
        per_prompt,
        bootstrap,
    }
}

step! {
    /// How much each component adds to the answer's logit at the last position.
    ///
    /// Direct logit attribution: the final norm's scale is held as it is, and the logit is then a sum over components.
    ///
    /// Formula: logit(r) = Σᵢ xᵢ · (γ ∘ W_U[:, r]) / s + β · W_U[:, r] + b_U[r], xᵢ what component i writes, s the final norm's scale.
    ///
    /// Source: Elhage et al. 2021, A mathematical framework for transformer circuits; Wang et al. 2023 (arXiv 2211.00593).
    ///
    /// Limits: direct effects alone; a component that works through later ones has a small share. Shares are not what an ablation would take away.
    ///
    /// ```toml
    /// [[step]]
    /// name   = "direct"
    /// kind   = "logit-attribution"
    /// target = "difference"
    /// ```
    LogitAttribution {
        /// Components: heads, MLPs, neurons. The embedding, the biases and what is left have rows of their own.
        #[serde(default = "heads_and_mlps")]
        #[schemars(schema_with = "components_schema")]
        components: Vec<Parsed<ComponentPattern>>,
        /// Which logit the shares are of.
        #[serde(default)]
        target: AttributionTarget,
        /// The other prompt of each pair, of `target = "difference"`.
        #[serde(default)]
        counterfactual: Counterfactual,
        /// For models with norms after attention and MLP: which scale of these norms a head's or neuron's share is divided by;
        /// `"frozen"` if not said. If the spec says it, rows have it as a column.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        norm: Option<NormScale>,
        /// For models with a soft cap of their logits: shares of the logit `"before"` or `"after"` the cap; `"before"` if not
        /// said. After the cap, each share of a prompt is multiplied by what the cap leaves of the whole. If the spec says it,
        /// rows have it as a column.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        soft_cap: Option<CapSide>,
        per_prompt,
        bootstrap,
        test,
    }
}

/// What is measured where the spec does not say it: what needs no wrong answer.
fn lens_measures() -> Vec<LensMeasure> {
    use LensMeasure::{Accuracy, Logit, NormalizedLogit, Probability, Rank};
    vec![Accuracy, Probability, Logit, NormalizedLogit, Rank]
}

/// Whether these are what is measured where the spec does not say it.
fn is_usual(measures: &[LensMeasure]) -> bool {
    measures == lens_measures()
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
    /// How much each position attends to each, per head.
    ///
    /// With `toward`, one number for each head instead: the attention that known kinds of heads give to certain tokens.
    ///
    /// Formula: mean over prompts of softmax(q · k / √d_head), `attn.hook_pattern`. With `toward`, of each prompt the mean, over the queries that
    /// have such keys, of the sum of their weights on them.
    ///
    /// Source: paper figure 14; with `toward`, the prefix-matching score of Olsson et al. 2022 (arXiv 2209.11895).
    ///
    /// Limits: where a head looks is not what it moves (Jain and Wallace 2019, arXiv 1902.10186): a large weight on a
    /// value near zero moves nothing.
    ///
    /// ```toml
    /// [[step]]
    /// name  = "patterns"
    /// kind  = "attention-patterns"
    /// heads = ["L0H*"]
    /// ```
    AttentionPatterns {
        /// Heads: `L2H2`, `L*H*`.
        #[serde(default = "every_head")]
        #[schemars(schema_with = "components_schema")]
        heads: Vec<Parsed<ComponentPattern>>,
        /// Known kinds of heads, by which keys they look at. Attention is summed over those keys: rows are then one for
        /// each head and kind, instead of one for each pair of positions. Means have intervals from 1000 resamples of
        /// the prompts.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(extend("uniqueItems" = true))]
        toward: Vec<KeyRelation>,
        per_prompt,
    }
}

/// What the token of a key is to that of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyRelation {
    /// Tokens right after an earlier token that equals the query's: where induction heads look. The prefix-matching
    /// score.
    Induction,
    /// The token right before the query's.
    PreviousToken,
    /// Earlier tokens that equal the query's.
    DuplicateToken,
    /// The first token of the prompt, where many heads look that have nothing to look for.
    FirstToken,
}

impl KeyRelation {
    /// Every name.
    pub const NAMES: [&str; 4] = ["induction", "previous-token", "duplicate-token", "first-token"];

    /// As a spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Induction => "induction",
            Self::PreviousToken => "previous-token",
            Self::DuplicateToken => "duplicate-token",
            Self::FirstToken => "first-token",
        }
    }

    /// Whether the token at `key`, before the one at `query`, is so in a text.
    pub fn holds(self, tokens: &[u32], query: usize, key: usize) -> bool {
        let same =
            |place: Option<usize>| place.and_then(|place| tokens.get(place)).copied() == tokens.get(query).copied();
        key < query
            && match self {
                Self::Induction => key > 0 && same(key.checked_sub(1)),
                Self::PreviousToken => key + 1 == query,
                Self::DuplicateToken => same(Some(key)),
                Self::FirstToken => key == 0,
            }
    }
}

step! {
    /// Keeps activations, in a file or as rows.
    ///
    /// A safetensors file with a tensor per hook, the prompts in the order of `NAME.prompts`; or a row per value.
    ///
    /// Source: none: activations as TransformerLens's `run_with_cache` gives them.
    ///
    /// ```toml
    /// [[step]]
    /// name   = "activations"
    /// kind   = "capture"
    /// sites  = ["resid_post"]
    /// format = "rows"
    /// ```
    Capture {
        /// What is kept: hooks, with units in brackets where not all are wanted.
        #[schemars(schema_with = "sites_schema")]
        sites: Vec<Parsed<SitePattern>>,
        /// Where. For attention scores and patterns: which queries.
        positions = "last_position",
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

relations! { LogitLens |step|
    counterfactual: &step.counterfactual;
    layers: layers_of(&step.sites);
}

relations! { LogitAttribution |step|
    counterfactual: &step.counterfactual;
    layers: layers_of(&step.components);
}

relations! { AttentionPatterns |step| layers: layers_of(&step.heads); }

relations! { Capture |step| layers: layers_of(&step.sites); }
