//! One thing that can be explained.

use super::about::DocComment;
use super::key::{SpecKey, keys};
use crate::spec::ValueSchema;

/// What kind of thing a topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicKind {
    /// A table of a spec: `[prompts]`.
    Table,
    /// A table that keys of others have.
    Inner,
    /// A kind of step.
    Step,
    /// A measure.
    Measure,
    /// A kind of figure.
    Figure,
    /// A hook.
    Hook,
    /// An operator.
    Operator,
    /// A built-in model, or a family of models.
    Model,
    /// A spec that is part of the program.
    Spec,
    /// A column of rows.
    Column,
}

impl TopicKind {
    /// What one of them is called.
    pub fn name(self) -> &'static str {
        match self {
            TopicKind::Table => "a table of a spec",
            TopicKind::Inner => "a table within others",
            TopicKind::Step => "a kind of step",
            TopicKind::Measure => "a measure",
            TopicKind::Figure => "a kind of figure",
            TopicKind::Hook => "a hook",
            TopicKind::Operator => "an operator",
            TopicKind::Model => "a model",
            TopicKind::Spec => "a spec of this program",
            TopicKind::Column => "a column of rows",
        }
    }
}

/// One thing that can be explained.
#[derive(Debug, Clone, PartialEq)]
pub struct Topic {
    /// What kind of thing it is.
    pub group: TopicKind,
    /// Its name, as a spec writes it.
    pub name: String,
    /// Other names that find it.
    pub also: Vec<String>,
    /// What it is.
    pub about: DocComment,
    /// What else there is to say, by a word: the shape of a hook, what has a measure.
    pub facts: Vec<(&'static str, String)>,
    /// Its keys.
    pub keys: Vec<SpecKey>,
}

impl Topic {
    /// One of which nothing else is said.
    pub(super) fn new(group: TopicKind, name: impl Into<String>, about: DocComment) -> Self {
        Self { group, name: name.into(), also: Vec::new(), about, facts: Vec::new(), keys: Vec::new() }
    }

    /// Of a table with its keys.
    pub(super) fn of(group: TopicKind, name: &str, table: ValueSchema) -> Self {
        let about = DocComment::read(table.text("description").unwrap_or_default());
        Self { keys: keys(table), ..Self::new(group, name, about) }
    }
}
