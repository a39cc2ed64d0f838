//! Answers of prompts: those that count as right, and wrong ones to compare with.

use super::fields::FieldValue;

/// An answer in one model's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The number, or the text without spaces around it.
    pub value: FieldValue,
    /// Its tokens after the prompt, at least one.
    pub tokens: Vec<u32>,
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
}
