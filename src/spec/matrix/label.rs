//! What a value of an axis is called.

use crate::spec::node::{Node, NodeContent};
use serde::Serialize;

/// What a value of an axis is called in rows, names and folders: the value itself where that is short enough to be its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum VariantLabel {
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// A text, or `true` or `false`.
    Text(String),
}

/// The longest value that is its own label.
const LONGEST: usize = 60;

impl VariantLabel {
    /// The label of a value that was given none; of a list with one value, that one's.
    pub(super) fn of(value: &Node) -> Result<Self, &'static str> {
        match &value.content {
            NodeContent::Integer(number) => Ok(VariantLabel::Integer(*number)),
            NodeContent::Float(number) => Ok(VariantLabel::Float(*number)),
            NodeContent::Boolean(truth) => Ok(VariantLabel::Text(truth.to_string())),
            NodeContent::Text(text) if text.trim().is_empty() => Err("an empty text"),
            NodeContent::Text(text) if text.chars().count() > LONGEST => Err("a text of more than 60 characters"),
            NodeContent::Text(text) if text.chars().any(char::is_control) => Err("a text of several lines"),
            NodeContent::Text(text) | NodeContent::Datetime(text) => Ok(VariantLabel::Text(text.clone())),
            NodeContent::List(list) => match list.as_slice() {
                [only] if !matches!(only.content, NodeContent::List(_) | NodeContent::Table(_)) => {
                    VariantLabel::of(only)
                }
                _ => Err("a list"),
            },
            NodeContent::Table(_) => Err("a table"),
            NodeContent::Unknown => Err("a value that is wrong"),
        }
    }

    /// As a part of a file's name.
    pub(crate) fn in_path(&self) -> String {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "._+-".contains(letter);
        self.to_string().chars().map(|letter| if fits(letter) { letter } else { '_' }).collect()
    }
}

impl std::fmt::Display for VariantLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            VariantLabel::Integer(number) => number.fmt(f),
            VariantLabel::Float(number) => number.fmt(f),
            VariantLabel::Text(text) => f.write_str(text),
        }
    }
}
