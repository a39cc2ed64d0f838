//! A resolved spec as TOML, with the origin of each value where wanted.

use super::Spec;
use super::node::Origin;
use std::fmt::Write;
use toml::{Table, Value};

/// Where the value at a path comes from.
type Origins<'o> = &'o dyn Fn(&[&str]) -> Origin;
/// What is said of the value at a path.
type Notes<'n> = &'n dyn Fn(&[&str]) -> String;

/// The spec as TOML: values before tables, one value a line, texts on one line each.
pub(super) fn write(spec: &Spec, notes: Option<Notes>) -> String {
    let table = Table::try_from(spec).unwrap_or_default();
    let mut writer = SpecWriter { out: String::new(), notes };
    writer.table(&table, &mut Vec::new());
    writer.out
}

/// A value of a resolved spec.
#[derive(Debug, Clone)]
pub struct SpecValue {
    /// Its key, with the names of entries of lists: `step.effects.sites`.
    pub key: String,
    /// The value, as TOML.
    pub toml: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Every value of the spec that is no table of others, in the order of [`write`].
pub(super) fn values(spec: &Spec, origins: Origins) -> Vec<SpecValue> {
    let table = Table::try_from(spec).unwrap_or_default();
    let written = |(path, value): (Vec<String>, &Value)| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        SpecValue { key: key_at(&path), toml: inline(value), origin: origins(&names) }
    };
    flatten(&table).into_iter().map(written).collect()
}

/// The values of a resolved spec that are no tables of others, each with its path; entries of lists go by their names.
pub(crate) fn flatten(spec: &Table) -> Vec<(Vec<String>, &Value)> {
    let mut found = Vec::new();
    below(spec, &mut Vec::new(), &mut found);
    found
}

fn below<'v>(table: &'v Table, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, &'v Value)>) {
    for (key, value) in table {
        path.push(key.clone());
        match value {
            Value::Table(inner) if !inner.is_empty() => below(inner, path, found),
            Value::Array(entries) if has_header(value) => {
                for (index, entry) in entries.iter().enumerate() {
                    let Value::Table(inner) = entry else { continue };
                    path.push(entry_name(index, inner));
                    below(inner, path, found);
                    path.pop();
                }
            }
            value => found.push((path.clone(), value)),
        }
        path.pop();
    }
}

/// A path as TOML writes it as a key.
pub(super) fn key_at<S: AsRef<str>>(path: &[S]) -> String {
    path.iter().map(|part| name(part.as_ref())).collect::<Vec<_>>().join(".")
}

/// How an entry of a list is called in paths.
fn entry_name(index: usize, entry: &Table) -> String {
    entry.get("name").and_then(Value::as_str).map_or_else(|| index.to_string(), String::from)
}

struct SpecWriter<'n> {
    out: String,
    notes: Option<Notes<'n>>,
}

impl SpecWriter<'_> {
    fn table(&mut self, table: &Table, path: &mut Vec<String>) {
        let lines: Vec<(&String, String)> =
            table.iter().filter(|(_, value)| !has_header(value)).map(|(key, value)| (key, inline(value))).collect();
        let width = lines
            .iter()
            .map(|(key, value)| name(key).len() + value.chars().count() + 3)
            .filter(|width| *width <= 60)
            .max();
        for (key, value) in lines {
            let line = format!("{} = {value}", name(key));
            let _ = match self.note(path, key) {
                Some(note) => writeln!(self.out, "{line:width$}  # {note}", width = width.unwrap_or(0)),
                None => writeln!(self.out, "{line}"),
            };
        }
        for (key, value) in table {
            path.push(key.clone());
            match value {
                Value::Table(below) => self.header(path, "[", "]", below),
                Value::Array(entries) if has_header(value) => {
                    for (index, entry) in entries.iter().enumerate() {
                        let Value::Table(below) = entry else { continue };
                        self.entry(path, entry_name(index, below), below);
                    }
                }
                _ => {}
            }
            path.pop();
        }
    }

    fn header(&mut self, path: &mut Vec<String>, open: &str, close: &str, table: &Table) {
        let keys: Vec<String> = path.iter().map(|key| name(key)).collect();
        let only_tables = !table.is_empty() && table.values().all(has_header);
        if !only_tables {
            let _ = writeln!(self.out, "\n{open}{}{close}", keys.join("."));
        }
        self.table(table, path);
    }

    /// `[[step]]` and what is in it; tables below it are inline, for a header would have to repeat the list.
    fn entry(&mut self, path: &mut Vec<String>, own: String, table: &Table) {
        let _ = writeln!(self.out, "\n[[{}]]", path.iter().map(|key| name(key)).collect::<Vec<_>>().join("."));
        path.push(own);
        for (key, value) in table {
            let line = format!("{} = {}", name(key), inline(value));
            let _ = match self.note(path, key) {
                Some(note) => writeln!(self.out, "{line}  # {note}"),
                None => writeln!(self.out, "{line}"),
            };
        }
        path.pop();
    }

    fn note(&self, path: &[String], key: &str) -> Option<String> {
        let notes = self.notes?;
        let path: Vec<&str> = path.iter().map(String::as_str).chain([key]).collect();
        Some(notes(&path))
    }
}

/// Whether a value is written below a header of its own.
fn has_header(value: &Value) -> bool {
    match value {
        Value::Table(_) => true,
        Value::Array(list) => list.first().is_some_and(|first| first.get("name").is_some()),
        _ => false,
    }
}

/// A value on one line.
pub(crate) fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(list) => format!("[{}]", list.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Table(table) if table.is_empty() => "{}".into(),
        Value::Table(table) => {
            let pairs: Vec<String> =
                table.iter().map(|(key, value)| format!("{} = {}", name(key), inline(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

/// A key as TOML writes it.
pub(crate) fn name(key: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if !key.is_empty() && key.chars().all(bare) { key.to_string() } else { quoted(key) }
}

/// A basic string on one line.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{:04X}", letter as u32);
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
