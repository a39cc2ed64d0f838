//! What a value of an axis is called.

use crate::spec::node::{Content, Node};
use serde::Serialize;

/// What a value of an axis is called in rows, names and folders: the value itself where that is short enough to be its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Label {
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// A text, or `true` or `false`.
    Text(String),
}

/// The longest value that is its own label.
const LONGEST: usize = 60;

impl Label {
    /// The label of a value that was given none; of a list with one value, that one's.
    pub(super) fn of(value: &Node) -> Result<Self, &'static str> {
        match &value.content {
            Content::Integer(number) => Ok(Label::Integer(*number)),
            Content::Float(number) => Ok(Label::Float(*number)),
            Content::Boolean(truth) => Ok(Label::Text(truth.to_string())),
            Content::Text(text) if text.trim().is_empty() => Err("an empty text"),
            Content::Text(text) if text.chars().count() > LONGEST => Err("so long a text"),
            Content::Text(text) if text.chars().any(char::is_control) => Err("a text of several lines"),
            Content::Text(text) | Content::Datetime(text) => Ok(Label::Text(text.clone())),
            Content::List(list) => match list.as_slice() {
                [only] if !matches!(only.content, Content::List(_) | Content::Table(_)) => Label::of(only),
                _ => Err("a list"),
            },
            Content::Table(_) => Err("a table"),
            Content::Unknown => Err("a value that is wrong"),
        }
    }

    /// As a part of a file's name.
    pub fn in_path(&self) -> String {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "._+-".contains(letter);
        self.to_string().chars().map(|letter| if fits(letter) { letter } else { '_' }).collect()
    }
}

impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Label::Integer(number) => number.fmt(f),
            Label::Float(number) => number.fmt(f),
            Label::Text(text) => f.write_str(text),
        }
    }
}
