use crate::spec::Condition;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The smallest k that reaches a share of the best, from the rows of another step: how many neurons are enough (paper §3.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Smallest {
    /// Name of the step.
    #[schemars(extend("format" = "name"), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// Steps to run before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-refers-to" = "step"))]
    pub needs: Vec<String>,
    /// The step whose rows it reads, or further rows of it: `circuits`, `circuits.prompts`.
    #[schemars(extend("x-refers-to" = "step-rows"))]
    pub from: String,
    /// Rows to keep: each column's value, list of values, or comparison.
    #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
    pub filter: IndexMap<String, Condition>,
    /// Measure whose rows count. Left out: the rows have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<String>,
    /// Column whose combinations each have a smallest number. Left out: `model`, `checkpoint`, `step`, `template`, `operator`,
    /// those of them that the rows have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("uniqueItems" = true))]
    pub group_by: Vec<String>,
    /// Column of the number that is to be small.
    #[serde(default = "default_x")]
    pub x: String,
    /// Column of what it reaches, the larger the better.
    #[serde(default = "default_y")]
    pub y: String,
    /// Share of the best `y` that is enough.
    #[serde(default = "default_share")]
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    pub share: f64,
}

fn default_x() -> String {
    "k".into()
}
fn default_y() -> String {
    "mean".into()
}
fn default_share() -> f64 {
    0.95
}

impl super::Common for Smallest {
    fn name(&self) -> &str {
        &self.name
    }
    fn models(&self) -> Option<&[String]> {
        None
    }
    fn prompts(&self) -> Option<&str> {
        None
    }
    fn needs(&self) -> &[String] {
        &self.needs
    }
}
