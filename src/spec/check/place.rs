//! Where in a spec a value is, and errors about it.

use crate::spec::error::SpecError;
use crate::spec::node::{Node, Origin};
use std::ops::Range;

/// Where in a spec: keys, and the entries of lists by name or index.
#[derive(Debug, Clone, Default)]
pub(super) struct SpecPlace(pub Vec<String>);

impl SpecPlace {
    pub fn child(&self, part: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(part.to_string());
        Self(parts)
    }

    /// The entry of a list or table of the top level that it is in.
    pub fn entry(&self) -> Self {
        Self(self.0.iter().take(2).cloned().collect())
    }

    /// The place of these parts.
    pub fn of<'p>(parts: impl IntoIterator<Item = &'p str>) -> Self {
        Self(parts.into_iter().map(String::from).collect())
    }

    /// The last part: a key in the text of an error.
    pub fn key(&self) -> String {
        match self.0.as_slice() {
            [.., list, last] if last.parse::<usize>().is_ok() => format!("{list}[{last}]"),
            [.., last] => last.clone(),
            [] => "the spec".into(),
        }
    }

    /// The table itself, as a file writes it.
    pub fn table(&self) -> String {
        match self.0.as_slice() {
            [] => "the spec".into(),
            [list, entry] if crate::spec::merge::NAMED_LISTS.contains(&list.as_str()) => match entry.parse::<usize>() {
                Ok(_) => format!("[[{list}]]"),
                Err(_) => format!("[[{list}]] '{entry}'"),
            },
            parts => format!("[{}]", parts.join(".")),
        }
    }
}

/// An error about a value; one that comes from a flag or variable names that.
pub(in crate::spec) fn wrong_value(node: &Node, message: String) -> SpecError {
    SpecError::about(&node.origin, message)
}

/// An error about a key.
pub(in crate::spec) fn wrong_key(node: &Node, message: String) -> SpecError {
    match &node.origin {
        Origin::File { source, key: Some(key), .. } => SpecError::new(message).at(source, key.clone(), ""),
        origin => SpecError::about(origin, message),
    }
}

/// An error about a part of a text, in bytes of the text.
pub(in crate::spec) fn wrong_part(node: &Node, part: &Range<usize>, message: String) -> SpecError {
    let Origin::File { source, value, .. } = &node.origin else { return wrong_value(node, message) };
    let written = source.text().get(value.clone()).and_then(|raw| raw.get(1..raw.len().checked_sub(1)?));
    if part.is_empty() || written.is_none() || written != node.text() {
        return wrong_value(node, message);
    }
    let start = value.start + 1;
    SpecError::new(message).at(source, start + part.start..start + part.end, "")
}
