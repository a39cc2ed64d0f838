//! What is read of every token of some runs with their edits, each where it comes next.

use super::activation::Activations;
use super::apply::logits_of_edited;
use super::edit::EditedPrompt;
use super::error::EditError;
use super::readout::{LogitRead, LogitReads};
use crate::model::transformer::{Tokens, Transformer};
use std::ops::Range;

/// What is read of tokens of each row, `[row, token]`: of those at `places`, each by the logits of the position before it. `wanted` has one pick.
/// Rows are whole runs: as many at once as their logits, `[row, pos, n_vocab]`, fit into memory.
///
/// # Errors
/// Edits that the model cannot have.
pub fn read_tokens(
    transformer: &Transformer,
    tokens: &Tokens,
    rows: &[EditedPrompt],
    sources: &Activations,
    places: Range<usize>,
    wanted: LogitRead,
) -> Result<LogitReads, EditError> {
    let facts = transformer.facts();
    for row in rows {
        row.edits.iter().try_for_each(|edit| edit.validate(facts, tokens.pos).map(drop))?;
    }
    let count = places.len();
    let logits = logits_of_edited(transformer, tokens, rows, sources);
    let logits = logits.narrow(1, places.start - 1, count).reshape([rows.len() * count, facts.n_vocab]);
    let numbers: Vec<usize> = (0..rows.len() * count).collect();
    let token = |number: usize| {
        let (row, place) = (number / count, number % count);
        vec![tokens.ids[rows[row].prompt * tokens.pos + places.start + place]]
    };
    Ok(LogitReads::read(logits.clone(), &numbers, token, || logits, wanted))
}
