//! Edits of a prompt, and of each token that is written after it.

use crate::intervene::edit::{Change, Edit, Positions};
use crate::intervene::error::EditError;
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};
use std::sync::Arc;

/// What is changed while a text is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenEdits {
    /// At positions of the prompt.
    pub prompt: Arc<[Edit]>,
    /// At each new token: where the model reads a token that it has written. The positions of these edits are not read. The keys of a
    /// cut are positions of the prompt, all up to the new token, or, where none is named, all before it.
    pub new: Arc<[Edit]>,
}

impl TokenEdits {
    /// Makes sure that a model has all of it, for prompts of `length` tokens.
    ///
    /// # Errors
    /// The first thing that is not there.
    pub fn validate(&self, facts: &Facts, length: usize) -> Result<(), EditError> {
        self.prompt.iter().try_for_each(|edit| edit.validate(facts, length).map(drop))?;
        self.new.iter().try_for_each(|edit| at(edit, length.saturating_sub(1)).validate(facts, length).map(drop))
    }

    /// Whether an edit of new tokens is of attention's edges: which keys there are depends on how much stands before.
    pub(super) fn reads_edges(&self) -> bool {
        self.new.iter().any(|edit| matches!(edit.hook, Hook::Block(_, Site::AttnScores | Site::Pattern)))
    }

    /// All edits of a prompt of `prompt` tokens and of what was written after it, `length` tokens together.
    pub(super) fn whole(&self, prompt: usize, length: usize) -> Arc<[Edit]> {
        if length == prompt {
            return self.prompt.clone();
        }
        let of_prompt = self.prompt.iter().map(|edit| edit.in_prompt(prompt));
        let of_new = (prompt..length).flat_map(|position| self.new.iter().map(move |edit| at(edit, position)));
        of_prompt.chain(of_new).collect()
    }

    /// The edits of a new token at a position.
    pub(super) fn at(&self, position: usize) -> Arc<[Edit]> {
        self.new.iter().map(|edit| at(edit, position)).collect()
    }
}

/// An edit of new tokens as that of one at a position.
fn at(edit: &Edit, position: usize) -> Edit {
    let change = match &edit.change {
        Change::Cut { keys: Positions::At(keys) } if keys.is_empty() => {
            Change::Cut { keys: Positions::At((0..position).collect()) }
        }
        change => change.clone(),
    };
    Edit { positions: Positions::At(vec![position]), change, ..edit.clone() }
}
