//! What prompts are drawn, counted, averaged and shown with.

use crate::spec::Operator;
use std::borrow::Cow;
use std::fmt;

/// The label of prompts of words.
const WORDS: &str = "words";
/// The label of prompts that are given one by one, where they have no groups of their own.
const PAIRS: &str = "pairs";
/// The label of prompts that are written in tokens.
const TOKENS: &str = "tokens";

/// The group of a prompt: of arithmetic its operator, of words and of tokens all prompts of the set, of prompts that are given one by one what they
/// say. A group is its label, which rows have in the
/// column `operator`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PromptGroup {
    label: Cow<'static, str>,
    /// Whether its source has no other, so that sentences need not tell which.
    is_only: bool,
}

impl PromptGroup {
    /// All prompts of words.
    pub const WORDS: Self = Self { label: Cow::Borrowed(WORDS), is_only: true };

    /// All prompts that are written in tokens.
    pub const TOKENS: Self = Self { label: Cow::Borrowed(TOKENS), is_only: true };

    /// All prompts that are given one by one.
    pub const PAIRS: Self = Self { label: Cow::Borrowed(PAIRS), is_only: true };

    /// Prompts of a group that a file names.
    pub fn named(label: &str) -> Self {
        Self { label: Cow::Owned(label.to_string()), is_only: false }
    }

    /// Whether its source has no other.
    pub fn is_only(&self) -> bool {
        self.is_only
    }

    /// The prompts of an operator, by its symbol.
    pub const fn operator(symbol: &'static str) -> Self {
        Self { label: Cow::Borrowed(symbol), is_only: false }
    }

    /// The labels that groups have, whatever the prompts.
    pub fn labels() -> impl Iterator<Item = &'static str> {
        Operator::ALL.into_iter().map(Operator::symbol).chain([WORDS, TOKENS, PAIRS])
    }

    /// How rows write it.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Which of a template's prompts: `, operator '+'`; nothing where these are all.
    pub(super) fn among(&self) -> String {
        if self.is_only { String::new() } else { format!(", {self}") }
    }

    /// Prompts of what: `for '+'`, `of the words`.
    pub(super) fn wanted(&self) -> String {
        if self.is_only { format!("of the {}", self.label) } else { format!("for '{}'", self.label) }
    }
}

/// As sentences name it: `operator '+'`.
impl fmt::Display for PromptGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operator '{}'", self.label)
    }
}
