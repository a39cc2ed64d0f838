//! `kind = "heuristics"`.

use crate::spec::Condition;
use crate::spec::defaults::defaults;
use crate::spec::step::fields::step;
use crate::spec::step::relations::relations;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Which rules on operands and results neurons implement.
    ///
    /// Each neuron's activation at the last position over every legal prompt of an operator is matched with every rule.
    /// Templates, operators and operands of the prompt set count; its `keep`, `sample` and `seeds` do not.
    ///
    /// Formula: score(H) = |{k prompts with the highest values} ∩ {prompts that H holds for}| / k, k = |{prompts that H holds for}|; values are the
    /// activation for rules on operands, activation × logit of the result in the value vector for rules on results.
    ///
    /// Source: paper §3.2 and §4.1, algorithm 1, appendices E and F.
    ///
    /// Limits: a match is correlation. With thousands of rules some match by chance: see the rows' controls, and knock the neurons out.
    ///
    /// ```toml
    /// [[step]]
    /// name   = "effects"
    /// kind   = "neuron-patching"
    /// layers = "2..4"
    ///
    /// [[step]]
    /// name   = "heuristics"
    /// kind   = "heuristics"
    /// ranked = { from = "effects", k = 20 }
    /// ```
    Heuristics {
        /// The neurons.
        ranked: RankedNeurons,
        /// Whose lists of heuristics, and whose defaults.
        #[serde(default)]
        variant: HeuristicVariant,
        /// Least score of a match: the share of the k highest prompts that are associated with the heuristic, k being how many
        /// are associated at all.
        #[serde(default = "default_threshold")]
        #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
        threshold: f64,
        /// Types that are looked for.
        #[serde(default = "every_type")]
        #[schemars(length(min = 1), extend("uniqueItems" = true))]
        types: Vec<HeuristicType>,
        /// How many prompts to look at, for heuristics on results of × and ÷. Left out: `none`; of `variant = "code"`,
        /// `operand-range`.
        cap: Option<ScoreCap>,
        /// What becomes of prompts whose result is 0. Left out: `keep`; of `variant = "code"`, `drop`.
        zero_results: Option<ZeroResults>,
        /// Fewest prompts that a heuristic is associated with: what holds for one prompt is no rule.
        #[serde(default = "default_min_associated")]
        #[schemars(range(min = 1))]
        min_associated: usize,
        /// Leave out heuristics that activations in random order would match with a greater probability than this: `result in [0,
        /// 100)` holds for nearly every ÷, so any neuron matches it.
        #[serde(default = "default_max_chance")]
        #[schemars(range(min = 0.0, max = 1.0))]
        max_chance: f64,
        /// Whether to match the lowest activations as well as the highest; the better score counts. Left out: true if the MLP is
        /// gated, so that activations can be strongly negative.
        low_tail: Option<bool>,
        /// Seed of the controls. These count how many heuristics on results a neuron would match if its value vector
        /// meant nothing (logits shuffled over the results), and how many on operands if its activations meant nothing
        /// (shuffled over the prompts).
        #[serde(default = "default_seed")]
        seed: u64,
        /// How many neurons per operator and type the table `NAME.examples` has.
        #[serde(default = "default_examples")]
        examples: usize,
        /// For how many of these, the best ones, the table `NAME.patterns` has the activation at every prompt, to be
        /// drawn.
        #[serde(default = "default_patterns")]
        patterns: usize,
    }
}

/// Neurons in the order of an effect, from the rows of a step with the columns `layer` and `neuron`: the k best of each layer
/// that the rows have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RankedNeurons {
    /// The rows of a step, `NAME` or `NAME.PART`; several rows of one neuron are averaged.
    #[schemars(extend("x-refers-to" = "step-rows"))]
    pub from: String,
    /// Rows that count: each column's value, list of values, or comparison, as in a table.
    #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
    pub filter: IndexMap<String, Condition>,
    /// Column to order by, or arithmetic of columns such as `mean + std` (the paper's code), the largest first.
    #[serde(default = "crate::spec::step::shared::default_by")]
    pub by: String,
    /// Measure whose rows count. Left out: the rows have one.
    pub measure: Option<String>,
    /// How many of each layer; all of a layer that has fewer.
    #[serde(default = "default_k")]
    #[schemars(range(min = 1))]
    pub k: usize,
    /// Order by the effects on prompts of the same operator alone.
    #[serde(default = "default_true")]
    pub per_operator: bool,
}

/// Types of heuristics (paper §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeuristicType {
    /// A value in a range.
    Range,
    /// A value that leaves a remainder.
    Modulo,
    /// A value whose digits fit.
    Pattern,
    /// Both operands are the same.
    Identical,
    /// A result that is one of two to four unrelated ones (÷).
    MultiResult,
}

/// Whose lists of heuristics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeuristicVariant {
    /// The paper's: remainders by 2 to 9, 11, 13 and 15. Names of the same prompts are one heuristic.
    #[default]
    Paper,
    /// Its code's: remainders by 2 to 10.
    Code,
}

/// How many prompts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScoreCap {
    /// As many as are associated with the heuristic.
    None,
    /// At most as many as an operand has values, because these results are very unevenly spread.
    OperandRange,
}

/// What becomes of prompts whose result is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ZeroResults {
    /// They are prompts like any.
    Keep,
    /// They are left out: a neuron that fires for them alone looks like every heuristic that holds for 0.
    Drop,
}

impl HeuristicType {
    /// Every type, in the order of tables.
    pub const ALL: [Self; 5] = [Self::Range, Self::Modulo, Self::Pattern, Self::Identical, Self::MultiResult];

    /// As specs and rows say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Modulo => "modulo",
            Self::Pattern => "pattern",
            Self::Identical => "identical",
            Self::MultiResult => "multi-result",
        }
    }
}

impl ScoreCap {
    /// What a variant has by default.
    pub const fn of(variant: HeuristicVariant) -> Self {
        match variant {
            HeuristicVariant::Paper => Self::None,
            HeuristicVariant::Code => Self::OperandRange,
        }
    }
}

impl ZeroResults {
    /// What a variant has by default.
    pub const fn of(variant: HeuristicVariant) -> Self {
        match variant {
            HeuristicVariant::Paper => Self::Keep,
            HeuristicVariant::Code => Self::Drop,
        }
    }
}

defaults! {
    default_true: bool = true;
    default_threshold: f64 = 0.6;
    every_type: Vec<HeuristicType> = HeuristicType::ALL.to_vec();
    default_min_associated: usize = 10;
    default_max_chance: f64 = 0.01;
    default_seed: u64 = 42;
    default_examples: usize = 3;
    default_patterns: usize = 1;
    default_k: usize = 200;
}

relations! { Heuristics |step|
    reads: vec![&step.ranked.from];
    needs_operands: true;
}
