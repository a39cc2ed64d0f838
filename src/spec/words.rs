//! Words that slots of prompts are filled with: lists of them, and rows of words that go together.

use super::text_or::{TextOr, schema_of};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a slot is filled with: a text, or an integer as its digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "TextOr<i64>")]
pub struct Word(pub String);

impl From<TextOr<i64>> for Word {
    fn from(written: TextOr<i64>) -> Self {
        match written {
            TextOr::Text(text) => Self(text),
            TextOr::Other(number) => Self(number.to_string()),
        }
    }
}

schema_of!(Word, |_| {
    "description": "A text, or an integer.",
    "anyOf": [{ "type": "string", "minLength": 1 }, { "type": "integer" }],
});

/// The words of a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a list of words, or the name of a slot or a built-in list whose words these are")]
pub enum SlotWords {
    /// The words themselves, in the order given.
    List(Vec<Word>),
    /// Those of another slot, by its name, or of a list that is built in.
    Of(String),
}

schema_of!(SlotWords, |generator| {
    "description": "A list of words, or the name of a slot whose words these are, or of a list that is built in.",
    "anyOf": [
        { "type": "string", "minLength": 1 },
        { "type": "array", "items": generator.subschema_for::<Word>(), "minItems": 1 },
    ],
});

/// Words that go together: `[{ country = "France", capital = "Paris" }, …]`, or those of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a list of tables of words, or a file of them")]
pub enum Rows {
    /// A table of words for each row.
    List(Vec<IndexMap<String, Word>>),
    /// A file of them.
    File(#[serde(deserialize_with = "file")] RowsFile),
}

/// The words of a column, one for each row.
pub type Cells = Arc<[Arc<str>]>;

/// A file of rows, with what was read of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsFile {
    /// Its path, relative to the file that names it.
    pub file: String,
    /// SHA-256 of its bytes, in hex.
    #[serde(default)]
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

fn file<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<RowsFile, D::Error> {
    Ok(match TextOr::deserialize(deserializer)? {
        TextOr::Text(file) => RowsFile { file, ..RowsFile::default() },
        TextOr::Other(file) => file,
    })
}

schema_of!(Rows, |generator| {
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
        { "type": "array", "minItems": 1, "items": { "type": "object", "additionalProperties": generator.subschema_for::<Word>(), "minProperties": 1 } },
    ],
});

/// Names of columns that rows have besides the slots', and words for positions.
const TAKEN: &str = "all baseline before bos each last answer answer_tokens checkpoint component components contrast correct first_correct given \
                     given_tokens head id index intervention k key key_index layer measure model neuron number operator position \
                     position_index query query_index receiver receiver_head receiver_input receiver_layer seed sender sender_head \
                     sender_layer site step template text token token_index tokens unit value";

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
