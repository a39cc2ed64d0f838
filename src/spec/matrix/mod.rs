//! `[matrix]`: one spec, and variants of it that differ in a few keys.

mod axis;
mod combinations;
mod label;

pub use label::VariantLabel;

pub(super) use combinations::{Combination, MatrixReading, Setting, combinations};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Variants of the spec: one for each combination of the axes' values. Every other key here is an axis: a name, which is the
/// column of it in the rows, with the key that varies and its values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("propertyNames" = { "format": "name", "pattern": "^[A-Za-z0-9_-]+$" }))]
pub struct Matrix {
    /// Variants that are left out: each entry names a value of one axis, or of several, and leaves out those that have them all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "entries_schema")]
    pub exclude: Vec<IndexMap<String, toml::Value>>,
    /// Further variants: each entry names a value of every axis, which need not be among the axis's values. With `set`, a part of
    /// a spec, it may name fewer axes, and those variants that have these values get what is under `set`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "entries_schema")]
    pub include: Vec<IndexMap<String, toml::Value>>,
    /// The axes, the first one outermost.
    #[serde(flatten)]
    pub axes: IndexMap<String, Axis>,
}

fn entries_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "array", "items": { "type": "object", "minProperties": 1 } })
}

/// An axis of a matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// The key that takes the values: `"model.dtype"`, `"step.effects.positions"`. Left out: each value is a part of a spec, with
    /// any keys of models, prompts and steps.
    #[schemars(length(min = 1))]
    pub key: Option<String>,
    /// A list of values, or a table of values by the names that they get in the rows.
    #[schemars(schema_with = "values_schema")]
    pub values: toml::Value,
}

fn values_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "description": "A list of values, or a table of them by name.",
        "anyOf": [{ "type": "array", "minItems": 1 }, { "type": "object", "minProperties": 1 }],
    })
}
