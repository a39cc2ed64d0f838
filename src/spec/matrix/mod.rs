//! `[matrix]`: one spec, and variants of it that differ in a few keys.

mod axis;
mod combinations;
mod label;

pub use label::Label;

pub(super) use combinations::{Combination, Read, Setting, combinations};

use super::load::Loaded;
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub key: Option<String>,
    /// The values: a list, or a table of them by what they are called in the rows.
    #[schemars(schema_with = "values_schema")]
    pub values: toml::Value,
}

fn values_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "description": "A list of values, or a table of them by name.",
        "anyOf": [{ "type": "array", "minItems": 1 }, { "type": "object", "minProperties": 1 }],
    })
}

/// The variants of a spec.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Names of the axes.
    pub axes: Vec<String>,
    /// In the order of the axes' values, those that were included last.
    pub variants: Vec<Variant>,
}

/// A spec with one combination of the axes' values laid over it.
#[derive(Debug, Clone)]
pub struct Variant {
    /// `dtype=bf16,sample=50`.
    pub name: String,
    /// What its values are called, one per axis.
    pub labels: Vec<Label>,
    /// The spec.
    pub loaded: Loaded,
    /// The keys that were laid over it.
    pub(super) reach: Vec<Reach>,
}

/// A key of a variant that the matrix has set.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// The axes that it depends on.
    pub axes: Vec<usize>,
    /// The key, entries of lists by name.
    pub path: Vec<String>,
}

impl Variant {
    /// The name of the variants that have these labels: `dtype=bf16`, of the axes in `of` alone.
    pub fn name_of(axes: &[String], labels: &[Label], of: &[usize]) -> String {
        let parts = of.iter().filter_map(|&axis| Some(format!("{}={}", axes.get(axis)?, labels.get(axis)?)));
        parts.collect::<Vec<_>>().join(",")
    }

    /// The axes that a key at or below one of these, or above it, depends on.
    pub fn axes_at(&self, keys: &[Vec<String>]) -> Vec<usize> {
        let same = |a: &[String], b: &[String]| a.iter().zip(b).all(|(a, b)| a == b);
        let reached = self.reach.iter().filter(|reach| keys.iter().any(|key| same(key, &reach.path)));
        reached.flat_map(|reach| reach.axes.iter().copied()).collect()
    }
}
