//! The JSON schema of a spec, made from the types: what `ablate schema` prints and what the checker walks.
//!
//! Beyond JSON Schema's own keywords, strings may carry a `format` that [`super::check`] knows (`name`, `range`,
//! `template`, …), and names that must exist `x-refers-to` (`step`, `step-rows`: a step or
//! `STEP.PART`, `rows`: that or a table, `model`, `prompts`, `known`).

use super::Spec;
use super::merge::NAMED_LISTS;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// The schema of a resolved spec: entries of `models` and `prompt_sets` are complete, `extends` is gone.
pub(crate) fn resolved() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let mut schema = schemars::schema_for!(Spec).to_value();
        drop_null(&mut schema);
        schema
    });
    &SCHEMA
}

/// The schema of a spec file, for editors: entries of `models` and `prompt_sets` may leave out what they take from
/// `[model]` and `[prompts]`, and a file that `extends` another, or has no `title` and so is a part of a spec (a base, a profile),
/// every key but the `name` of the entries that it changes.
pub fn schema() -> Value {
    let mut schema = resolved().clone();
    let Some(Value::Object(definitions)) = schema.get_mut("$defs").map(Value::take) else { return schema };
    let mut parts = SchemaParts { definitions, done: Map::new() };
    let mut whole = parts.relax(&mut schema);
    for list in ["models", "prompt_sets"] {
        parts.relax(&mut schema["properties"][list]["additionalProperties"]);
    }
    for list in NAMED_LISTS {
        let items = &mut schema["properties"][list]["items"];
        whole["properties"][list] = json!({ "items": parts.relax(items) });
        parts.require_name(items);
    }
    schema["$defs"] = Value::Object(parts.definitions);
    schema["if"] = json!({ "required": ["title"], "not": { "required": ["extends"] } });
    schema["then"] = whole;
    schema
}

/// What tables must have, taken out of their schemas.
struct SchemaParts {
    definitions: Map<String, Value>,
    /// What was taken out of definitions already: several places may refer to one.
    done: Map<String, Value>,
}

impl SchemaParts {
    /// Makes a table, and the tables in it, ones that may leave out any key, as those that merge with others key by key. What
    /// they must have when they are whole is returned as a schema of its own. Lists are replaced as a whole: theirs stays.
    fn relax(&mut self, schema: &mut Value) -> Value {
        if let Some(name) = definition(schema) {
            if let Some(done) = self.done.get(&name) {
                return done.clone();
            }
            let mut definition = self.definitions.get(&name).cloned().unwrap_or_default();
            let whole = self.relax(&mut definition);
            self.definitions.insert(name.clone(), definition);
            self.done.insert(name, whole.clone());
            return whole;
        }
        let mut whole = json!({});
        let Some(object) = schema.as_object_mut() else { return whole };
        if let Some(required) = object.remove("required") {
            whole["required"] = required;
        }
        for (key, schema) in object.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            let below = match schema.get("const") {
                // What tells the kinds of a table apart.
                Some(_) => schema.clone(),
                None => self.relax(schema),
            };
            if below != json!({}) {
                whole["properties"][key] = below;
            }
        }
        if let Some(Value::Array(mut kinds)) = object.get("oneOf").filter(|kinds| are_tables(kinds)).cloned() {
            whole["oneOf"] = kinds.iter_mut().map(|kind| self.relax(kind)).collect();
            // One that does not say its kind may be of any.
            object.remove("oneOf");
            object.insert("anyOf".into(), Value::Array(kinds));
        }
        whole
    }

    fn require_name(&mut self, schema: &mut Value) {
        let table = match definition(schema).and_then(|name| self.definitions.get_mut(&name)) {
            Some(definition) => definition,
            None => schema,
        };
        let kinds = table.get_mut("anyOf").and_then(Value::as_array_mut);
        match kinds {
            Some(kinds) => kinds.iter_mut().for_each(|kind| kind["required"] = json!(["name"])),
            None => table["required"] = json!(["name"]),
        }
    }
}

/// The name in `$defs` that a schema refers to.
fn definition(schema: &Value) -> Option<String> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/").map(String::from)
}

fn are_tables(kinds: &Value) -> bool {
    kinds.as_array().is_some_and(|kinds| kinds.iter().all(|kind| kind.get("properties").is_some()))
}

/// TOML has no null: a key that may be left out has the type of its value.
fn drop_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    object["type"] = only.clone();
                }
            }
            if let Some(Value::Array(branches)) = object.get_mut("anyOf") {
                branches.retain(|branch| branch.get("type").is_none_or(|name| name != "null"));
                if let [Value::Object(only)] = branches.as_slice() {
                    let only = only.clone();
                    object.remove("anyOf");
                    object.extend(only.into_iter().filter(|(key, _)| key != "description"));
                }
            }
            object.values_mut().for_each(drop_null);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_null),
        _ => {}
    }
}
