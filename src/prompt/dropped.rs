//! Why prompts are not legal, counted.

use super::group::PromptGroup;
use super::template::Slot;

/// Why a prompt is not legal, in the order it is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The divisor is zero.
    DivisionByZero,
    /// The answer does not fit 64 bits.
    Overflow,
    /// The answer is negative, and the spec gives no range of answers.
    Negative,
    /// The answer is outside the spec's range of answers.
    OutsideAnswers,
    /// The tokenizer has no tokens for the prompt.
    UnknownText,
    /// What fills a slot is more than one token.
    Long(Slot),
    /// A token holds (a part of) what fills a slot and other text.
    Shared(Slot),
    /// The tokenizer has no tokens for the answer.
    UnknownAnswer,
    /// The prompt's tokens change when the answer follows.
    Merges,
    /// The completion's text before the answer is a token of its own.
    CompletionApart,
    /// The answer is more than one token.
    AnswerLong,
    /// The contrast has no tokens of its own after the prompt, or more than one where one is asked for.
    Contrast,
    /// The contrast begins with the answer's first token.
    ContrastAlike,
    /// A prompt that others are paired with is given without one.
    NoPair,
    /// The prompt and the one that it is paired with differ in their number of tokens.
    PairLength,
    /// The prompt and the one that it is paired with have no two answers to compare.
    PairAnswer,
    /// No word is a right answer.
    NoRight,
    /// No word is a wrong answer.
    NoWrong,
    /// The chat template takes spaces off the prompt's ends.
    Trimmed,
    /// What is computed of words is beyond the ends of its list.
    BeyondList,
    /// Words are the same that must differ. No prompt is meant by it: it is not counted.
    Alike,
}

impl Reason {
    /// In words, as tables and messages give it.
    pub fn text(self) -> &'static str {
        match self {
            Reason::DivisionByZero => "division by zero",
            Reason::Overflow => "answer does not fit 64 bits",
            Reason::Negative => "answer is negative",
            Reason::OutsideAnswers => "answer is outside 'answers'",
            Reason::UnknownText => "prompt is not in the vocabulary",
            Reason::Long(Slot::A) => "operand a is more than one token",
            Reason::Long(Slot::Op) => "operator is more than one token",
            Reason::Long(Slot::B) => "operand b is more than one token",
            Reason::Shared(Slot::A) => "operand a shares a token with other text",
            Reason::Shared(Slot::Op) => "operator shares a token with other text",
            Reason::Shared(Slot::B) => "operand b shares a token with other text",
            Reason::UnknownAnswer => "answer is not in the vocabulary",
            Reason::Merges | Reason::Shared(Slot::Answer) => "prompt and answer share a token",
            Reason::CompletionApart => "completion's text before the answer is a token of its own",
            Reason::AnswerLong | Reason::Long(Slot::Answer) => "answer is more than one token",
            Reason::Long(Slot::Word { .. }) => "word is more than one token",
            Reason::Shared(Slot::Word { .. }) => "word shares a token with other text",
            Reason::Contrast => "contrast is not one token",
            Reason::ContrastAlike => "contrast and answer begin with the same token",
            Reason::NoPair => "no corrupted prompt is given",
            Reason::PairLength => "clean and corrupted prompt differ in their number of tokens",
            Reason::PairAnswer => "the pair gives no wrong answer, and the corrupted prompt none that begins otherwise",
            Reason::NoRight => "no word is a right answer",
            Reason::NoWrong => "no word is a wrong answer",
            Reason::Trimmed => "chat template takes off the spaces at the prompt's ends",
            Reason::BeyondList => "computed word is beyond the ends of its list",
            Reason::Alike => "words that must differ are the same",
        }
    }
}

/// Why a prompt is not legal, and the word that is at fault where it is one: its place, or `answer`, and its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    pub reason: Reason,
    pub word: Option<(Slot, String)>,
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self { reason, word: None }
    }
}

/// Prompts that are not legal for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Name of the template.
    pub template: String,
    /// Its group.
    pub group: PromptGroup,
    /// Why.
    pub reason: Reason,
    /// The word at fault, where it is one: `io "Agnes"`.
    pub word: Option<String>,
    /// How many.
    pub count: usize,
    /// The first of them, with its tokens where they are the reason.
    pub example: String,
}

impl Dropped {
    /// Counts them with those that were dropped for the same reason, if any were.
    pub(crate) fn join(self, all: &mut Vec<Self>) {
        let is_same = |one: &&mut Self| {
            (&one.template, &one.group, one.reason, &one.word) == (&self.template, &self.group, self.reason, &self.word)
        };
        match all.iter_mut().find(is_same) {
            Some(known) => known.count += self.count,
            None => all.push(self),
        }
    }

    /// Why, in words: `answer is negative`, `word is more than one token: io "Agnes"`.
    pub fn why(&self) -> String {
        match &self.word {
            None => self.reason.text().to_string(),
            Some(word) => format!("{}: {word}", self.reason.text()),
        }
    }
}
