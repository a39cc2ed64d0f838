//! Texts that have a meaning: as the spec writes them, and what they say, read once.

use super::arithmetic::{Arithmetic, parse_arithmetic};
use super::expression::{Aggregate, parse_aggregate};
use super::{ComponentPattern, HookPattern, Layers, ReceiverPattern, SitePattern};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// What a text of a spec can say.
pub trait Notation: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    fn read(text: &str) -> Result<Self, String>;

    /// The layers that it is of, where it names some.
    fn layers(&self) -> Option<&Layers> {
        None
    }
}

/// A text and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed<N> {
    text: String,
    says: N,
}

impl<N: Notation> Parsed<N> {
    /// What stands for a text that nobody wrote.
    pub(crate) fn unwritten(text: String, says: N) -> Self {
        Self { text, says }
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    pub fn says(&self) -> &N {
        &self.says
    }
}

/// The layers that texts are of, as far as they name some.
pub fn layers_of<N: Notation>(texts: &[Parsed<N>]) -> Vec<&Layers> {
    texts.iter().filter_map(|text| text.says.layers()).collect()
}

impl<N> fmt::Display for Parsed<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<N> Serialize for Parsed<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, N: Notation> Deserialize<'de> for Parsed<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl<N: Notation> FromStr for Parsed<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_string(), says: N::read(text)? })
    }
}

/// A text, as far as a schema is concerned; its `format` says which.
impl<N> JsonSchema for Parsed<N> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

impl Notation for Layers {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }

    fn layers(&self) -> Option<&Layers> {
        Some(self)
    }
}

impl Notation for SitePattern {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }

    fn layers(&self) -> Option<&Layers> {
        match &self.hooks {
            HookPattern::One(_) => None,
            HookPattern::Layers(layers, _) => Some(layers),
        }
    }
}

impl Notation for ComponentPattern {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }

    fn layers(&self) -> Option<&Layers> {
        Some(&self.layers)
    }
}

impl Notation for ReceiverPattern {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }

    fn layers(&self) -> Option<&Layers> {
        match self {
            Self::Head { layers, .. } | Self::Mlp(layers) => Some(layers),
            Self::Logits => None,
        }
    }
}

impl Notation for Aggregate {
    fn read(text: &str) -> Result<Self, String> {
        parse_aggregate(text).map_err(|error| error.message)
    }
}

impl Notation for Arithmetic {
    fn read(text: &str) -> Result<Self, String> {
        parse_arithmetic(text).map_err(|error| error.message)
    }
}
