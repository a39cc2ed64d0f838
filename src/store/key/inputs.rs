//! What a key is made of, as JSON: the same text for the same things, in the order that results depend on.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use toml::Value;

/// Everything that a step's results depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Version of keys themselves.
    pub format: u32,
    /// The program: the version of a release, SHA-256 of the executable of any other build.
    pub build: String,
    /// The processor's instruction sets.
    pub processor: String,
    /// The step's kind and its version.
    pub step: String,
    /// The models that it runs, in order.
    pub models: Vec<Json>,
    /// Its parameters, with its prompts and the rows that it reads in place of their names.
    pub parameters: Json,
}

/// A value as JSON, which is another for another value; the order of keys is kept.
pub fn json(value: &Value) -> Json {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) if number.is_finite() => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Array(list) => list.iter().map(json).collect(),
        Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
        // JSON has neither dates nor infinities.
        other => Json::from_iter([(other.type_str(), other.to_string())]),
    }
}
