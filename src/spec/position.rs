//! Positions of a prompt, as a spec writes them: by name from the template, or by index.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A position, or one of the words for several.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl Serialize for PositionName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            PositionName::Name(name) => name.serialize(serializer),
            PositionName::Index(index) => index.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for PositionName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = PositionName;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a position such as \"last\", \"op\" or -1")
            }
            fn visit_str<E>(self, text: &str) -> Result<PositionName, E> {
                Ok(PositionName::Name(text.into()))
            }
            fn visit_i64<E>(self, index: i64) -> Result<PositionName, E> {
                Ok(PositionName::Index(index))
            }
            fn visit_u64<E: serde::de::Error>(self, index: u64) -> Result<PositionName, E> {
                i64::try_from(index).map(PositionName::Index).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for PositionName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PositionName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A position: `a`, `op`, `b` or a slot of words (`s.2`: its second place), `last`, `bos`, a token of the template such as `=`, an index (negative from the end); `each` for every position on its own, `all` for every position together.",
            "anyOf": [{ "type": "string", "minLength": 1 }, { "type": "integer" }],
        })
    }
}
