//! AcceptedAnswers of prompts: the right ones, and a wrong one to compare with.

use super::fields::FieldValue;
use std::sync::Arc;

/// An answer that counts as right, in one model's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The number, or the text without spaces around it.
    pub value: FieldValue,
    /// Its tokens after the prompt, at least one.
    pub tokens: Vec<u32>,
}

/// The answers that count as right: at least one, of which measures read the first. No source gives more than that one yet.
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
    /// The one that measures read.
    pub fn first(&self) -> &Accepted {
        &self.first
    }

    /// Every one, that which measures read first.
    pub fn iter(&self) -> impl Iterator<Item = &Accepted> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// A wrong answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contrast {
    /// Its text, without spaces around it.
    pub text: Arc<str>,
    /// Its first token.
    pub token: u32,
}
