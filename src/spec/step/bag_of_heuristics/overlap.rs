//! `kind = "neuron-overlap"` and `"heuristic-overlap"`.

use crate::spec::Condition;
use crate::spec::defaults::defaults;
use crate::spec::step::fields::step;
use crate::spec::step::relations::relations;
use crate::spec::step::shared::default_by;
use indexmap::IndexMap;

step! {
    /// How much the most important neurons of one operator are those of another.
    ///
    /// Formula: |A ∩ B| / |A ∪ B| of two operators' top-k sets.
    ///
    /// Source: paper §3.1, figure 15; Jaccard 1912.
    ///
    /// Limits: two sets of k of N neurons drawn at random overlap too, by about k / (2N − k): compare with that.
    ///
    /// ```toml
    /// [[step]]
    /// name = "effects"
    /// kind = "neuron-patching"
    ///
    /// [[step]]
    /// name = "overlap"
    /// kind = "neuron-overlap"
    /// from = "effects"
    /// k    = [10, 20]
    /// ```
    NeuronOverlap on rows {
        /// The rows of a step with an effect for each neuron and operator, `NAME` or `NAME.PART`; several rows of one
        /// neuron are averaged.
        #[schemars(extend("x-refers-to" = "step-rows"))]
        from: String,
        /// Rows that count: each column's value, list of values, or comparison, as in a table.
        #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
        filter: IndexMap<String, Condition>,
        /// Column to order by, or arithmetic of columns such as `mean + std` (the paper's code), the largest first.
        #[serde(default = "default_by")]
        by: String,
        /// Measure whose rows count. Left out: the rows have one.
        measure: Option<String>,
        /// How many neurons each operator's set has, one comparison for each number.
        #[serde(default = "default_k")]
        #[schemars(length(min = 1), inner(range(min = 1)), extend("uniqueItems" = true))]
        k: Vec<usize>,
        /// Take k of each layer, as the paper does, instead of k in all.
        #[serde(default = "default_true")]
        per_layer: bool,
    }
}

defaults! {
    default_k: Vec<usize> = vec![200];
    default_true: bool = true;
}

step! {
    /// Which of the last checkpoint's heuristics are there at each checkpoint.
    ///
    /// A pair of a neuron and a heuristic is there if that neuron matches that heuristic.
    ///
    /// Formula: |pairs at the checkpoint ∩ pairs at the last| / |pairs at the last|.
    ///
    /// Source: paper §5, figure 10a.
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
    ///
    /// [[step]]
    /// name = "overlap"
    /// kind = "heuristic-overlap"
    /// from = "heuristics"
    /// ```
    HeuristicOverlap on rows {
        /// A step of kind `heuristics` that runs on the checkpoints of a model.
        #[schemars(extend("x-refers-to" = "step"))]
        from: String,
    }
}

relations! { NeuronOverlap |step| reads: vec![&step.from]; }

relations! { HeuristicOverlap |step| reads: vec![&step.from]; }
