//! Checks a spec's values against its schema and the names in it against each other, gathering every error.

mod format;
mod names;
mod prompts;
mod structure;

use super::error::SpecError;
use super::node::{Node, Origin};
use super::{rows, schema};
use std::ops::Range;

/// Every error of a merged spec; `files` are those of rows.
pub(super) fn check(spec: &Node, files: &rows::Files) -> Vec<SpecError> {
    let mut walk = structure::Walk::new(schema::resolved());
    walk.check(spec);
    let structure::Walk { mut errors, references, absent, .. } = walk;
    names::check(spec, &references, &absent, &mut errors);
    prompts::check(spec, files, &mut errors);
    errors
}

/// Every error of the form of `[matrix]`, before it makes variants.
pub(super) fn check_matrix(matrix: &Node) -> Vec<SpecError> {
    let Some(schema) = schema::resolved().pointer("/$defs/Matrix") else { return Vec::new() };
    let mut walk = structure::Walk::new(schema::resolved());
    walk.check_at(matrix, schema, "matrix");
    walk.errors
}

/// Where in a spec: keys, and the entries of lists by name or index.
#[derive(Debug, Clone, Default)]
struct Place(Vec<String>);

impl Place {
    fn child(&self, part: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(part.to_string());
        Self(parts)
    }

    /// The last part: a key in the text of an error.
    fn key(&self) -> String {
        match self.0.as_slice() {
            [.., list, last] if last.parse::<usize>().is_ok() => format!("{list}[{last}]"),
            [.., last] => last.clone(),
            [] => "the spec".into(),
        }
    }

    /// The table itself, as a file writes it.
    fn table(&self) -> String {
        match self.0.as_slice() {
            [] => "the spec".into(),
            [list, entry] if super::merge::NAMED_LISTS.contains(&list.as_str()) => match entry.parse::<usize>() {
                Ok(_) => format!("[[{list}]]"),
                Err(_) => format!("[[{list}]] '{entry}'"),
            },
            parts => format!("[{}]", parts.join(".")),
        }
    }
}

/// An error about a value; one that comes from a flag or variable names that.
pub(super) fn wrong_value(node: &Node, message: String) -> SpecError {
    match &node.origin {
        Origin::File { source, value, .. } => SpecError::new(message).at(source, value.clone(), ""),
        origin => from_outside(origin, message),
    }
}

/// An error about a key.
pub(super) fn wrong_key(node: &Node, message: String) -> SpecError {
    match &node.origin {
        Origin::File { source, key, value } => {
            SpecError::new(message).at(source, key.clone().unwrap_or_else(|| value.clone()), "")
        }
        origin => from_outside(origin, message),
    }
}

/// An error about a part of a text, in bytes of the text.
fn wrong_part(node: &Node, part: &Range<usize>, message: String) -> SpecError {
    let Origin::File { source, value, .. } = &node.origin else { return wrong_value(node, message) };
    let written = source.text().get(value.clone()).and_then(|raw| raw.get(1..raw.len().checked_sub(1)?));
    if part.is_empty() || written.is_none() || written != node.text() {
        return wrong_value(node, message);
    }
    let start = value.start + 1;
    SpecError::new(message).at(source, start + part.start..start + part.end, "")
}

fn from_outside(origin: &Origin, message: String) -> SpecError {
    match origin {
        Origin::Default => SpecError::new(message),
        origin => SpecError::new(format!("{origin}: {message}")),
    }
}
