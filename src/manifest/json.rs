//! JSON that reads well in a diff: what is short is on one line.

use serde::Serialize;
use serde_json::Value;
use std::fmt::Write;

/// The longest line of more than one value.
const WIDTH: usize = 150;

pub fn text(value: &impl Serialize) -> String {
    // Of plain data this does not fail.
    let value = serde_json::to_value(value).unwrap_or_default();
    let mut out = String::new();
    write(&value, 0, &mut out);
    out.push('\n');
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let line = one_line(value);
    let entries: Vec<(Option<&String>, &Value)> = match value {
        Value::Object(table) => table.iter().map(|(key, value)| (Some(key), value)).collect(),
        Value::Array(list) => list.iter().map(|value| (None, value)).collect(),
        _ => Vec::new(),
    };
    if entries.is_empty() || (depth > 0 && line.chars().count() + 2 * depth <= WIDTH) {
        return out.push_str(&line);
    }
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    out.push(open);
    for (index, (key, below)) in entries.into_iter().enumerate() {
        out.push_str(if index > 0 { ",\n" } else { "\n" });
        out.push_str(&"  ".repeat(depth + 1));
        if let Some(key) = key {
            // Writing to a string does not fail.
            let _ = write!(out, "{}: ", Value::from(key.as_str()));
        }
        write(below, depth + 1, out);
    }
    let _ = write!(out, "\n{}{close}", "  ".repeat(depth));
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Object(table) if !table.is_empty() => {
            let pairs = table.iter().map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), one_line(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(one_line).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
