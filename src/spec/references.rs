//! Which keys of steps and tables hold names of other things in the spec: what the schema says with `x-refers-to`.

use super::step;
use super::value_schema::ValueSchema;
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
    static BY_KIND: LazyLock<HashMap<&str, Vec<ReferringKey>>> = LazyLock::new(|| {
        let kinds = ValueSchema::named("Step").and_then(ValueSchema::kinds).map(|(_, kinds)| kinds).unwrap_or_default();
        kinds.into_iter().map(|(kind, shape)| (kind, found(shape))).collect()
    });
    debug_assert!(step::KINDS.iter().all(|kind| BY_KIND.contains_key(*kind)), "the schema of steps has another form");
    BY_KIND.get(kind).map_or(&[], Vec::as_slice)
}

/// The keys of a table that hold names.
pub fn of_table() -> &'static [ReferringKey] {
    static TABLE: LazyLock<Vec<ReferringKey>> =
        LazyLock::new(|| ValueSchema::named("Table").map(found).unwrap_or_default());
    &TABLE
}

fn found(shape: ValueSchema) -> Vec<ReferringKey> {
    let mut keys = Vec::new();
    walk(shape, &mut Vec::new(), &mut keys);
    keys
}

fn walk(shape: ValueSchema, path: &mut Vec<String>, keys: &mut Vec<ReferringKey>) {
    if path.len() > DEEPEST {
        return;
    }
    let to = match shape.text("x-refers-to") {
        Some("step") => Some(RefersTo::Step),
        Some("rows" | "step-rows") => Some(RefersTo::Rows),
        Some("model") => Some(RefersTo::Model),
        Some("prompts") => Some(RefersTo::Prompts),
        _ => None,
    };
    if let Some(key) = to.map(|to| ReferringKey { path: path.clone(), to }).filter(|key| !keys.contains(key)) {
        keys.push(key);
    }
    shape.any_of().into_iter().chain(shape.one_of()).for_each(|shape| walk(shape, path, keys));
    let entries = [shape.items(), shape.values()].into_iter().flatten().map(|shape| (ANY, shape));
    for (key, shape) in shape.keys().into_iter().chain(entries) {
        path.push(key.to_string());
        walk(shape, path, keys);
        path.pop();
    }
}
