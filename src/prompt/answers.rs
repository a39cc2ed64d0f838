//! Answers of prompts: those that count as right, and wrong ones to compare with.

use super::dropped::{Fault, Reason};
use super::fields::FieldValue;
use super::template::Slot;

/// An answer in one model's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The number, or the text without spaces around it.
    pub value: FieldValue,
    /// Its tokens after the prompt, at least one.
    pub tokens: Vec<u32>,
}

impl Accepted {
    /// Adds it to others, unless one of them has its tokens.
    pub(super) fn join(self, all: &mut Vec<Self>) {
        if all.iter().all(|known| known.tokens != self.tokens) {
            all.push(self);
        }
    }
}

/// The answers that count as right: at least one. What reads a single answer reads the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedAnswers {
    first: Accepted,
    others: Vec<Accepted>,
}

impl From<Accepted> for AcceptedAnswers {
    fn from(first: Accepted) -> Self {
        Self { first, others: Vec::new() }
    }
}

impl AcceptedAnswers {
    /// Of several right answers.
    pub fn new(first: Accepted, others: Vec<Accepted>) -> Self {
        Self { first, others }
    }

    /// The one that is read where a single one is.
    pub fn first(&self) -> &Accepted {
        &self.first
    }

    /// Every one, in the spec's order.
    pub fn iter(&self) -> impl Iterator<Item = &Accepted> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Makes sure that no wrong answer begins as one of them does: measures of the next token could not tell them apart.
    ///
    /// # Errors
    /// The first that does.
    pub(super) fn apart_from(&self, wrong: &[Accepted]) -> Result<(), Fault> {
        let begins_alike = |one: &&Accepted| self.iter().any(|right| right.tokens.first() == one.tokens.first());
        match wrong.iter().find(begins_alike) {
            Some(one) => {
                Err(Fault { reason: Reason::ContrastAlike, word: Some((Slot::Answer, one.value.to_string())) })
            }
            None => Ok(()),
        }
    }
}
