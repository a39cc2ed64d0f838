//! `kind = "smallest"`.

use super::fields::step;
use super::relations::relations;
use crate::spec::Condition;
use crate::spec::defaults::defaults;
use indexmap::IndexMap;

step! {
    /// The smallest number of something that reaches a share of the best, from the rows of another step.
    ///
    /// Formula: min { x : y(x) ≥ share · max y }, in each group of rows.
    ///
    /// Source: paper §3.1: how many neurons are enough.
    ///
    /// Limits: it is the smallest of the numbers that were tried. A noisy `y` has its maximum where the noise is
    /// largest.
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
    ///
    /// [[step]]
    /// name    = "enough"
    /// kind    = "smallest"
    /// from    = "circuits"
    /// measure = "faithfulness"
    /// ```
    Smallest on rows {
        /// The step whose rows it reads, or further rows of it: `circuits`, `circuits.prompts`.
        #[schemars(extend("x-refers-to" = "step-rows"))]
        from: String,
        /// Rows to keep: each column's value, list of values, or comparison.
        #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
        filter: IndexMap<String, Condition>,
        /// Measure whose rows count. Left out: the rows have one.
        measure: Option<String>,
        /// Columns: each combination of their values has a smallest number. Left out: `model`, `checkpoint`, `step`,
        /// `template`, `operator`, those of them that the rows have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(extend("uniqueItems" = true))]
        group_by: Vec<String>,
        /// Column of the number that is to be small.
        #[serde(default = "default_x")]
        x: String,
        /// Column of what it reaches, the larger the better.
        #[serde(default = "default_y")]
        y: String,
        /// Share of the best `y` that is enough.
        #[serde(default = "default_share")]
        #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
        share: f64,
    }
}

defaults! {
    default_x: String = "k".into();
    default_y: String = "mean".into();
    default_share: f64 = 0.95;
}

relations! { Smallest |step| reads: vec![&step.from]; }
