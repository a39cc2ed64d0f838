//! `kind = "ablation"`.

use super::fields::step;
use super::mean::MeanOver;
use super::relations::relations;
use super::shared::{Counterfactual, all_positions, components_schema, default_by, heads_and_mlps};
use crate::measure::AblationMeasure;
use crate::spec::Condition;
use crate::spec::defaults::defaults;
use crate::spec::{ComponentPattern, Parsed, layers_of};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Replaces components, or all but a circuit, by their mean, zero or another prompt's, and measures what is left of the answer.
    ///
    /// With `ranked`, one circuit for each k: the k best by the rows of another step.
    ///
    /// Formula: faithfulness(c) = (NL(c) − NL(∅)) / (NL(M) − NL(∅)), NL = logit(r) / largest logit; ∅ ablates all of `among`, M nothing.
    ///
    /// Source: paper §2.1, eq. 2, and appendix A; Wang et al. 2023, Interpretability in the wild (arXiv 2211.00593).
    ///
    /// Limits: a component that matters only together with another, or whose work others take over once it is gone, looks unimportant alone.
    /// Zero is a value that the model may never have seen; the mean is closer to what it knows.
    ///
    /// ```toml
    /// [[step]]
    /// name  = "effects"
    /// kind  = "activation-patching"
    /// sites = ["z[head]"]
    ///
    /// [[step]]
    /// name       = "circuits"
    /// kind       = "ablation"
    /// mode       = "keep"
    /// components = ["L*MLP"]
    /// ranked     = { from = "effects", k = [0, 2, 4, 8] }
    /// measures   = ["faithfulness", "accuracy"]
    /// ```
    Ablation {
        /// `ablate` replaces the components. `keep` replaces every component of `among` except these.
        #[serde(default)]
        mode: AblationMode,
        /// Components: `L15H13`, `L3MLP`, `L3N17`, or sets such as `L*MLP`. May be empty where `listed` or `ranked` add some.
        #[serde(default)]
        #[schemars(schema_with = "components_schema_or_none")]
        components: Vec<Parsed<ComponentPattern>>,
        /// Further components, named by the rows of steps.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        listed: Vec<Listed>,
        /// Everything that can be ablated. The empty circuit ∅ ablates all of it; with `keep`, a circuit ablates all of it but
        /// itself. Components of `ranked` outside of it are passed over.
        #[serde(default = "heads_and_mlps")]
        #[schemars(schema_with = "components_schema")]
        among: Vec<Parsed<ComponentPattern>>,
        /// Further components, by a ranking: one ablation for each k, with the k best.
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
        /// Where: at all of these positions together.
        positions = "all_positions",
        measures(AblationMeasure, "default_measures"),
        /// Leave out prompts whose answer is 0, as the paper's code does for faithfulness.
        #[serde(default)]
        skip_zero_answers: bool,
        per_prompt,
        bootstrap,
        test,
        /// Controls beside each set of components. `"random-matched"` also ablates random sets, with as many heads and
        /// as many neurons in each layer (with `keep`, drawn from `among`); the columns `control_mean`, `control_low`
        /// and so on say what these do. A table sets draws and seed, `{ draws = 10, seed = 0 }`. `"none"` leaves
        /// controls out. If a layer has no other units, as for whole MLPs, the named ones stay in the set.
        control,
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
    /// The rows of a step, `NAME` or `NAME.PART`; several rows of one component are averaged.
    #[schemars(extend("x-refers-to" = "step-rows"))]
    pub from: String,
    /// Rows that count: each column's value, list of values, or comparison, as in a table.
    #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
    pub filter: IndexMap<String, Condition>,
    /// Column to order by, or arithmetic of columns such as `mean + std` (the paper's code), the largest first.
    #[serde(default = "default_by")]
    pub by: String,
    /// Measure whose rows count. Left out: the rows have one.
    pub measure: Option<String>,
    /// How many are added, one ablation for each number.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
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
    pub measure: Option<String>,
    /// How many are taken, the best first; all there are where those are fewer. Left out, and no `share`: all.
    #[schemars(range(min = 1))]
    pub top: Option<usize>,
    /// The share of them that is taken, the best first, instead of `top`: 0.01 for the top 1 %.
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

impl Ablation {
    /// `among` where it is left out.
    pub(crate) fn default_among() -> Vec<Parsed<ComponentPattern>> {
        heads_and_mlps()
    }
}

fn components_schema_or_none(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let mut schema = components_schema(generator);
    schema.remove("minItems");
    schema
}
defaults! {
    default_measures: Vec<AblationMeasure> = vec![AblationMeasure::Faithfulness, AblationMeasure::Accuracy];
    default_true: bool = true;
}

relations! { Ablation |step|
    reads: {
        let ranked = step.ranked.iter().map(|ranked| ranked.from.as_str());
        ranked.chain(step.listed.iter().map(|listed| listed.from.as_str())).collect()
    };
    counterfactual: &step.counterfactual;
    mean: (step.value == AblationValue::Mean).then_some(&step.mean);
    layers: [layers_of(&step.components), layers_of(&step.among)].concat();
}
