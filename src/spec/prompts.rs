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

/// A set of prompts. Of arithmetic: one for each template, operator and pair of operands that is legal and kept. With `slots` or
/// `rows`: one for each template and combination of words. With `pairs`: each prompt as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prompts {
    /// The prompt's text with its slots: `{a}`, `{op}`, `{b}`, or those of `slots` and `rows`. Several templates are a table, by
    /// name.
    #[serde(default, skip_serializing_if = "Templates::is_empty")]
    pub template: Templates,
    /// What the model should write after the prompt. For arithmetic it has the slot `{answer}`: `" {answer}"` if a space belongs
    /// to the answer. For prompts from words it has their slots: `" {io}"`.
    #[serde(default = "default_completion", skip_serializing_if = "String::is_empty")]
    #[schemars(extend("format" = "completion"))]
    pub completion: String,
    /// A wrong answer, written as `completion` is: `" {s}"`. Measures that compare the right answer r with a wrong one,
    /// r', take it as r'. Left out: r' is the counterfactual prompt's answer.
    pub contrast: Option<String>,
    /// Several right answers, for prompts from words; any of them counts as right. Either answers beside the
    /// completion, `[" {alias}"]`, or the completion with each word of a slot that meets a condition, `{ slot = "end",
    /// above = "yy" }`.
    pub right: Option<AnswerSet>,
    /// Several wrong answers, written likewise: `[" {x}", " {y}"]`, or `{ slot = "end", upto = "yy" }`. A word that is right is
    /// never wrong.
    pub wrong: Option<AnswerSet>,
    /// Operators by symbol: `+` `-` `*` `/` (floor division).
    #[serde(default = "default_operators", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "operators_schema")]
    pub operators: Vec<String>,
    /// Values of each operand slot: a half-open range `"0..300"`, or a list `[1, 2, 3]`.
    pub operands: Option<Operands>,
    /// The words of each slot. Every word is combined with every word of the other slots. A slot is a list of words, or the name
    /// of another slot to use its list, or a built-in list: `days`, `hours`, `letters`, `months`, `numbers`, `ordinals`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub slots: IndexMap<String, SlotWords>,
    /// Words of several slots that belong together, one table for each group: `[{ country = "France", capital = "Paris" }, …]`.
    /// Or a CSV, TSV, JSONL or Parquet file of them, relative to this file: `"capitals.csv"`, or with its checksum `{ file =
    /// "capitals.csv", sha256 = "…" }`.
    #[serde(default, skip_serializing_if = "Rows::is_empty")]
    pub rows: Rows,
    /// Prompts written out one by one, a table for each: `[{ clean = "…", corrupted = "…", answers = " Paris", wrong = [" Rome",
    /// " Bonn"] }, …]`. Or a CSV, TSV, JSONL or Parquet file of them, relative to this file: `"pairs.jsonl"`, or with the names
    /// of its columns `{ file = "pairs.csv", clean = "sentence", answer_tokens = "correct_idx" }`.
    pub pairs: Option<Pairs>,
    /// Slots whose words are computed from others: `{ then = { of = "month", plus = "n" } }` is the month n months later.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub computed: IndexMap<String, ComputedWord>,
    /// Slots that never have the same word in one prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub different: Vec<String>,
    /// A block of random tokens that comes several times, in place of a template: `{ length = 25, repeats = 2 }`. The answer is
    /// the token that follows by repetition.
    pub random_tokens: Option<RandomTokens>,
    /// Prompts as token ids, the last of each being its answer: `[[1, 2, 3, 1, 2, 3], …]`. The ids are the whole prompt: no
    /// beginning-of-text token is added unless `[model]` says `bos = true`.
    pub tokens: Option<Vec<Vec<u32>>>,
    /// Whether the answer must be one token, or may be several (and is then decoded greedily).
    #[serde(default)]
    pub answer: Answer,
    /// Whether each word, operand and operator must be a single token in its prompt, or may be several. With several, positions
    /// lie within them (`subject.first`, `subject.last`, `subject.all`, `subject.each`), and prompts of a template may differ in
    /// length. Left out: as `answer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<WordTokens>,
    /// Answers that are legal, as a half-open range: `"0..1000"`. Left out: every answer that is not negative.
    #[schemars(extend("format" = "range"))]
    pub answers: Option<String>,
    /// Answers are taken modulo this number: with 59, 40 + 30 is 11.
    #[schemars(range(min = 2, max = 1_000_000_000))]
    pub modulus: Option<i64>,
    /// Whether each prompt is a user's message in the model's own chat template: `true`, or a table of what else the chat has, `{
    /// system = "…" }`. The completion is what the reply should begin with.
    #[serde(default, skip_serializing_if = "Chat::is_off")]
    pub chat: Chat,
    /// Worked examples put before each prompt, rendered with the same template and completion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shots: Vec<Shot>,
    /// Text between the shots, and between the last of them and the prompt.
    #[serde(default = "default_separator")]
    pub shot_separator: String,
    /// Which prompts to keep: those that the model answers correctly, incorrectly, or all.
    #[serde(default)]
    pub keep: Keep,
    /// How many prompts to draw per operator and template; left out: all of them.
    #[schemars(range(min = 1))]
    pub sample: Option<usize>,
    /// How many prompts at the beginning of each draw to pass over. Two sets with the same seeds have no prompt in common if one
    /// skips as many as the other samples.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: usize,
    /// Whether to draw so that as many different answers as possible occur (paper §2.1).
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
    /// Answers of any length. Accuracy is measured for the first token and for the whole answer, decoded greedily.
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
    /// Prompts that the model answers correctly: its arg-max is the answer, or for answers of several tokens greedy
    /// decoding gives it.
    Correct,
    /// Prompts that the model answers incorrectly.
    Incorrect,
}
