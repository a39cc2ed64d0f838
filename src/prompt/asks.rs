//! What a prompt asks for, before it is in any model's tokens.

use super::calculation::Calculation;
use super::fields::Fields;
use super::template::{Fill, Slot};
use super::words::Filling;

/// What a prompt asks for.
#[derive(Debug, Clone)]
pub(super) enum Asks {
    Numbers(Calculation),
    Words(Filling),
}

impl Fill for Asks {
    fn fill(&self, slot: Slot, text: &mut String) {
        match self {
            Asks::Numbers(calculation) => calculation.fill(slot, text),
            Asks::Words(filling) => filling.fill(slot, text),
        }
    }
}

impl From<&Fields> for Asks {
    fn from(fields: &Fields) -> Self {
        match fields {
            Fields::Calculation(calculation) => Asks::Numbers(*calculation),
            Fields::Words { words, .. } => Asks::Words(Filling { words: words.clone(), at: Vec::new() }),
        }
    }
}
