//! A value of a spec with the place it came from: what TOML says, before it is anything else.

use super::source::Source;
use indexmap::IndexMap;
use std::ops::Range;
use std::sync::Arc;

/// What names and bare keys are of.
pub(super) const NAME_LETTERS: &str = "letters a to z and A to Z, digits, '-' and '_'";

/// A value and its origin.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub content: NodeContent,
    pub origin: Origin,
}

/// The values TOML has.
#[derive(Debug, Clone)]
pub(super) enum NodeContent {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// As it is written; nothing in a spec is one.
    Datetime(String),
    List(Vec<Node>),
    Table(IndexMap<String, Node>),
    /// What stood here is wrong and has been said to be: nothing more is said of it.
    Unknown,
}

/// Where a value was written.
#[derive(Debug, Clone)]
pub enum Origin {
    /// In a file.
    File {
        /// The file.
        source: Arc<Source>,
        /// Bytes of the key; none for an element of a list.
        key: Option<Range<usize>>,
        /// Bytes of the value; of a `[table]`, its header.
        value: Range<usize>,
    },
    /// In an environment variable: `NAME=value`.
    Variable(String),
    /// In a flag: `--set a.b=c`.
    Flag(String),
    /// Nowhere: the default.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::File { source, value, .. } => {
                let (line, column) = source.position(value.start);
                write!(f, "{}:{line}:{column}", source.name())
            }
            Origin::Variable(text) | Origin::Flag(text) => f.write_str(text),
            Origin::Default => f.write_str("default"),
        }
    }
}

impl Origin {
    /// Whether both are one place.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File { source, value, .. }, Self::File { source: of, value: there, .. }) => {
                Arc::ptr_eq(source, of) && value == there
            }
            (Self::Variable(text) | Self::Flag(text), Self::Variable(other) | Self::Flag(other)) => text == other,
            _ => false,
        }
    }
}

impl Node {
    pub fn table(&self) -> Option<&IndexMap<String, Node>> {
        match &self.content {
            NodeContent::Table(table) => Some(table),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&[Node]> {
        match &self.content {
            NodeContent::List(list) => Some(list),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.content {
            NodeContent::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn integer(&self) -> Option<i64> {
        match &self.content {
            NodeContent::Integer(number) => Some(*number),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self.content {
            NodeContent::Integer(number) => Some(number as f64),
            NodeContent::Float(number) => Some(number),
            _ => None,
        }
    }

    pub fn is_unknown(&self) -> bool {
        matches!(self.content, NodeContent::Unknown)
    }

    /// The value under a key, if this is a table.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.table()?.get(key)
    }

    /// The text under `name`.
    pub fn name(&self) -> Option<&str> {
        self.get("name")?.text()
    }

    /// The tables under a key that holds a list of them, or one table by name.
    pub fn entries(&self, key: &str) -> &[Node] {
        self.get(key).and_then(Node::list).unwrap_or_default()
    }

    /// What it is, in words: `the text "x"`.
    pub fn describe(&self) -> String {
        match &self.content {
            NodeContent::Text(text) => format!("the text \"{}\"", shortened(text)),
            NodeContent::Integer(number) => format!("the integer {number}"),
            NodeContent::Float(number) => format!("the number {number}"),
            NodeContent::Boolean(truth) => truth.to_string(),
            NodeContent::Datetime(_) => "a date".into(),
            NodeContent::List(_) => "a list".into(),
            NodeContent::Table(_) => "a table".into(),
            NodeContent::Unknown => "a value that is wrong".into(),
        }
    }

    /// The value as TOML, origins left out.
    pub fn to_toml(&self) -> toml::Value {
        match &self.content {
            NodeContent::Text(text) | NodeContent::Datetime(text) => toml::Value::String(text.clone()),
            NodeContent::Integer(number) => toml::Value::Integer(*number),
            NodeContent::Float(number) => toml::Value::Float(*number),
            NodeContent::Boolean(truth) => toml::Value::Boolean(*truth),
            NodeContent::List(list) => toml::Value::Array(list.iter().map(Node::to_toml).collect()),
            NodeContent::Table(table) => {
                toml::Value::Table(table.iter().map(|(key, node)| (key.clone(), node.to_toml())).collect())
            }
            // None is left in a spec that is read.
            NodeContent::Unknown => toml::Value::String(String::new()),
        }
    }
}

/// A text short enough for a message.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
