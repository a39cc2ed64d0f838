//! Prompts that are written in tokens: random ones, several times over, or ids as they are.

use super::Range;
use super::defaults::defaults;
use super::text_or::{TextOr, schema_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Prompts of random tokens: a block of different tokens that comes several times, the last time without its last
/// token. That token is the answer: it follows by repetition.
///
/// Source: the repeated random sequences of induction heads (Olsson et al. 2022, arXiv 2209.11895).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomTokens {
    /// Tokens of the block.
    #[schemars(range(min = 2))]
    pub length: usize,
    /// How often the block is there.
    #[serde(default = "default_repeats")]
    #[schemars(range(min = 2))]
    pub repeats: usize,
    /// Which tokens are drawn: `"all"`, `"words"` for those that are a space and letters, ids as a half-open range
    /// `"1000..5000"`, or a list of ids. Tokens that the tokenizer knows by name, such as special ones, are drawn only
    /// if a list has their ids.
    #[serde(default)]
    pub vocabulary: DrawnVocabulary,
    /// How many prompts there are. Left out: as many as a `sample` is drawn from, 8192.
    #[schemars(range(min = 1))]
    pub count: Option<usize>,
}

defaults! {
    default_repeats: usize = 2;
}

/// Tokens that random ones are drawn from.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(try_from = "TextOr<Vec<u32>>")]
pub enum DrawnVocabulary {
    /// Every token that the tokenizer does not know by name.
    #[default]
    All,
    /// Of these the ones that are a space and letters.
    Words,
    /// Of these the ones whose ids are in the range, its end excluded.
    Range(i64, i64),
    /// Those of these ids.
    Ids(Vec<u32>),
}

impl Serialize for DrawnVocabulary {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            DrawnVocabulary::All => serializer.serialize_str("all"),
            DrawnVocabulary::Words => serializer.serialize_str("words"),
            DrawnVocabulary::Range(low, high) => serializer.collect_str(&format_args!("{low}..{high}")),
            DrawnVocabulary::Ids(ids) => ids.serialize(serializer),
        }
    }
}

impl TryFrom<TextOr<Vec<u32>>> for DrawnVocabulary {
    type Error = String;

    fn try_from(written: TextOr<Vec<u32>>) -> Result<Self, String> {
        let text = match written {
            TextOr::Other(ids) => return Ok(Self::Ids(ids)),
            TextOr::Text(text) => text,
        };
        match (text.as_str(), Range::parse(&text)) {
            ("all", _) => Ok(Self::All),
            ("words", _) => Ok(Self::Words),
            (_, Ok(Range::HalfOpen(low, high))) => Ok(Self::Range(low, high)),
            _ => Err(format!(
                "'{text}' is not a vocabulary; write \"all\", \"words\", a range of ids \"1000..5000\", or a list of them"
            )),
        }
    }
}

schema_of!(DrawnVocabulary, |_| {
    "description": "`all`, `words`, a range of ids \"1000..5000\" (end excluded), or a list of ids.",
    "anyOf": [
        { "type": "string", "minLength": 1 },
        { "type": "array", "items": { "type": "integer", "minimum": 0 }, "minItems": 2, "uniqueItems": true },
    ],
});
