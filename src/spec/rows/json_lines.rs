//! Rows of a JSONL file: an object of words a line.

use super::read::{Unread, WordColumns};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// Reads the whole file. Lines without anything in them are passed over.
pub(super) fn read(text: &str) -> Result<WordColumns, Unread> {
    let mut read = WordColumns::default();
    let mut rows = 0;
    each(text, |number, cells| {
        for (name, value) in &cells {
            let column = match read.find(name) {
                Some(column) => column,
                None => read.add(
                    name,
                    rows,
                    (rows > 0)
                        .then(|| format!("no line before line {number} has '{name}'; give every line the same keys")),
                )?,
            };
            match word(value) {
                Ok(word) => read.word(column, word.into()),
                Err(problem) => read.no_word(column, format!("line {number}: '{name}' is {problem}")),
            }
        }
        for column in 0..read.width() {
            if !cells.iter().any(|(name, _)| name == read.name(column)) {
                read.no_word(column, format!("line {number} has no '{}'", read.name(column)));
            }
        }
        rows += 1;
        Ok(())
    })?;
    Ok(read)
}

/// Gives each object with the number of its line.
pub(super) fn each(
    text: &str,
    mut take: impl FnMut(usize, Vec<(String, Value)>) -> Result<(), Unread>,
) -> Result<(), Unread> {
    let mut is_empty = true;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = index + 1;
        if line.trim_start().starts_with('[') {
            return Err(format!("line {number} is a list; write an object a line: {{\"country\": \"France\"}}").into());
        }
        let Object(cells) = serde_json::from_str(line).map_err(|error| {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            format!("line {number}, column {}: {message}; write an object of texts a line", error.column())
        })?;
        for (place, (name, _)) in cells.iter().enumerate() {
            if cells.iter().take(place).any(|(other, _)| other == name) {
                return Err(format!("line {number} has '{name}' twice; give one of them another name").into());
            }
        }
        take(number, cells)?;
        is_empty = false;
    }
    match is_empty {
        true => Err("it has no rows; write an object a line: {\"country\": \"France\"}".into()),
        false => Ok(()),
    }
}

fn word(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if text.is_empty() => Err("empty; write a word".into()),
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        Value::Number(number) => Err(format!("{number}, which is not an integer; write a text")),
        Value::Bool(truth) => Err(format!("{truth}; write a text")),
        Value::Null => Err("null; write a word".into()),
        Value::Array(_) => Err("a list; write a text or an integer".into()),
        Value::Object(_) => Err("an object; write a text or an integer".into()),
    }
}

/// An object with its keys as they are written, a repeated one twice.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut cells = Vec::new();
                while let Some(cell) = map.next_entry()? {
                    cells.push(cell);
                }
                Ok(Object(cells))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
