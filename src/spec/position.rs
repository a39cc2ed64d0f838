//! Positions of a prompt, as a spec writes them: by name from the template, or by index.

use super::text_or::schema_of;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A position, or one of the words for several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a position such as \"last\", \"op\" or -1")]
pub enum PositionName {
    /// `a`, `op`, `b` or a slot of words (`s.2`: its second place), of one of several tokens a part: `subject.first`, `subject.last`,
    /// `subject[1]`, `subject.all` together, `subject.each` on their own; `last`, `bos`, a token of the template such as `=`; `each` for
    /// every position on its own; `all` for every position together.
    Name(String),
    /// From 0; negative from the end.
    Index(i64),
}

impl PositionName {
    /// The last position.
    pub fn last() -> Self {
        PositionName::Name("last".into())
    }

    /// Of cut attention, every position before the one that reads.
    pub fn before() -> Self {
        PositionName::Name("before".into())
    }

    /// Every position on its own.
    pub fn each() -> Self {
        PositionName::Name("each".into())
    }

    /// Every position together.
    pub fn all() -> Self {
        PositionName::Name("all".into())
    }

    /// Whether it is several positions as one: `all`, `subject.all`.
    pub fn is_several(&self) -> bool {
        matches!(self, PositionName::Name(name) if name == "all" || name.ends_with(".all"))
    }
}

impl fmt::Display for PositionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PositionName::Name(name) => f.write_str(name),
            PositionName::Index(index) => index.fmt(f),
        }
    }
}

schema_of!(PositionName, |_| {
    "description": "A position: `a`, `op`, `b` or a slot of words (`s.2`: its second place), of a slot of several tokens `subject.first`, `subject.last`, `subject[1]`, `subject.all` (together) or `subject.each`, `last`, `bos`, a token of the template such as `=`, an index (negative from the end); `each` for every position on its own, `each.end` the same counted from the end, `all` for every position together.",
    "anyOf": [{ "type": "string", "minLength": 1 }, { "type": "integer" }],
});
