//! Checks a spec's values against its schema and the names in it against each other, gathering every error.

mod format;
mod mend;
mod names;
mod prompts;
mod structure;
mod types;

use super::error::SpecError;
use super::node::{Content, Node, Origin};
use super::{rows, schema};
use indexmap::IndexMap;
use std::ops::Range;

/// How often errors are mended and looked behind. What is behind an error is seldom behind another, too.
const ROUNDS: usize = 10;

/// Of a spec with more errors nobody knows what was meant.
const MENDED: usize = 100;

/// Every error of a merged spec; `files` are those of rows. What is wrong is unknown in it then, or as it was probably meant, so
/// that nothing is said that comes of another error alone.
pub(super) fn check(spec: &mut Node, files: &rows::Files) -> Vec<SpecError> {
    let mut errors = Vec::new();
    for _ in 0..ROUNDS {
        let mut walk = structure::Walk::new(schema::resolved());
        walk.check(spec);
        let structure::Walk { mut faults, references, absent, .. } = walk;
        let many = faults.len() > MENDED;
        let mut changed = !many && faults.mend(spec);
        // Names are judged once keys are in their places.
        if !changed {
            names::check(spec, &references, &absent, &mut faults);
            prompts::check(spec, files, &mut faults);
            changed = !many && faults.mend(spec);
        }
        errors.append(&mut faults.errors);
        if !changed {
            break;
        }
    }
    errors
}

/// Leaves out of a spec what can not be without something that was left out before; `None` where the rest is no spec, and whether
/// anything was left out.
pub(super) fn leave_out(spec: &mut Node, files: &rows::Files) -> Option<bool> {
    let mut walk = structure::Walk::new(schema::resolved());
    walk.check(spec);
    let structure::Walk { mut faults, references, absent, .. } = walk;
    names::check(spec, &references, &absent, &mut faults);
    prompts::check(spec, files, &mut faults);
    match (faults.is_empty(), faults.leave_out(spec)) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    }
}

/// Every error of the form of `[matrix]`, before it makes variants. What is wrong is unknown in it then.
pub(super) fn check_matrix(matrix: &mut Node) -> Vec<SpecError> {
    const KEY: &str = "matrix";
    let Some(schema) = schema::resolved().pointer("/$defs/Matrix") else { return Vec::new() };
    let mut errors = Vec::new();
    let origin = matrix.origin.clone();
    let unknown = Node { content: Content::Unknown, origin: origin.clone() };
    let held = std::mem::replace(matrix, unknown);
    let mut root = Node { content: Content::Table(IndexMap::from([(KEY.to_string(), held)])), origin };
    for _ in 0..ROUNDS {
        let mut walk = structure::Walk::new(schema::resolved());
        if let Some(matrix) = root.get(KEY) {
            walk.check_at(matrix, schema, KEY);
        }
        let mut faults = walk.faults;
        let changed = faults.mend(&mut root);
        errors.append(&mut faults.errors);
        if !changed {
            break;
        }
    }
    if let Content::Table(table) = &mut root.content
        && let Some(held) = table.shift_remove(KEY)
    {
        *matrix = held;
    }
    errors
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

    /// The entry of a list or table of the top level that it is in.
    fn entry(&self) -> Self {
        Self(self.0.iter().take(2).cloned().collect())
    }

    /// The place of these parts.
    fn of<'p>(parts: impl IntoIterator<Item = &'p str>) -> Self {
        Self(parts.into_iter().map(String::from).collect())
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
