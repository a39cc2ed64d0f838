//! `[prompts]` and `[prompt_sets.NAME]`: templates, what fills their slots (operators and operands, or words), and which of the
//! prompts are kept.

use super::defaults::defaults;
use super::text_or::{TextOr, schema_of};
use super::{
    AnswerSet, Chat, ComputedWord, Operator, PairItem, PairPart, PairRow, Pairs, RandomTokens, Range, Rows, SlotWords,
};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A set of prompts: one for each template, operator and pair of operands that is legal and kept; or, where `slots` or `rows` are
/// written and no `operands`, one for each template and combination of words; or `pairs`, each prompt as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prompts {
    /// The prompt's text with its slots: `{a}`, `{op}`, `{b}`, or those of `slots` and `rows`; or several, by name.
    #[serde(default, skip_serializing_if = "Templates::is_empty")]
    pub template: Templates,
    /// What the model should write after the prompt, with the slot `{answer}`: `" {answer}"` where a space belongs to it. Of prompts
    /// from words, with their slots: `" {io}"`.
    #[serde(default = "default_completion", skip_serializing_if = "String::is_empty")]
    #[schemars(extend("format" = "completion"))]
    pub completion: String,
    /// The wrong answer that measures compare with, r' of every effect, with the slots of prompts from words: `" {s}"`. Left out:
    /// the counterfactual prompt's answer.
    pub contrast: Option<String>,
    /// Right answers where there are several, of prompts from words: further ones beside the completion, `[" {alias}"]`; or the
    /// completion with each word of a slot that compares, `{ slot = "end", above = "yy" }`. Any of them counts.
    pub right: Option<AnswerSet>,
    /// Wrong answers where there are several, likewise: `[" {x}", " {y}"]`, or `{ slot = "end", upto = "yy" }`; words that are right are
    /// left out.
    pub wrong: Option<AnswerSet>,
    /// Operators by symbol: `+` `-` `*` `/` (floor division).
    #[serde(default = "default_operators", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "operators_schema")]
    pub operators: Vec<String>,
    /// Values of each operand slot: a half-open range `"0..300"`, or a list `[1, 2, 3]`.
    pub operands: Option<Operands>,
    /// The words of each slot, every one combined with every one of the others: a list, or the name of a slot whose list it is, or of one
    /// that is built in: `days`, `hours`, `letters`, `months`, `numbers`, `ordinals`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub slots: IndexMap<String, SlotWords>,
    /// Words of several slots that go together, a table for each: `[{ country = "France", capital = "Paris" }, …]`; or a CSV, TSV,
    /// JSONL or Parquet file of them, its path from this file on: `"capitals.csv"`, or with its checksum `{ file = "capitals.csv",
    /// sha256 = "…" }`.
    #[serde(default, skip_serializing_if = "Rows::is_empty")]
    pub rows: Rows,
    /// Prompts that are given one by one, as they are: a table for each, `[{ clean = "…", corrupted = "…", answers = " Paris", wrong =
    /// [" Rome", " Bonn"] }, …]`; or a CSV, TSV, JSONL or Parquet file of them, its path from this file on: `"pairs.jsonl"`, or with its
    /// columns `{ file = "pairs.csv", clean = "sentence", answer_tokens = "correct_idx" }`.
    pub pairs: Option<Pairs>,
    /// Slots whose words are computed of others': `{ then = { of = "month", plus = "n" } }` is the month n months on.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub computed: IndexMap<String, ComputedWord>,
    /// Slots whose words must differ from each other in every prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub different: Vec<String>,
    /// Random tokens, several times over, in place of slots: `{ length = 25, repeats = 2 }`. The answer is the token that follows by
    /// repetition.
    pub random_tokens: Option<RandomTokens>,
    /// Prompts as ids of tokens, each with its answer as the last: `[[1, 2, 3, 1, 2, 3], …]`. They are the whole prompt: no token is put
    /// before them but where `[model]` says `bos = true`.
    pub tokens: Option<Vec<Vec<u32>>>,
    /// Whether the answer must be one token, or may be several (and is then decoded greedily).
    #[serde(default)]
    pub answer: Answer,
    /// Whether each word, operand and operator of a prompt must be one token of its own there, or may be several: then positions are
    /// within them, `subject.first`, `subject.last`, `subject.all`, `subject.each`, and prompts of a template may differ in length.
    /// Left out: as `answer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<WordTokens>,
    /// Answers that are legal, as a half-open range: `"0..1000"`. Left out: every answer that is not negative.
    #[schemars(extend("format" = "range"))]
    pub answers: Option<String>,
    /// Answers are taken modulo this number, and are then from 0 to one less: with 59, 40 + 30 is 11. Left out: they are as they are.
    #[schemars(range(min = 2, max = 1_000_000_000))]
    pub modulus: Option<i64>,
    /// Whether each prompt is a user's message in the model's own chat template, up to where the reply begins: `true`, or what else is in
    /// the chat, `{ system = "…" }`.
    #[serde(default, skip_serializing_if = "Chat::is_off")]
    pub chat: Chat,
    /// Worked examples put before each prompt, rendered with the same template and completion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shots: Vec<Shot>,
    /// Text between the shots, and between the last of them and the prompt.
    #[serde(default = "default_separator")]
    pub shot_separator: String,
    /// Keep the prompts the model answers correctly, incorrectly, or all of them.
    #[serde(default)]
    pub keep: Keep,
    /// How many prompts to draw per operator and template; left out: all of them.
    #[schemars(range(min = 1))]
    pub sample: Option<usize>,
    /// Pass over the first so many of each draw, and take the `sample` after them: with `skip` as large as another set's `sample`
    /// and its seeds, two sets that have no prompt in common.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: usize,
    /// Draw so that as many different answers as possible occur (paper §2.1).
    #[serde(default = "default_true")]
    pub spread_answers: bool,
    /// Seeds of the draw; each gives a sample of its own.
    #[serde(default = "default_seeds")]
    #[schemars(length(min = 1))]
    pub seeds: Vec<u64>,
}

