//! One value of a `where`: as a spec writes it, and what it says, read once.

use super::expression::{Comparison, ExpressionError, parse_condition};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;

/// What a row's value in one column must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    written: toml::Value,
    says: Comparison,
}

impl Condition {
    /// As it is written, where it is a text.
    pub fn text(&self) -> Option<&str> {
        self.written.as_str()
    }

    /// What it says.
    pub fn says(&self) -> &Comparison {
        &self.says
    }
}

impl TryFrom<toml::Value> for Condition {
    type Error = ExpressionError;

    fn try_from(written: toml::Value) -> Result<Self, ExpressionError> {
        let says = parse_condition(&written)?;
        Ok(Self { written, says })
    }
}

/// `+`, `+ or -`, `>= 0.5`: as a sentence says what is asked for.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), String::from);
        match &self.written {
            toml::Value::Array(values) => f.write_str(&values.iter().map(text).collect::<Vec<_>>().join(" or ")),
            value => f.write_str(&text(value)),
        }
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(toml::Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What a row's value in one column must be: `\"=\"`, `[\"+\", \"-\"]`, `3`, `true`, or a comparison such as \
                            `\">= 0.5\"`, `\"!= x\"`.",
            "format": "condition",
            "anyOf": [
                { "type": ["string", "number", "boolean"] },
                { "type": "array", "items": { "type": ["string", "number", "boolean"] }, "minItems": 1 },
            ],
        })
    }
}
