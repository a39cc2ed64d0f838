//! Several right answers, or several wrong ones: written out, or the words of a slot that compare with others of the prompt.

use super::Word;
use super::text_or::schema_of;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Answers of prompts from words: `[" {x}", " {y}"]`, or the completion with words of a slot, `{ slot = "end", above = "yy" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a list of answers, or a table with a slot")]
pub enum AnswerSet {
    /// Answers with their slots, as completions are written.
    Templates(Vec<String>),
    /// The completion with each of some words in a slot.
    Words(AnswerWords),
}

/// Words of a slot that are answers, where they are written into the completion: all of its list, or whole numbers that compare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerWords {
    /// The slot of the completion whose words these are.
    #[schemars(length(min = 1))]
    pub slot: String,
    /// Those above this: another slot's number in the same prompt, or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Word>,
    /// Those from this on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Word>,
    /// Those below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Word>,
    /// Those up to this, itself included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upto: Option<Word>,
}

/// How a word compares with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberBound {
    /// It is larger.
    Above,
    /// It is larger, or the same.
    From,
    /// It is smaller.
    Below,
    /// It is smaller, or the same.
    Upto,
}

impl AnswerWords {
    /// Its bounds: as a spec names each, what it compares, and with what.
    pub fn bounds(&self) -> impl Iterator<Item = (&'static str, NumberBound, &Word)> {
        let all = [
            ("above", NumberBound::Above, &self.above),
            ("from", NumberBound::From, &self.from),
            ("below", NumberBound::Below, &self.below),
            ("upto", NumberBound::Upto, &self.upto),
        ];
        all.into_iter().filter_map(|(key, bound, word)| Some((key, bound, word.as_ref()?)))
    }
}

impl NumberBound {
    /// Whether a number is within it.
    pub fn holds(self, number: i64, of: i64) -> bool {
        match self {
            NumberBound::Above => number > of,
            NumberBound::From => number >= of,
            NumberBound::Below => number < of,
            NumberBound::Upto => number <= of,
        }
    }
}

schema_of!(AnswerSet, |generator| {
    "description": "A list of answers with their slots, or the completion with the words of a slot.",
    "anyOf": [
        {
            "type": "array",
            "items": { "type": "string", "minLength": 1, "format": "completion" },
            "minItems": 1,
            "uniqueItems": true,
        },
        generator.subschema_for::<AnswerWords>(),
    ],
});
