//! Types of values, and what to write in place of a value of another type.

use super::place::SpecPlace;
use crate::spec::node::{Node, NodeContent, shortened};
use crate::spec::value_schema::ValueSchema;
use crate::spec::{nearest, overrides};

/// Whether a value is of a type that a schema takes.
pub(super) fn has_type(node: &Node, schema: ValueSchema) -> bool {
    let types = schema.types();
    let is = |name: &str| types.contains(&name);
    types.is_empty()
        || match &node.content {
            NodeContent::Text(_) => is("string"),
            NodeContent::Integer(_) => is("integer") || is("number"),
            NodeContent::Float(_) => is("number"),
            NodeContent::Boolean(_) => is("boolean"),
            NodeContent::Datetime(_) => false,
            NodeContent::List(_) => is("array"),
            NodeContent::Table(_) => is("object"),
            NodeContent::Unknown => true,
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
pub(super) fn table_advice(node: &Node, schema: ValueSchema, place: &SpecPlace) -> Option<String> {
    let key = place.key();
    if let Some(advice) = node.text().and_then(|text| overrides::with_quotes(&node.origin, text)) {
        return Some(advice);
    }
    match (schema.types().as_slice(), &node.content) {
        (["array"], NodeContent::Table(_)) => Some(format!("write [[{key}]]")),
        (["object"], NodeContent::List(_)) => Some(format!("write [{key}]")),
        (["array"], NodeContent::Text(text)) => Some(format!("write {key} = [\"{}\"]", shortened(text))),
        (["string"], NodeContent::Integer(number)) => Some(format!("write \"{number}\"")),
        (["string"], NodeContent::Boolean(truth)) => Some(format!("write \"{truth}\"")),
        (["boolean"], NodeContent::Text(_)) => Some("write true or false without quotes".into()),
        (["integer" | "number"], NodeContent::Text(text)) if text.parse::<f64>().is_ok() => {
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