impl Prompts {
    /// Whether they are written in tokens.
    pub(crate) fn is_tokens(&self) -> bool {
        self.random_tokens.is_some() || self.tokens.is_some()
    }

    /// Whether they are of no operands: of words, of whole prompts, or of tokens.
    pub(crate) fn has_no_operands(&self) -> bool {
        self.operands.is_none()
    }

    /// Whether each word must be one token.
    pub fn single_words(&self) -> bool {
        let like_answer = match self.answer {
            Answer::SingleToken => WordTokens::SingleToken,
            Answer::MultiToken => WordTokens::MultiToken,
        };
        self.words.unwrap_or(like_answer) == WordTokens::SingleToken
    }

    /// In how many groups its prompts are told apart in rows: one for each operator; all words are one; pairs say their groups.
    pub fn groups(&self) -> usize {
        match &self.pairs {
            Some(pairs) => {
                let group =
                    |row: &PairRow| row.get(PairPart::Group.key()).map(|cell| cell.items().first().map(PairItem::text));
                pairs.rows().iter().map(group).collect::<HashSet<_>>().len()
            }
            None if self.has_no_operands() => 1,
            None => self.operators.len(),
        }
    }

    /// The same without the defaults that mean nothing to prompts from words, given one by one, or of tokens.
    pub(super) fn settled(mut self) -> Self {
        if self.has_no_operands() {
            self.operators.clear();
        }
        if self.pairs.is_some() || self.is_tokens() && self.template == Templates::default() {
            self.template.0.clear();
        }
        if self.is_tokens() && self.completion == DEFAULT_COMPLETION {
            self.completion.clear();
        }
        self
    }
}

defaults! {
    default_completion: String = DEFAULT_COMPLETION.into();
    default_operators: Vec<String> = Operator::ALL.map(|operator| operator.symbol().to_string()).to_vec();
}
fn operators_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "array",
        "items": { "type": "string", "format": "operator" },
        "minItems": 1,
        "uniqueItems": true,
    })
}
defaults! {
    default_separator: String = "\n".into();
    default_true: bool = true;
}
fn is_zero(number: &usize) -> bool {
    *number == 0
}
defaults! {
    default_seeds: Vec<u64> = vec![42];
}

/// What follows a prompt that says nothing of it.
pub const DEFAULT_COMPLETION: &str = "{answer}";

/// One template, or several by name. A single one is named `default`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "TextOr<IndexMap<String, String>>")]
pub struct Templates(pub IndexMap<String, String>);

impl Default for Templates {
    /// The paper's prompt (§2.1), `{op1}{operator}{op2}=` without spaces.
    fn default() -> Self {
        Self::single("{a}{op}{b}=")
    }
}

impl Templates {
    /// One template under the name `default`.
    pub fn single(text: &str) -> Self {
        Self(IndexMap::from([("default".to_string(), text.to_string())]))
    }

    /// Whether there are none, as of prompts that are given one by one.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is one template, written without a name.
    pub(crate) fn is_single(&self) -> bool {
        self.0.len() == 1 && self.0.contains_key("default")
    }
}

impl Serialize for Templates {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.first() {
            Some((_, text)) if self.is_single() => text.serialize(serializer),
            _ => self.0.serialize(serializer),
        }
    }
}

impl From<TextOr<IndexMap<String, String>>> for Templates {
    fn from(written: TextOr<IndexMap<String, String>>) -> Self {
        match written {
            TextOr::Text(text) => Self::single(&text),
            TextOr::Other(named) => Self(named),
        }
    }
}

schema_of!(Templates, |_| {
    "description": "A template such as \"{a}{op}{b}=\", or a table of them by name.",
    "anyOf": [
        { "type": "string", "format": "template" },
        {
            "type": "object",
            "additionalProperties": { "type": "string", "format": "template" },
            "minProperties": 1,
        },
    ],
});

/// The values each operand slot runs over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operands {
    /// First operand.
    pub a: Range,
    /// Second operand.
    pub b: Range,
}

/// A worked example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shot {
    /// First operand.
    pub a: i64,
    /// Operator symbol.
    #[schemars(extend("format" = "operator"))]
    pub op: String,
    /// Second operand.
    pub b: i64,
}

/// How many tokens an answer may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Prompts whose answer is more than one token are not legal.
    #[default]
    SingleToken,
    /// Answers of any length; accuracy is told for the first token and for the whole answer, decoded greedily.
    MultiToken,
}

/// How many tokens what fills a prompt's slots may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WordTokens {
    /// Prompts with a word, operand or operator of more than one token are not legal.
    SingleToken,
    /// Any number.
    MultiToken,
}

/// Which prompts stay, by the model's own answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Every legal prompt.
    #[default]
    All,
    /// Prompts whose answer the model gives (single-token: its arg-max; multi-token: greedy decoding).
    Correct,
    /// Prompts it gets wrong.
    Incorrect,
}
