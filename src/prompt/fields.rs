//! What prompts are made of and what answers them: fields by name, and values that are numbers or texts.

use super::calculation::Calculation;
use super::template::{Fill, Slot};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// The fields of a prompt: what its template is filled with. Each source of prompts has its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    /// Of arithmetic: `a`, `op` and `b`.
    Calculation(Calculation),
    /// Of words: the slots.
    Words {
        /// What the slots are, the same in all prompts of a set.
        columns: Arc<SlotColumns>,
        /// The word of each.
        words: Vec<Arc<str>>,
    },
    /// Of a prompt that is given as it is: its further columns.
    Pair {
        /// What the columns are, the same in all prompts of a set.
        columns: Arc<SlotColumns>,
        /// The word of each.
        words: Vec<Arc<str>>,
        /// Which of the prompts it is.
        row: usize,
    },
    /// Of prompts that are written in tokens: these, the answer last.
    Tokens(Arc<[u32]>),
}

/// Names of a set's slots, in the spec's order: those of rows, then the others.
pub type SlotNames = Arc<[String]>;

/// The slots of prompts of words as columns of rows: their names, and which hold whole numbers, because every word is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlotColumns {
    /// Names of the slots.
    pub names: SlotNames,
    /// Whether a slot's words are whole numbers.
    pub whole: Vec<bool>,
    /// Whether answers are: those that are the word of such a slot.
    pub whole_answer: bool,
    /// Whether contrasts are, likewise.
    pub whole_contrast: bool,
}

/// A number or a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldValue<T = Arc<str>> {
    /// A whole number.
    Integer(i64),
    /// A text, without spaces around it.
    Text(T),
}

impl Fields {
    /// The value of a field: of `a`, `op` and `b`, or of a slot.
    pub fn get(&self, name: &str) -> Option<FieldValue<&str>> {
        match self {
            Fields::Calculation(Calculation { operator, a, b, .. }) => match name {
                "a" => Some(FieldValue::Integer(*a)),
                "op" => Some(FieldValue::Text(operator.symbol())),
                "b" => Some(FieldValue::Integer(*b)),
                _ => None,
            },
            Fields::Words { columns, words } | Fields::Pair { columns, words, .. } => {
                let slot = columns.names.iter().position(|known| known == name)?;
                words.get(slot).map(|word| FieldValue::Text(&**word))
            }
            Fields::Tokens(_) => None,
        }
    }

    /// What it asks to calculate, where it is of arithmetic.
    pub fn calculation(&self) -> Option<&Calculation> {
        match self {
            Fields::Calculation(calculation) => Some(calculation),
            Fields::Words { .. } | Fields::Pair { .. } | Fields::Tokens(_) => None,
        }
    }
}

impl Fill for Fields {
    fn fill(&self, slot: Slot, text: &mut String) {
        match (self, slot) {
            (Fields::Calculation(calculation), slot) => calculation.fill(slot, text),
            (Fields::Words { words, .. }, Slot::Word { slot, .. }) => {
                text.push_str(words.get(slot).map_or("", |word| word))
            }
            _ => {}
        }
    }
}

impl FieldValue {
    /// The same, borrowed.
    pub fn borrowed(&self) -> FieldValue<&str> {
        match self {
            FieldValue::Integer(number) => FieldValue::Integer(*number),
            FieldValue::Text(text) => FieldValue::Text(text),
        }
    }

    /// The number, or one that stands for the text, the same in every set: the first eight bytes of its SHA-256.
    pub(super) fn number(&self) -> i64 {
        match self {
            FieldValue::Integer(number) => *number,
            FieldValue::Text(text) => {
                let digest = Sha256::digest(text.as_bytes());
                digest.iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
            }
        }
    }
}

impl<T: fmt::Display> fmt::Display for FieldValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldValue::Integer(number) => number.fmt(f),
            FieldValue::Text(text) => text.fmt(f),
        }
    }
}
