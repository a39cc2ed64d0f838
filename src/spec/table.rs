//! `[[table]]`: what to select, filter, join, group, aggregate, pivot and sort from a step's rows. Applied in that order:
//! `where`, `join`, `derive`, `group_by` + `aggregate`, `pivot`, `sort`, `select`, `head`.

use super::arithmetic::Arithmetic;
use super::expression::Aggregate;
use super::{Condition, Parsed};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A table made from the rows of a step, or from another table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Name of the table; its files are `tables/NAME.csv` and `tables/NAME.parquet`.
    #[schemars(extend("format" = "name"), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// The step or table whose rows it reads: `accuracy`, or `accuracy.set` for the prompts of that step.
    #[schemars(extend("x-refers-to" = "rows"))]
    pub from: String,
    /// Heading in the report.
    pub title: Option<String>,
    /// Rows to keep: each column's value, list of values, or comparison.
    #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
    pub filter: IndexMap<String, Condition>,
    /// Brings in the columns of other rows, or keeps the rows that others have too.
    pub join: Option<Join>,
    /// New columns, one number per row: `drop = "before - after"`; columns, numbers, `+ - * /` and parentheses. One may use
    /// those above it. A column whose name is more than letters, digits, `_` and `.` stands between backticks.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(schema_with = "derived_schema")]
    pub derive: IndexMap<String, Parsed<Arithmetic>>,
    /// Columns whose combinations make the groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<String>,
    /// New columns, one value per group: `rate = "mean(correct)"`; functions mean, std, sem, min, max, sum, median, count,
    /// quantile(x, q), ci_low(x), ci_high(x) (95 % normal interval of the mean).
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(schema_with = "aggregates_schema")]
    pub aggregate: IndexMap<String, Parsed<Aggregate>>,
    /// Turns one column's values into columns.
    pub pivot: Option<Pivot>,
    /// Columns to sort by, in order; `-rate` for descending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sort: Vec<String>,
    /// Columns to keep, in this order. Left out: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<String>,
    /// Keep only this many rows.
    #[schemars(range(min = 1))]
    pub head: Option<usize>,
    /// Decimals shown in the report (the files hold full precision).
    #[serde(default = "default_decimals")]
    #[schemars(range(max = 12))]
    pub decimals: usize,
}

fn aggregates_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "additionalProperties": { "type": "string", "format": "aggregate" },
    })
}

fn derived_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "additionalProperties": { "type": "string", "format": "arithmetic" },
    })
}

fn default_decimals() -> usize {
    3
}

/// One row per combination of `index`, one column per value of `on`, filled from `values`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pivot {
    /// Columns that stay.
    pub index: Vec<String>,
    /// Column whose values become column names.
    pub on: String,
    /// Column that fills them.
    pub values: String,
}

/// Puts rows of another step or table beside those of this one that have the same values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The step or table whose rows are joined.
    #[schemars(extend("x-refers-to" = "rows"))]
    pub with: String,
    /// Columns of both whose values must be the same. A null matches nothing.
    #[schemars(length(min = 1))]
    pub on: Vec<String>,
    /// Which rows are kept.
    #[serde(default)]
    pub how: JoinHow,
    /// What is put after the name of a joined column where this table has a column of that name.
    #[serde(default = "default_suffix")]
    #[schemars(length(min = 1))]
    pub suffix: String,
}

fn default_suffix() -> String {
    "_right".into()
}

/// Which rows a join keeps. Their order is that of the table's own rows; a row that several others match is there once for
/// each, in the order of those.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JoinHow {
    /// Those that another matches, with its columns.
    #[default]
    Inner,
    /// All, with the columns of those that match, or nulls.
    Left,
    /// Those that another matches, once each and without its columns.
    Semi,
}
