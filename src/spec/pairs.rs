//! `pairs`: prompts that are given one by one, each with its answers and, where there is one, its corrupted prompt.

use super::text_or::schema_of;
use super::words::no_slot;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Prompts one by one: a table for each, or a file of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a list of tables, each a prompt, or a file of them")]
pub enum Pairs {
    /// A table for each.
    List(Vec<PairRow>),
    /// A file of them.
    File(#[serde(deserialize_with = "file")] PairsFile),
}

/// A prompt with its answers: the keys of [`PairPart`], and further columns by their own names.
pub type PairRow = IndexMap<String, PairCell>;

/// What stands under a key of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a text, an integer, or a list of them")]
pub enum PairCell {
    /// One text or number.
    One(PairItem),
    /// Several.
    Several(Vec<PairItem>),
}

/// A text, or an integer: its digits, or the id of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a text or an integer")]
pub enum PairItem {
    /// An integer.
    Integer(i64),
    /// A text.
    Text(String),
}

/// A file of pairs: which of its columns is what, and what was read of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairsFile {
    /// Its path, relative to the file that names it.
    pub file: String,
    /// SHA-256 of its bytes, in hex.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// The columns of parts, by the part's key, where they are called otherwise.
    #[serde(flatten)]
    pub columns: IndexMap<String, ColumnNames>,
    /// What was read, a row for each prompt.
    #[serde(skip)]
    pub rows: Arc<[PairRow]>,
}

/// A column, or several whose cells make a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "the name of a column, or a list of them")]
pub enum ColumnNames {
    /// One.
    One(String),
    /// Several, in their order.
    Several(Vec<String>),
}

/// What a column of pairs may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairPart {
    /// The prompt.
    Clean,
    /// The same as ids of tokens.
    CleanTokens,
    /// The prompt that counterfactual runs are of.
    Corrupted,
    /// The same as ids of tokens.
    CorruptedTokens,
    /// What the model should write after the prompt.
    Answers,
    /// The same as ids of tokens, one token each.
    AnswerTokens,
    /// Wrong answers, which measures compare with.
    Wrong,
    /// The same as ids of tokens, one token each.
    WrongTokens,
    /// What the model should write after the corrupted prompt.
    CorruptedAnswers,
    /// The same as ids of tokens, one token each.
    CorruptedAnswerTokens,
    /// What the prompt is drawn and averaged with.
    Group,
}

impl PairPart {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Clean,
        Self::CleanTokens,
        Self::Corrupted,
        Self::CorruptedTokens,
        Self::Answers,
        Self::AnswerTokens,
        Self::Wrong,
        Self::WrongTokens,
        Self::CorruptedAnswers,
        Self::CorruptedAnswerTokens,
        Self::Group,
    ];

    /// Its key in a table, and its column in a file that says nothing else.
    pub fn key(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::CleanTokens => "clean_tokens",
            Self::Corrupted => "corrupted",
            Self::CorruptedTokens => "corrupted_tokens",
            Self::Answers => "answers",
            Self::AnswerTokens => "answer_tokens",
            Self::Wrong => "wrong",
            Self::WrongTokens => "wrong_tokens",
            Self::CorruptedAnswers => "corrupted_answers",
            Self::CorruptedAnswerTokens => "corrupted_answer_tokens",
            Self::Group => "group",
        }
    }

    /// The part of a key.
    pub fn of(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.key() == key)
    }

    /// The same said the other way: as a text, or as ids of tokens. Only one of the two can be.
    pub fn other_way(self) -> Option<Self> {
        Some(match self {
            Self::Clean => Self::CleanTokens,
            Self::CleanTokens => Self::Clean,
            Self::Corrupted => Self::CorruptedTokens,
            Self::CorruptedTokens => Self::Corrupted,
            Self::Answers => Self::AnswerTokens,
            Self::AnswerTokens => Self::Answers,
            Self::Wrong => Self::WrongTokens,
            Self::WrongTokens => Self::Wrong,
            Self::CorruptedAnswers => Self::CorruptedAnswerTokens,
            Self::CorruptedAnswerTokens => Self::CorruptedAnswers,
            Self::Group => return None,
        })
    }

    /// Whether its cells are ids of tokens.
    pub fn is_tokens(self) -> bool {
        self.key().ends_with("_tokens")
    }

    /// Whether it may have several values.
    pub fn is_list(self) -> bool {
        !matches!(self, Self::Clean | Self::Corrupted | Self::Group)
    }

    /// Whether a row may be without what other rows have.
    fn may_lack(self) -> bool {
        matches!(self, Self::Corrupted | Self::CorruptedTokens | Self::CorruptedAnswers | Self::CorruptedAnswerTokens)
    }
}

impl PairItem {
    /// As a text: a number's digits.
    pub fn text(&self) -> Arc<str> {
        match self {
            PairItem::Integer(number) => Arc::from(number.to_string()),
            PairItem::Text(text) => Arc::from(text.as_str()),
        }
    }

