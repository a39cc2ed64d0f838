//! `[[expect]]`: a number that is expected of the results, and where it is from.

use super::Condition;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number that a row of a step or table is expected to have: the report shows it beside the row's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Name of the expectation.
    #[schemars(extend("format" = "name"), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// The step or table whose row it is about.
    #[schemars(extend("x-refers-to" = "rows"))]
    pub from: String,
    /// The row: each column's value, list of values, or comparison. Exactly one row must meet them.
    #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
    pub filter: IndexMap<String, Condition>,
    /// Column that has the number.
    pub value: String,
    /// The number that is expected, give or take `tolerance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<f64>,
    /// How far from `is` a number may be and still agree, in the number's own unit; 0 for the number itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub tolerance: Option<f64>,
    /// The smallest number that agrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// The largest number that agrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// The model it is expected of: a name of `[known.NAME]`. Of another model the numbers are shown and not judged. Left out:
    /// of any model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-refers-to" = "known"))]
    pub model: Option<String>,
    /// Where the number is from: `table 1`, a paper's section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub source: Option<String>,
}

impl Expectation {
    /// Whether a number agrees. A NaN agrees with nothing.
    pub fn holds(&self, number: f64) -> bool {
        let near = self.is.is_none_or(|is| {
            // 0.95 is 0.02 from 0.97, though not by the last bit of their difference.
            let rounding = 4.0 * f64::EPSILON * (is.abs() + number.abs());
            (number - is).abs() <= self.tolerance.unwrap_or(0.0) + rounding
        });
        near && self.at_least.is_none_or(|least| number >= least) && self.at_most.is_none_or(|most| number <= most)
    }
}

/// What is expected: `0.97 ± 0.02`, `≥ 0.5`, `0.5 to 0.6`.
impl std::fmt::Display for Expectation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.is, self.at_least, self.at_most) {
            (Some(is), ..) => match self.tolerance {
                Some(tolerance) if tolerance > 0.0 => write!(f, "{is} ± {tolerance}"),
                _ => write!(f, "{is}"),
            },
            (None, Some(least), Some(most)) => write!(f, "{least} to {most}"),
            (None, Some(least), None) => write!(f, "≥ {least}"),
            (None, None, Some(most)) => write!(f, "≤ {most}"),
            (None, None, None) => f.write_str("anything"),
        }
    }
}
