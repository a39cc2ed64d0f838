//! Parts of a tokenizer as its file says them: its normaliser, and the rule that splits texts.

use serde::Serialize;
use serde_json::Value;

/// A part as its file says it; what cannot be said is no part that is known.
pub(super) fn json(part: Option<&impl Serialize>) -> Value {
    part.map_or(Value::Null, |part| serde_json::to_value(part).unwrap_or(Value::Bool(false)))
}

/// The kind of a part, by the name that files give it.
pub(super) fn kind(part: &Value) -> &str {
    part["type"].as_str().unwrap_or_default()
}

/// Whether a part is of a kind, or is a sequence that has one of that kind.
pub(super) fn has(part: &Value, wanted: &str) -> bool {
    let of = |key: &str| part[key].as_array().is_some_and(|parts| parts.iter().any(|part| has(part, wanted)));
    kind(part) == wanted || of("normalizers") || of("pretokenizers")
}