    /// As the id of a token.
    pub fn token(&self) -> Option<u32> {
        match self {
            PairItem::Integer(number) => u32::try_from(*number).ok(),
            PairItem::Text(text) => text.trim().parse().ok(),
        }
    }
}

impl PairCell {
    /// Its values, one or several.
    pub fn items(&self) -> &[PairItem] {
        match self {
            PairCell::One(item) => std::slice::from_ref(item),
            PairCell::Several(items) => items,
        }
    }

    /// A list of two numbers, of which the second is no less: where a part of the prompt begins and ends.
    pub fn span(&self) -> Option<(usize, usize)> {
        match self {
            PairCell::Several(items) => match items.as_slice() {
                [PairItem::Integer(start), PairItem::Integer(end)] if start < end => {
                    Some((usize::try_from(*start).ok()?, usize::try_from(*end).ok()?))
                }
                _ => None,
            },
            PairCell::One(_) => None,
        }
    }
}

impl Pairs {
    /// A row for each prompt.
    pub fn rows(&self) -> &[PairRow] {
        match self {
            Pairs::List(rows) => rows,
            Pairs::File(file) => &file.rows,
        }
    }
}

/// What is wrong with a row: the key, and what to write. `first` is the first row, which says what the others have.
pub fn fault(row: &PairRow, first: &PairRow) -> Option<(String, String)> {
    let at = |part: PairPart, text: String| Some((part.key().to_string(), text));
    for part in PairPart::ALL {
        let Some(cell) = row.get(part.key()) else { continue };
        let key = part.key();
        if let Some(other) = part.other_way().filter(|other| row.contains_key(other.key())) {
            return at(part, format!("has '{key}' and '{}'; write one of them", other.key()));
        }
        if cell.items().is_empty() {
            return at(part, format!("has no value in the list '{key}'; write one, or leave '{key}' out"));
        }
        if let (PairCell::Several(_), false) = (cell, part.is_list()) {
            let tokens = part.other_way().map_or("", |other| other.key());
            let advice = match tokens {
                "" => "write one text".to_string(),
                tokens => format!("write one text; ids of tokens stand under '{tokens}'"),
            };
            return at(part, format!("has a list in '{key}'; {advice}"));
        }
        let kinds = |item: &PairItem| matches!(item, PairItem::Integer(_));
        if cell.items().iter().any(kinds) && !cell.items().iter().all(kinds) {
            return at(
                part,
                format!("mixes texts and numbers in '{key}'; write all of them as texts, or all as numbers"),
            );
        }
        match part.is_tokens() {
            true => {
                if let Some(item) = cell.items().iter().find(|item| item.token().is_none()) {
                    return at(
                        part,
                        format!("has {:?} in '{key}', which is not a token id; write whole numbers", item.text()),
                    );
                }
            }
            false if cell.items().iter().any(|item| item.text().is_empty()) => {
                return at(part, format!("has an empty text in '{key}'; write a text"));
            }
            false => {}
        }
    }
    let has = |part: PairPart| row.contains_key(part.key());
    let (clean, answers) = (PairPart::Clean, PairPart::Answers);
    if !has(clean) && !has(PairPart::CleanTokens) {
        return at(clean, "has no 'clean', the prompt; write one, or ids of tokens as 'clean_tokens'".into());
    }
    if !has(answers) && !has(PairPart::AnswerTokens) {
        return at(
            answers,
            "has no 'answers', what the model should write; write one, or ids of tokens as 'answer_tokens'".into(),
        );
    }
    if has(PairPart::CleanTokens) && (has(PairPart::Wrong) || !has(PairPart::AnswerTokens)) {
        let text = "has the prompt as ids of tokens, and answers as texts; write 'answer_tokens' and 'wrong_tokens'";
        return at(if has(answers) { answers } else { PairPart::Wrong }, text.into());
    }
    let has_texts = has(PairPart::Clean) && has(PairPart::CorruptedTokens);
    if has_texts || has(PairPart::CleanTokens) && has(PairPart::Corrupted) {
        let part = if has_texts { PairPart::CorruptedTokens } else { PairPart::Corrupted };
        return at(part, "has one prompt as a text and the other as ids of tokens; write both one way".into());
    }
    if has(PairPart::CorruptedTokens) && has(PairPart::CorruptedAnswers) {
        let text =
            "has the corrupted prompt as ids of tokens, and its answers as texts; write 'corrupted_answer_tokens'";
        return at(PairPart::CorruptedAnswers, text.into());
    }
    let corrupted = has(PairPart::Corrupted) || has(PairPart::CorruptedTokens);
    for part in [PairPart::CorruptedAnswers, PairPart::CorruptedAnswerTokens] {
        if has(part) && !corrupted {
            return at(
                part,
                format!("has '{}' and no 'corrupted', the prompt that they answer; write 'corrupted'", part.key()),
            );
        }
    }
    further_fault(row, first)
}

