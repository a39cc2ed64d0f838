//! What means are taken over.

use crate::spec::defaults::defaults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What means are taken over. The paper's: all prompts with both operands in range, legal or not, the same number of each
/// operator, per position. Always prompts of the same template and number of tokens as those that are ablated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeanOver {
    /// Prompt set whose operands, operators and templates are taken (not its `keep`, `sample` and `seeds`): a name of
    /// `[prompt_sets.NAME]`. Left out: the step's own.
    #[schemars(extend("x-refers-to" = "prompts"))]
    pub prompts: Option<String>,
    /// Whether prompts without a legal answer count.
    #[serde(default)]
    pub legality: Legality,
    /// Prompts per operator and template, drawn with `seed`; all there are, if those are fewer. A mean for all operators has as many of
    /// each as there are of the operator with the fewest.
    #[serde(default = "default_sample")]
    #[schemars(range(min = 1))]
    pub sample: usize,
    /// Seed of the draw.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// One mean for each operator's prompts, or one for all.
    #[serde(default)]
    pub operators: MeanOperators,
    /// One mean per position, or one over all of them.
    #[serde(default)]
    pub positions: MeanPositions,
}

/// Which prompts a mean is taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Legality {
    /// All with operands that are one token each, whatever the answer (paper appendix A).
    #[default]
    Any,
    /// Legal prompts alone.
    Legal,
}

/// Means over operators.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MeanOperators {
    /// One mean over all (the paper's).
    #[default]
    All,
    /// One for each, put into the prompts of that operator.
    Same,
}

/// Means over positions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MeanPositions {
    /// One for each.
    #[default]
    Each,
    /// One over all that are ablated.
    Pooled,
}

impl Default for MeanOver {
    fn default() -> Self {
        Self {
            prompts: None,
            legality: Legality::default(),
            sample: default_sample(),
            seed: default_seed(),
            operators: MeanOperators::default(),
            positions: MeanPositions::default(),
        }
    }
}

defaults! {
    default_sample: usize = 1000;
    default_seed: u64 = 42;
}
