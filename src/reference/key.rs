//! The keys of a table of the schema, in words.

use super::about::DocComment;
use crate::spec::{self, ValueSchema};
use serde_json::Value;

/// A key that a table may have.
#[derive(Debug, Clone, PartialEq)]
pub struct SpecKey {
    /// As a spec writes it.
    pub name: String,
    /// What its value is, in words: `list of sites`.
    pub kind: String,
    /// Whether it must be there.
    pub required: bool,
    /// The default as TOML.
    pub default: Option<String>,
    /// What it means.
    pub about: DocComment,
    /// The words that it may have, where there is a fixed choice.
    pub choices: Vec<KeyChoice>,
    /// The table that its value is, or that its values are.
    pub table: Option<ValueSchema>,
    /// How its values are written, of those with a syntax of their own.
    pub written: Option<&'static str>,
}

/// A word that a key may have.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyChoice {
    /// As a spec writes it.
    pub name: String,
    /// What it means.
    pub about: DocComment,
}

/// The keys of a table, but for what tells kinds apart.
pub(super) fn keys(table: ValueSchema) -> Vec<SpecKey> {
    let own = table.keys().into_iter().filter(|(_, shape)| shape.get("const").is_none());
    own.map(|(name, shape)| key(name, shape, table.required().any(|key| key == name))).collect()
}

fn key(name: &str, shape: ValueSchema, required: bool) -> SpecKey {
    let inner = innermost(shape);
    SpecKey {
        name: name.to_string(),
        kind: kind(shape),
        required,
        default: shape.get("default").map(toml),
        about: DocComment::read(shape.description().unwrap_or_default()),
        choices: choices(inner),
        table: Some(inner).filter(|inner| inner.get("properties").is_some()),
        written: inner.text("format").and_then(written),
    }
}

/// How sites, components and layers are written.
fn written(format: &str) -> Option<&'static str> {
    match format {
        "site" => Some(
            "a hook (`ablate list hooks`), behind layers: `z` or `*.z` (all), `3.z`, `24..30.z` (24 to 29: the end of a range is excluded), \
             `{0,3,8..12}.z`, `{probes}.z` (those that the step probes of kind \"probe\" finds); with units behind it: `z[head]`, `z[0..4]`",
        ),
        "component" => Some(
            "`L15H13` (a head), `L3MLP`, `L3N17` (a neuron), or sets: `L*H*`, `L24..30MLP` (24 to 29: the end of a range is excluded), \
             `L{0,3,8..12}MLP`, `L{probes}N*` (the layers that the step probes of kind \"probe\" finds)",
        ),
        "layers" => Some(
            "`*` (all), `3`, `24..30` (24 to 29: the end of a range is excluded), `{0,3,8..12}`, or `{probes}` (those that the step probes of \
             kind \"probe\" finds)",
        ),
        _ => None,
    }
}

/// What a value may be, or the values in the list or table that it is.
pub(super) fn innermost(shape: ValueSchema) -> ValueSchema {
    shape.items().or_else(|| shape.values()).unwrap_or(shape)
}

/// The words of a fixed choice.
pub(super) fn choices(shape: ValueSchema) -> Vec<KeyChoice> {
    let choice = |(word, shape): (&str, ValueSchema)| KeyChoice {
        name: word.to_string(),
        about: DocComment::read(shape.description().unwrap_or_default()),
    };
    shape.words().into_iter().map(choice).collect()
}

/// A type in words.
fn kind(shape: ValueSchema) -> String {
    match shape.name() {
        Some("PositionName") => return "position".into(),
        Some("Condition") => return "condition".into(),
        Some("Word") => return "word".into(),
        Some("SlotWords") => return "list of words, or the name of a slot".into(),
        Some("Rows") => return "list of tables of words, or a file of them".into(),
        _ => {}
    }
    if !shape.one_of().is_empty() {
        return "choice".into();
    }
    let branches = shape.any_of();
    if !branches.is_empty() {
        return branches.into_iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match (shape.text("type"), shape.text("format")) {
        (Some("boolean"), _) => "true or false".into(),
        (Some("integer"), _) => format!("integer{}", range(shape)),
        (Some("number"), _) => format!("number{}", range(shape)),
        (Some("string"), format) => {
            shape.text("x-refers-to").map_or_else(|| format.map_or("text", in_words), named_thing).into()
        }
        (Some("array"), _) => {
            let items = match (shape.text("x-refers-to"), shape.items()) {
                (Some(to), _) => plural(named_thing(to)),
                (None, Some(items)) => plural(&kind(items)),
                (None, None) => "values".into(),
            };
            match (shape.number("minItems"), shape.number("maxItems")) {
                (Some(least), Some(most)) if least == most => format!("{least} {items}"),
                _ => format!("list of {items}"),
            }
        }
        (Some("object"), _) => match shape.values() {
            Some(below) => format!("table by name, each: {}", kind(below)),
            None => "table".into(),
        },
        _ => "value".into(),
    }
}

/// What a name stands for, by `x-refers-to`.
fn named_thing(to: &str) -> &str {
    match to {
        "step-rows" => "rows of a step",
        "rows" => "rows",
        "prompts" => "prompt set",
        "known" => "known model",
        _ => to,
    }
}

fn in_words(format: &str) -> &str {
    match format {
        "site" | "component" | "receiver" | "template" | "range" | "device" | "layers" | "condition" => format,
        "name" => "name",
        "operator" => "operator",
        "completion" => "text with {answer}",
        "value" => "column, or log1p(column) or log10(column)",
        "aggregate" => "function of a column",
        "arithmetic" => "arithmetic of columns",
        "edit-value" => "\"counterfactual\", \"mean\"",
        _ => "text",
    }
}

fn plural(kind: &str) -> String {
    match kind {
        "layers" | "values" => kind.into(),
        // Of several types, or with a range behind it.
        _ if kind.contains(' ') && !kind.starts_with("integer") && !kind.starts_with("number") => {
            format!("values: {kind}")
        }
        _ => match kind.split_once(',') {
            Some((kind, range)) => format!("{kind}s,{range}"),
            None => format!("{kind}s"),
        },
    }
}

fn range(shape: ValueSchema) -> String {
    match (shape.number("minimum"), shape.number("exclusiveMinimum"), shape.number("maximum")) {
        (Some(least), _, Some(most)) => format!(", {least} to {most}"),
        (_, Some(above), Some(most)) => format!(", above {above}, at most {most}"),
        (_, Some(above), None) => format!(", above {above}"),
        (Some(least), _, None) if least > 0.0 => format!(", at least {least}"),
        (None, None, Some(most)) => format!(", at most {most}"),
        _ => String::new(),
    }
}

/// A default as a spec writes it.
fn toml(value: &Value) -> String {
    toml::Value::try_from(value).map_or_else(|_| value.to_string(), |value| spec::inline(&value))
}
