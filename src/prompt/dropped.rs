//! Why prompts are not legal, counted.

use super::template::Slot;
use serde::Serialize;

/// Why a prompt is not legal, in the order it is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
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
    /// The first operand is more than one token.
    ALong,
    /// The operator is more than one token.
    OpLong,
    /// The second operand is more than one token.
    BLong,
    /// A token holds (a part of) the first operand and other text.
    AShared,
    /// A token holds (a part of) the operator and other text.
    OpShared,
    /// A token holds (a part of) the second operand and other text.
    BShared,
    /// The tokenizer has no tokens for the answer.
    UnknownAnswer,
    /// The prompt's tokens change when the answer follows.
    Merges,
    /// The completion's text before the answer is a token of its own.
    CompletionApart,
    /// The answer is more than one token.
    AnswerLong,
}

impl Reason {
    pub(super) fn long(slot: Slot) -> Reason {
        match slot {
            Slot::A => Reason::ALong,
            Slot::Op => Reason::OpLong,
            Slot::B => Reason::BLong,
            Slot::Answer => Reason::AnswerLong,
        }
    }

    pub(super) fn shared(slot: Slot) -> Reason {
        match slot {
            Slot::A => Reason::AShared,
            Slot::Op => Reason::OpShared,
            Slot::B => Reason::BShared,
            Slot::Answer => Reason::Merges,
        }
    }

    /// The slot it is about, where it is about one.
    pub(super) fn slot(self) -> Option<Slot> {
        match self {
            Reason::ALong | Reason::AShared => Some(Slot::A),
            Reason::OpLong | Reason::OpShared => Some(Slot::Op),
            Reason::BLong | Reason::BShared => Some(Slot::B),
            _ => None,
        }
    }

    /// In words, as tables and messages give it.
    pub fn text(self) -> &'static str {
        match self {
            Reason::DivisionByZero => "division by zero",
            Reason::Overflow => "answer does not fit 64 bits",
            Reason::Negative => "answer is negative",
            Reason::OutsideAnswers => "answer is outside 'answers'",
            Reason::UnknownText => "prompt is not in the vocabulary",
            Reason::ALong => "operand a is more than one token",
            Reason::OpLong => "operator is more than one token",
            Reason::BLong => "operand b is more than one token",
            Reason::AShared => "operand a shares a token with other text",
            Reason::OpShared => "operator shares a token with other text",
            Reason::BShared => "operand b shares a token with other text",
            Reason::UnknownAnswer => "answer is not in the vocabulary",
            Reason::Merges => "prompt and answer share a token",
            Reason::CompletionApart => "completion's text before the answer is a token of its own",
            Reason::AnswerLong => "answer is more than one token",
        }
    }
}

/// Prompts that are not legal for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Name of the template.
    pub template: String,
    /// Operator symbol.
    pub operator: &'static str,
    /// Why.
    pub reason: Reason,
    /// How many.
    pub count: usize,
    /// The first of them, with its tokens where they are the reason.
    pub example: String,
}