/// What is wrong with what a row has besides, or has not and the first has.
fn further_fault(row: &PairRow, first: &PairRow) -> Option<(String, String)> {
    let optional = |key: &str| PairPart::of(key).is_some_and(PairPart::may_lack);
    if let Some(key) = first.keys().find(|key| !optional(key) && !row.contains_key(*key)) {
        return Some((
            key.clone(),
            format!("has no '{key}', which the first prompt has; give every prompt the same keys"),
        ));
    }
    if let Some(key) = row.keys().find(|key| !optional(key) && !first.contains_key(*key)) {
        return Some((
            key.clone(),
            format!("has '{key}', which the first prompt has not; give every prompt the same keys"),
        ));
    }
    for (key, cell) in row.iter().filter(|(key, _)| PairPart::of(key).is_none()) {
        if let Some(why) = no_slot(key) {
            return Some((key.clone(), format!("a column cannot be called '{key}': {why}")));
        }
        let is_span = |cell: &PairCell| cell.span().is_some();
        if let Some((start, end)) = cell.span()
            && let Some((length, unit)) = length(row).filter(|(length, _)| end > *length)
        {
            let text = format!(
                "has the place [{start}, {end}] in '{key}', which is beyond its prompt of {length} {unit}; write a place within the prompt"
            );
            return Some((key.clone(), text));
        }
        match cell {
            PairCell::Several(_) if !is_span(cell) => {
                let text = format!(
                    "has a list in '{key}' that is not a place in the prompt; write [4, 8] for the characters 4 to 7 of 'clean', or a text"
                );
                return Some((key.clone(), text));
            }
            PairCell::One(item) if item.text().is_empty() => {
                return Some((key.clone(), format!("has an empty text in '{key}'; write a text")));
            }
            _ => {}
        }
        if first.get(key).is_some_and(|first| is_span(first) != is_span(cell)) {
            return Some((
                key.clone(),
                format!(
                    "has a text in '{key}' where another row has a place; write a place in every row, or a text in every row"
                ),
            ));
        }
    }
    None
}

/// How long a row's prompt is, in characters or tokens.
fn length(row: &PairRow) -> Option<(usize, &'static str)> {
    match (row.get(PairPart::Clean.key()), row.get(PairPart::CleanTokens.key())) {
        (Some(text), _) => Some((text.items().first()?.text().chars().count(), "characters")),
        (None, Some(ids)) => Some((ids.items().len(), "tokens")),
        (None, None) => None,
    }
}

fn file<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<PairsFile, D::Error> {
    use super::text_or::TextOr;
    Ok(match TextOr::deserialize(deserializer)? {
        TextOr::Text(file) => PairsFile { file, ..PairsFile::default() },
        TextOr::Other(file) => file,
    })
}

schema_of!(Pairs, |_| {
    "description": "A list of tables, each a prompt with its answers, or a CSV, TSV, JSONL or Parquet file of them.",
    "anyOf": [
        { "type": "string", "minLength": 1 },
        {
            "type": "object",
            "description": "The file, and which of its columns is what, where they are called otherwise. A column within objects: `choices.label`; \
                            one of a list by a column that numbers it: `choices[answerKey]`; all others: `choices[not answerKey]`.",
            "properties": {
                "file": { "type": "string", "minLength": 1, "description": "The file, its path from this file on." },
                "sha256": { "type": "string", "minLength": 1, "description": "The SHA-256 of its bytes, which is then checked." },
                "clean": column("The prompt."),
                "clean_tokens": column("The prompt as ids of tokens."),
                "corrupted": column("The prompt that counterfactual runs are of."),
                "corrupted_tokens": column("The same as ids of tokens."),
                "answers": columns("What the model should write: one text or a list; or a column for each."),
                "answer_tokens": columns("The same as ids, one token each."),
                "wrong": columns("Wrong answers, which measures compare with."),
                "wrong_tokens": columns("The same as ids, one token each."),
                "corrupted_answers": columns("What the model should write after the corrupted prompt."),
                "corrupted_answer_tokens": columns("The same as ids, one token each."),
                "group": column("What prompts are drawn and averaged with: the column `operator` of rows."),
            },
            "required": ["file"],
            "additionalProperties": false,
        },
        {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "description": "A prompt with its answers; other keys are columns of rows, or with a list of two numbers positions.",
                "minProperties": 1,
                "additionalProperties": {
                    "description": "A text, an integer, or a list of them.",
                    "anyOf": [
                        { "type": "string" },
                        { "type": "integer" },
                        { "type": "array", "items": { "description": "A text, or an integer.", "anyOf": [{ "type": "string" }, { "type": "integer" }] } },
                    ],
                },
            },
        },
    ],
});

/// The schema of a key that names a column.
fn column(about: &str) -> serde_json::Value {
    serde_json::json!({ "type": "string", "minLength": 1, "description": about })
}

/// The schema of a key that names one or several.
fn columns(about: &str) -> serde_json::Value {
    serde_json::json!({
        "description": about,
        "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1 },
        ],
    })
}
