use super::fields::rows_step;
use super::shared::default_by;
use crate::spec::Condition;
use indexmap::IndexMap;

rows_step! {
    /// How much the most important neurons of one operator are those of another (paper figure 15): intersection over union of
    /// their top-k sets.
    NeuronOverlap {
        /// The rows of a step with an effect for each neuron and operator, `NAME` or `NAME.PART`; what several of them say of one
        /// neuron is averaged.
        #[schemars(extend("x-refers-to" = "step-rows"))]
        from: String,
        /// Rows that count: each column's value, list of values, or comparison, as in a table.
        #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
        filter: IndexMap<String, Condition>,
        /// Column to order by, or arithmetic of columns such as `mean + std` (the paper's code), the largest first.
        #[serde(default = "default_by")]
        by: String,
        /// Measure whose rows count. Left out: the rows have one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        measure: Option<String>,
        /// How many neurons each operator's set has, one comparison for each number.
        #[serde(default = "default_k")]
        #[schemars(length(min = 1), inner(range(min = 1)))]
        k: Vec<usize>,
        /// Take k of each layer, as the paper does, instead of k in all.
        #[serde(default = "default_true")]
        per_layer: bool,
    }
}

fn default_k() -> Vec<usize> {
    vec![200]
}
fn default_true() -> bool {
    true
}

rows_step! {
    /// How many of the last checkpoint's pairs of a heuristic and a neuron that matches it are there at each checkpoint (paper §5,
    /// figure 10a).
    HeuristicOverlap {
        /// A step of kind `heuristics` that runs on the checkpoints of a model.
        #[schemars(extend("x-refers-to" = "step"))]
        from: String,
    }
}
