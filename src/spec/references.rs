//! Which keys of steps and tables hold names of other things in the spec: what the schema says with `x-refers-to`.

use super::{schema, step};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefersTo {
    /// A step.
    Step,
    /// A step, further rows of one (`STEP.prompts`), or a table.
    Rows,
    /// A model.
    Model,
    /// A prompt set.
    Prompts,
}

/// A key that holds a name, or several: where it is, with [`ANY`] for every entry of a list or table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferringKey {
    /// Keys from the step or table on.
    pub path: Vec<String>,
    /// What it names.
    pub to: RefersTo,
}

/// Every entry of a list or of a table with keys of any name.
pub const ANY: &str = "*";

/// Schemas refer to each other; no spec is deeper.
const DEEPEST: usize = 16;

/// The keys of a kind of step that hold names.
pub fn of_step(kind: &str) -> &'static [ReferringKey] {
    static BY_KIND: LazyLock<HashMap<String, Vec<ReferringKey>>> = LazyLock::new(|| {
        let kinds = schema::resolved().pointer("/$defs/Step/oneOf").and_then(Value::as_array);
        let kind = |schema: &Value| Some(schema.pointer("/properties/kind/const")?.as_str()?.to_string());
        kinds.into_iter().flatten().filter_map(|schema| Some((kind(schema)?, found(schema)))).collect()
    });
    debug_assert!(step::KINDS.iter().all(|kind| BY_KIND.contains_key(*kind)), "the schema of steps has another form");
    BY_KIND.get(kind).map_or(&[], Vec::as_slice)
}

/// The keys of a table that hold names.
pub fn of_table() -> &'static [ReferringKey] {
    static TABLE: LazyLock<Vec<ReferringKey>> =
        LazyLock::new(|| schema::resolved().pointer("/$defs/Table").map(found).unwrap_or_default());
    &TABLE
}

fn found(schema: &Value) -> Vec<ReferringKey> {
    let mut keys = Vec::new();
    walk(schema, &mut Vec::new(), &mut keys);
    keys
}

fn walk(schema: &Value, path: &mut Vec<String>, keys: &mut Vec<ReferringKey>) {
    if path.len() > DEEPEST {
        return;
    }
    let to = match schema.get("x-refers-to").and_then(Value::as_str) {
        Some("step") => Some(RefersTo::Step),
        Some("rows" | "step-rows") => Some(RefersTo::Rows),
        Some("model") => Some(RefersTo::Model),
        Some("prompts") => Some(RefersTo::Prompts),
        _ => None,
    };
    if let Some(to) = to {
        let key = ReferringKey { path: path.clone(), to };
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let definition = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
    if let Some(definition) = definition.and_then(|pointer| schema::resolved().pointer(pointer)) {
        walk(definition, path, keys);
    }
    for list in ["anyOf", "oneOf", "allOf"] {
        for schema in schema.get(list).and_then(Value::as_array).into_iter().flatten() {
            walk(schema, path, keys);
        }
    }
    for (key, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        below(key, schema, path, keys);
    }
    for list in ["items", "additionalProperties"] {
        if let Some(schema) = schema.get(list).filter(|schema| schema.is_object()) {
            below(ANY, schema, path, keys);
        }
    }
}

fn below(key: &str, schema: &Value, path: &mut Vec<String>, keys: &mut Vec<ReferringKey>) {
    path.push(key.to_string());
    walk(schema, path, keys);
    path.pop();
}
