//! `[prompts.computed]`: words that are counted on from another slot's word, in a list.

use super::defaults::defaults;
use super::text_or::schema_of;
use super::{SlotWords, Word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::str::SplitWhitespace;

/// A word that comes some steps after another slot's word in a list: the month that is `n` months after `month`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComputedWord {
    /// The slot whose word is counted on from.
    pub of: String,
    /// How many steps: a whole number, or a slot of whole numbers or of the words `zero` to `twenty`. Less than zero counts back.
    pub plus: Steps,
    /// The list that is counted in: words, or the name of a slot or of a list that is built in. Left out: the words of the slot `of`.
    pub list: Option<SlotWords>,
    /// Whether the first word follows the last. Otherwise prompts whose word would be beyond an end are left out, and counted.
    #[serde(default = "default_cycle")]
    pub cycle: bool,
}

defaults! {
    default_cycle: bool = true;
}

/// How far is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a whole number, or the name of a slot of whole numbers")]
pub enum Steps {
    /// So far in every prompt.
    Fixed(i64),
    /// As far as a slot says.
    Slot(String),
}

schema_of!(Steps, |_| {
    "description": "A whole number, or the name of a slot of whole numbers.",
    "anyOf": [{ "type": "integer" }, { "type": "string", "minLength": 1 }],
});

/// Lists of words that are built in, by their names.
const LISTS: [(&str, &str); 6] = [
    ("days", "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    ("hours", "1 2 3 4 5 6 7 8 9 10 11 12"),
    ("letters", "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z"),
    ("months", "January February March April May June July August September October November December"),
    (
        NUMBERS,
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen \
               eighteen nineteen twenty",
    ),
    ("ordinals", "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"),
];

const NUMBERS: &str = "numbers";

/// The words of a list that is built in.
pub fn word_list(name: &str) -> Option<Vec<Word>> {
    Some(built_in(name)?.map(|word| Word(word.to_string())).collect())
}

fn built_in(name: &str) -> Option<SplitWhitespace<'static>> {
    let (_, words) = LISTS.iter().find(|(known, _)| *known == name)?;
    Some(words.split_whitespace())
}

/// The names of lists that are built in.
pub fn word_lists() -> impl Iterator<Item = &'static str> {
    LISTS.into_iter().map(|(name, _)| name)
}

/// The number that a word writes: in digits, or as `zero` to `twenty`.
pub fn number_of(word: &str) -> Option<i64> {
    let word = word.trim();
    word.parse().ok().or_else(|| {
        let place = built_in(NUMBERS)?.position(|number| number.eq_ignore_ascii_case(word))?;
        i64::try_from(place).ok()
    })
}
