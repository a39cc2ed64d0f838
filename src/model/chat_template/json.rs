//! JSON as Python's `json.dumps` writes it, which the filter `tojson` of chat templates does.

use super::python::float;
use serde_json::Value;

/// A value with spaces after commas and colons; with `indent`, on lines of its own with so many spaces each level.
pub(super) fn dumps(value: &Value, indent: Option<usize>) -> String {
    let mut text = String::new();
    write(value, indent, 0, &mut text);
    text
}

fn write(value: &Value, indent: Option<usize>, level: usize, text: &mut String) {
    match value {
        Value::Array(list) if !list.is_empty() => {
            text.push('[');
            for (number, item) in list.iter().enumerate() {
                separate(number, indent, level + 1, text);
                write(item, indent, level + 1, text);
            }
            end(indent, level, text);
            text.push(']');
        }
        Value::Object(table) if !table.is_empty() => {
            text.push('{');
            for (number, (key, item)) in table.iter().enumerate() {
                separate(number, indent, level + 1, text);
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push_str(": ");
                write(item, indent, level + 1, text);
            }
            end(indent, level, text);
            text.push('}');
        }
        Value::Number(number) if number.is_f64() => {
            text.push_str(&number.as_f64().map_or_else(|| number.to_string(), float));
        }
        other => text.push_str(&other.to_string()),
    }
}

fn separate(number: usize, indent: Option<usize>, level: usize, text: &mut String) {
    match (number, indent) {
        (0, None) => {}
        (_, None) => text.push_str(", "),
        (_, Some(_)) => {
            text.push_str(if number > 0 { "," } else { "" });
            end(indent, level, text);
        }
    }
}

fn end(indent: Option<usize>, level: usize, text: &mut String) {
    if let Some(indent) = indent {
        text.push('\n');
        text.push_str(&" ".repeat(indent * level));
    }
}
