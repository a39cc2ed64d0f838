//! Positions of a prompt, as a spec writes them: by name from the template, or by index.

use super::text_or::schema_of;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A position, or one of the words for several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a position such as \"last\", \"op\" or -1")]
pub enum PositionName {
    /// `a`, `op`, `b` or a slot of words (`s.2`: its second place), `last`, `bos`, a token of the template such as `=`; `each` for
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
    "description": "A position: `a`, `op`, `b` or a slot of words (`s.2`: its second place), `last`, `bos`, a token of the template such as `=`, an index (negative from the end); `each` for every position on its own, `all` for every position together.",
    "anyOf": [{ "type": "string", "minLength": 1 }, { "type": "integer" }],
});
