use super::fields::step;
use super::shared::{Counterfactual, all_positions, components_schema, default_bootstrap, default_by, heads_and_mlps};
use crate::spec::{Condition, PositionName};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Ablation of components, or of everything but a circuit (paper §2.1, eq. 2; appendix A), and what is left of the answer.
    Ablation {
        /// `ablate`: the components are replaced. `keep`: every component of `among` but these is.
        #[serde(default)]
        mode: AblationMode,
        /// Components: `L15H13`, `L3MLP`, `L3N17`, or sets such as `L*MLP`. May be empty where `listed` or `ranked` add some.
        #[serde(default)]
        #[schemars(schema_with = "components_schema_or_none")]
        components: Vec<String>,
        /// Further components, named by the rows of steps.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        listed: Vec<Listed>,
        /// What there is to ablate: all of it in the empty circuit ∅; with `keep`, all but the circuit, and components of `ranked`
        /// outside of it are passed over.
        #[serde(default = "heads_and_mlps")]
        #[schemars(schema_with = "components_schema")]
        among: Vec<String>,
        /// Further components, best first, of which the top k are added: one ablation per k.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ranked: Option<Ranked>,
        /// What activations become.
        #[serde(default)]
        value: AblationValue,
        /// What means are taken over.
        #[serde(default)]
        mean: MeanOver,
        /// The other prompt of each pair, of `value = "resample"`.
        #[serde(default)]
        counterfactual: Counterfactual,
        /// Where; together.
        #[serde(default = "all_positions")]
        #[schemars(length(min = 1))]
        positions: Vec<PositionName>,
        /// What is measured.
        #[serde(default = "default_measures")]
        #[schemars(length(min = 1))]
        measures: Vec<AblationMeasure>,
        /// Leave out prompts whose answer is 0, as the paper's code does for faithfulness.
        #[serde(default)]
        skip_zero_answers: bool,
        /// Also keep a row per prompt: table `NAME.prompts`.
        #[serde(default)]
        per_prompt: bool,
        /// Resamples of the prompts for the 95 % interval of each mean.
        #[serde(default = "default_bootstrap")]
        #[schemars(range(min = 0, max = 100000))]
        bootstrap: usize,
    }
}

/// Which components are ablated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AblationMode {
    /// The named ones.
    #[default]
    Ablate,
    /// All but the named ones.
    Keep,
}

/// Components in the order of an effect, from the rows of a step with the columns `layer` and `head` or `neuron`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ranked {
    /// The rows of a step, `NAME` or `NAME.PART`; what several of them say of one component is averaged.
    #[schemars(extend("x-refers-to" = "step-rows"))]
    pub from: String,
    /// Rows that count: each column's value, list of values, or comparison, as in a table.
    #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
    pub filter: IndexMap<String, Condition>,
    /// Column to order by, or arithmetic of columns such as `mean + std` (the paper's code), the largest first.
    #[serde(default = "default_by")]
    pub by: String,
    /// Measure whose rows count. Left out: the rows have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<String>,
    /// How many are added, one ablation for each number.
    #[schemars(length(min = 1))]
    pub k: Vec<usize>,
    /// Count k within each layer, as the paper does for neurons, instead of over all.
    #[serde(default)]
    pub per_layer: bool,
    /// Order by the effects on prompts of the same operator alone.
    #[serde(default = "default_true")]
    pub per_operator: bool,
}

/// Components that the rows of a step name, with the columns `layer` and `head` or `neuron`: all of them, or the best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// The rows of a step, `NAME` or `NAME.PART`, such as `heuristics.neurons`.
    #[schemars(extend("x-refers-to" = "step-rows"))]
    pub from: String,
    /// Rows that count: each column's value, list of values, or comparison, as in a table.
    #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
    pub filter: IndexMap<String, Condition>,
    /// Column to order by, or arithmetic of columns such as `mean + std` (the paper's code), the largest first, where only some are taken.
    #[serde(default = "default_by")]
    pub by: String,
    /// Measure whose rows count. Left out: the rows have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<String>,
    /// How many are taken, the best first; all there are where those are fewer. Left out, and no `share`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub top: Option<usize>,
    /// The share of them that is taken, the best first, instead of `top`: 0.01 for the top 1 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub share: Option<f64>,
    /// Count `top` and `share` within each layer instead of over all.
    #[serde(default)]
    pub per_layer: bool,
    /// Take those of the rows on prompts of the same operator alone.
    #[serde(default = "default_true")]
    pub per_operator: bool,
}

/// What an ablated activation becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AblationValue {
    /// Its mean over prompts (paper §2.1).
    #[default]
    Mean,
    /// Zero.
    Zero,
    /// Its value on the counterfactual prompt.
    Resample,
}

/// What means are taken over. The paper's: all prompts with both operands in range, legal or not, the same number of each
/// operator, per position. Always prompts of the same template and number of tokens as those that are ablated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeanOver {
    /// Prompt set whose operands, operators and templates are taken (not its `keep`, `sample` and `seeds`): a name of
    /// `[prompt_sets.NAME]`. Left out: the step's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-refers-to" = "prompts"))]
    pub prompts: Option<String>,
    /// Whether prompts without a legal answer count.
    #[serde(default)]
    pub legality: Legality,
    /// Prompts per operator and template, drawn with `seed`; all there are of the operator with the fewest, if those are fewer.
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

/// What is left of the answer r. NL = logit(r) / largest logit (paper §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AblationMeasure {
    /// (NL(c) − NL(∅)) / (NL(M) − NL(∅)) (paper eq. 2): ∅ ablates all of `among`, M nothing.
    Faithfulness,
    /// logit(r) / largest logit.
    NormalizedLogit,
    /// logit(r).
    Logit,
    /// P(r).
    Probability,
    /// −ln P(r), in nats.
    CrossEntropy,
    /// KL(unedited ‖ edited) of the next token, in nats.
    Kl,
    /// Whether the arg-max is r.
    Accuracy,
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

fn components_schema_or_none(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let mut schema = components_schema(generator);
    schema.remove("minItems");
    schema
}
fn default_measures() -> Vec<AblationMeasure> {
    vec![AblationMeasure::Faithfulness, AblationMeasure::Accuracy]
}
fn default_true() -> bool {
    true
}
fn default_sample() -> usize {
    1000
}
fn default_seed() -> u64 {
    42
}
