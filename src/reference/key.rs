//! The keys of a table of the schema, in words.

use super::about::About;
use crate::spec;
use serde_json::Value;

/// A key that a table may have.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// As a spec writes it.
    pub name: String,
    /// What its value is, in words: `list of sites`.
    pub kind: String,
    /// Whether it must be there.
    pub required: bool,
    /// The default as TOML.
    pub default: Option<String>,
    /// What it means.
    pub about: About,
    /// The words that it may have, where there is a fixed choice.
    pub choices: Vec<Choice>,
    /// The table that its value is, or that its values are.
    pub table: Option<&'static Value>,
    /// The name that table goes by in the schema.
    pub table_name: Option<&'static str>,
}

/// A word that a key may have.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// As a spec writes it.
    pub name: String,
    /// What it means.
    pub about: About,
}

/// The keys of a table, but for what tells kinds apart.
pub(super) fn keys(table: &'static Value) -> Vec<Key> {
    let required = |name: &str| list(table, "required").iter().any(|key| key.as_str() == Some(name));
    let properties = table.get("properties").and_then(Value::as_object);
    let own = properties.into_iter().flatten().filter(|(_, schema)| schema.get("const").is_none());
    own.map(|(name, schema)| key(name, schema, required(name))).collect()
}

fn key(name: &str, schema: &'static Value, required: bool) -> Key {
    let inner = innermost(schema);
    let (choices, table) = (choices(inner), inner.get("properties").map(|_| inner));
    let comment = description(schema).or_else(|| description(resolve(schema))).unwrap_or_default();
    Key {
        name: name.to_string(),
        kind: kind(schema),
        required,
        default: schema.get("default").map(toml),
        about: About::read(comment),
        choices,
        table_name: table.and_then(|_| reference(schema).or_else(|| reference(element(schema)?))),
        table,
    }
}

/// The schema that a `$ref` stands for.
fn resolve(schema: &'static Value) -> &'static Value {
    reference(schema).and_then(|name| spec::resolved_schema().get("$defs")?.get(name)).unwrap_or(schema)
}

/// The name of the definition that a schema refers to.
fn reference(schema: &'static Value) -> Option<&'static str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// What a list or a table of any names has in it.
fn element(schema: &'static Value) -> Option<&'static Value> {
    schema.get("items").or_else(|| schema.get("additionalProperties").filter(|below| below.is_object()))
}

/// The schema of a value, or of the values in the list or table that it is.
pub(super) fn innermost(schema: &'static Value) -> &'static Value {
    let schema = resolve(schema);
    match element(schema) {
        Some(element) => resolve(element),
        None => schema,
    }
}

pub(super) fn description(schema: &'static Value) -> Option<&'static str> {
    schema.get("description")?.as_str()
}

pub(super) fn list(schema: &'static Value, keyword: &str) -> &'static [Value] {
    schema.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The words of a fixed choice.
pub(super) fn choices(schema: &'static Value) -> Vec<Choice> {
    let word = |branch: &'static Value| {
        let name = branch.get("const")?.as_str()?.to_string();
        Some(Choice { name, about: About::read(description(branch).unwrap_or_default()) })
    };
    list(schema, "oneOf").iter().filter_map(word).collect()
}

/// A type in words.
fn kind(schema: &'static Value) -> String {
    match reference(schema) {
        Some("PositionName") => return "position".into(),
        Some("Condition") => return "condition".into(),
        Some("Word") => return "word".into(),
        Some("SlotWords") => return "list of words, or the name of a slot".into(),
        Some("Rows") => return "list of tables of words, or a file of them".into(),
        _ => {}
    }
    let schema = resolve(schema);
    if !list(schema, "oneOf").is_empty() {
        return "choice".into();
    }
    let branches = list(schema, "anyOf");
    if !branches.is_empty() {
        return branches.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let named = |keyword: &str| schema.get(keyword).and_then(Value::as_str);
    match (named("type"), named("format")) {
        (Some("boolean"), _) => "true or false".into(),
        (Some("integer"), _) => format!("integer{}", range(schema)),
        (Some("number"), _) => format!("number{}", range(schema)),
        (Some("string"), format) => {
            named("x-refers-to").map_or_else(|| format.map_or("text", in_words), named_thing).into()
        }
        (Some("array"), _) => {
            let items = match (named("x-refers-to"), schema.get("items")) {
                (Some(to), _) => plural(named_thing(to)),
                (None, Some(items)) => plural(&kind(items)),
                (None, None) => "values".into(),
            };
            match (schema.get("minItems").and_then(Value::as_u64), schema.get("maxItems").and_then(Value::as_u64)) {
                (Some(least), Some(most)) if least == most => format!("{least} {items}"),
                _ => format!("list of {items}"),
            }
        }
        (Some("object"), _) => match schema.get("additionalProperties").filter(|below| below.is_object()) {
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

fn range(schema: &'static Value) -> String {
    let number = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    match (number("minimum"), number("exclusiveMinimum"), number("maximum")) {
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
