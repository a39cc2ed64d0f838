//! Words that slots of prompts are filled with: lists of them, and rows of words that go together.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a slot is filled with: a text, or an integer as its digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Word(pub String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a text or an integer")
            }
            fn visit_str<E>(self, text: &str) -> Result<Word, E> {
                Ok(Word(text.to_string()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Word {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Word".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A text, or an integer.",
            "anyOf": [{ "type": "string", "minLength": 1 }, { "type": "integer" }],
        })
    }
}

/// The words of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotWords {
    /// The words themselves, in the order given.
    List(Vec<Word>),
    /// Those of another slot, by its name.
    Of(String),
}

impl Serialize for SlotWords {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            SlotWords::List(words) => words.serialize(serializer),
            SlotWords::Of(slot) => slot.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SlotWords {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = SlotWords;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of words, or the name of a slot whose words these are")
            }
            fn visit_str<E>(self, slot: &str) -> Result<SlotWords, E> {
                Ok(SlotWords::Of(slot.to_string()))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, seq: A) -> Result<SlotWords, A::Error> {
                Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(seq)).map(SlotWords::List)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for SlotWords {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SlotWords".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let word = generator.subschema_for::<Word>();
        schemars::json_schema!({
            "description": "A list of words, or the name of a slot whose words these are.",
            "anyOf": [
                { "type": "string", "minLength": 1 },
                { "type": "array", "items": word, "minItems": 1 },
            ],
        })
    }
}

/// Words that go together, a table for each: `[{ country = "France", capital = "Paris" }, …]`. A CSV file in a spec is read with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rows(pub Vec<IndexMap<String, Word>>);

impl Rows {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl JsonSchema for Rows {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rows".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let word = generator.subschema_for::<Word>();
        schemars::json_schema!({
            "description": "A list of tables, the words of each slot by its name, or a CSV file of them.",
            "anyOf": [
                { "type": "string", "minLength": 1 },
                { "type": "array", "minItems": 1, "items": { "type": "object", "additionalProperties": word, "minProperties": 1 } },
            ],
        })
    }
}
