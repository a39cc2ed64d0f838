//! Types of values, and what to write in place of a value of another type.

use super::place::Place;
use crate::spec::node::{Content, Node, shortened};
use crate::spec::value_schema::ValueSchema;
use crate::spec::{nearest, overrides};

/// Whether a value is of a type that a schema takes.
pub(super) fn has_type(node: &Node, schema: ValueSchema) -> bool {
    let types = schema.types();
    let is = |name: &str| types.contains(&name);
    types.is_empty()
        || match &node.content {
            Content::Text(_) => is("string"),
            Content::Integer(_) => is("integer") || is("number"),
            Content::Float(_) => is("number"),
            Content::Boolean(_) => is("boolean"),
            Content::Datetime(_) => false,
            Content::List(_) => is("array"),
            Content::Table(_) => is("object"),
            Content::Unknown => true,
        }
}

/// The types that a schema takes, in words.
pub(super) fn type_name(schema: ValueSchema) -> String {
    let name = |name: &str| match name {
        "string" => "text",
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a table",
    };
    schema.types().into_iter().map(name).collect::<Vec<_>>().join(" or ")
}

/// How a table or a list of tables is written, where another value stands.
pub(super) fn table_advice(node: &Node, schema: ValueSchema, place: &Place) -> Option<String> {
    let key = place.key();
    if let Some(advice) = node.text().and_then(|text| overrides::with_quotes(&node.origin, text)) {
        return Some(advice);
    }
    match (schema.types().as_slice(), &node.content) {
        (["array"], Content::Table(_)) => Some(format!("write [[{key}]]")),
        (["object"], Content::List(_)) => Some(format!("write [{key}]")),
        (["array"], Content::Text(text)) => Some(format!("write {key} = [\"{}\"]", shortened(text))),
        (["string"], Content::Integer(number)) => Some(format!("write \"{number}\"")),
        (["string"], Content::Boolean(truth)) => Some(format!("write \"{truth}\"")),
        (["boolean"], Content::Text(_)) => Some("write true or false without quotes".into()),
        (["integer" | "number"], Content::Text(text)) if text.parse::<f64>().is_ok() => {
            Some(format!("write {} without quotes", shortened(text)))
        }
        _ => None,
    }
}

/// Which of the known texts to write.
pub(super) fn choices(text: &str, known: &[&str]) -> String {
    match nearest(text, known.iter().copied()) {
        Some(near) => format!("write \"{near}\""),
        None => format!("write {}", quoted(known)),
    }
}

/// Texts to choose from.
pub(super) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" or ")
}

/// A description as a part of a sentence.
pub(super) fn lower_sentence(text: &'static str) -> String {
    let text = text.trim_end_matches('.');
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}
