//! Words that slots of prompts are filled with: lists of them, and rows of words that go together.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

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

/// Words that go together: `[{ country = "France", capital = "Paris" }, …]`, or those of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Rows {
    /// A table of words for each row.
    List(Vec<IndexMap<String, Word>>),
    /// A file of them.
    File(RowsFile),
}

/// The words of a column, one for each row.
pub type Cells = Arc<[Arc<str>]>;

/// A file of rows, with what was read of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RowsFile {
    /// Its path, from the file on that names it.
    pub file: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// The words of each column.
    #[serde(skip)]
    pub columns: IndexMap<String, Cells>,
}

impl Default for Rows {
    fn default() -> Self {
        Rows::List(Vec::new())
    }
}

impl Rows {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Rows::List(rows) => rows.len(),
            Rows::File(file) => file.columns.first().map_or(0, |(_, words)| words.len()),
        }
    }

    /// The first so many of them and the last.
    pub fn ends(&self, count: usize) -> Self {
        match self {
            Rows::List(rows) => Rows::List(ends(rows, count)),
            Rows::File(file) => {
                let columns = file.columns.iter().map(|(name, words)| (name.clone(), ends(words, count).into()));
                Rows::File(RowsFile { columns: columns.collect(), ..file.clone() })
            }
        }
    }
}

/// The first so many values and the last.
pub fn ends<T: Clone>(values: &[T], count: usize) -> Vec<T> {
    let (first, last) = (values.iter().take(count), values.iter().skip(count).rev().take(count));
    first.chain(last).cloned().collect()
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Named {
            file: String,
            #[serde(default)]
            sha256: String,
        }
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Rows;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of tables of words, or a file of them")
            }
            fn visit_str<E>(self, file: &str) -> Result<Rows, E> {
                Ok(Rows::File(RowsFile { file: file.to_string(), ..RowsFile::default() }))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Rows, A::Error> {
                let Named { file, sha256 } = Named::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Rows::File(RowsFile { file, sha256, columns: IndexMap::new() }))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, seq: A) -> Result<Rows, A::Error> {
                Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(seq)).map(Rows::List)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Rows {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rows".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let word = generator.subschema_for::<Word>();
        schemars::json_schema!({
            "description": "A list of tables, the words of each slot by its name, or a CSV, TSV, JSONL or Parquet file of them.",
            "anyOf": [
                { "type": "string", "minLength": 1 },
                {
                    "type": "object",
                    "description": "The file, and the SHA-256 of its bytes, which is then checked.",
                    "properties": {
                        "file": { "type": "string", "minLength": 1 },
                        "sha256": { "type": "string", "minLength": 1 },
                    },
                    "required": ["file"],
                    "additionalProperties": false,
                },
                { "type": "array", "minItems": 1, "items": { "type": "object", "additionalProperties": word, "minProperties": 1 } },
            ],
        })
    }
}

/// Names of columns that rows have besides the slots', and words for positions.
const TAKEN: &str = "all baseline before bos each last answer answer_tokens checkpoint component components contrast correct first_correct given \
                     given_tokens head id index intervention k key key_index layer measure model neuron number operator position \
                     position_index query query_index receiver receiver_head receiver_input receiver_layer seed sender sender_head \
                     sender_layer site step template text tokens unit value";

/// Why a slot cannot have a name.
pub fn no_slot(name: &str) -> Option<&'static str> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let whole = !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit());
    if !whole {
        return Some("names are letters a to z and A to Z, digits, '_' and '-', and begin with no digit");
    }
    let taken = TAKEN.split_whitespace().any(|taken| taken == name);
    taken.then_some("rows have a column, or prompts a position, of that name; write another")
}
