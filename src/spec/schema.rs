//! The JSON schema of a spec, made from the types: what `ablate schema` prints and what the checker walks.
//!
//! Beyond JSON Schema's own keywords, strings may carry a `format` that [`super::check`] knows (`name`, `range`,
//! `template`, …), and names that must exist `x-refers-to` (`step`, `rows`, `model`, `prompts`).

use super::Spec;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The schema of a resolved spec: entries of `models` and `prompt_sets` are complete, `extends` is gone.
pub(super) fn resolved() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let mut schema = schemars::schema_for!(Spec).to_value();
        drop_null(&mut schema);
        schema
    });
    &SCHEMA
}

/// The schema of a spec file, for editors: entries of `models` and `prompt_sets` may leave out what they take from
/// `[model]` and `[prompts]`, and a file that `extends` another need not have every key.
pub fn schema() -> Value {
    let mut schema = resolved().clone();
    for (list, definition, partial) in
        [("models", "Model", "PartialModel"), ("prompt_sets", "Prompts", "PartialPrompts")]
    {
        let Some(mut part) = schema.pointer(&format!("/$defs/{definition}")).cloned() else { continue };
        if let Some(part) = part.as_object_mut() {
            part.remove("required");
        }
        schema["$defs"][partial] = part;
        schema["properties"][list]["additionalProperties"] = json!({ "$ref": format!("#/$defs/{partial}") });
    }
    if let Some(required) = schema.as_object_mut().and_then(|schema| schema.remove("required")) {
        schema["if"] = json!({ "not": { "required": ["extends"] } });
        schema["then"] = json!({ "required": required });
    }
    schema
}

/// TOML has no null: a key that may be left out has the type of its value.
fn drop_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
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
