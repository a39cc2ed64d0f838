//! What is read of every token of some runs with their edits, each where it comes next.

use super::activation::Activations;
use super::apply::logits_of_edited;
use super::edit::EditedPrompt;
use super::error::EditError;
use super::readout::{LogitRead, LogitReads};
use crate::model::transformer::{Tokens, Transformer};

/// What is read of tokens of each row, `[row, token]`: of `targets`, as many for each prompt, `[prompt, token]`, the first of which stands at
/// position `first`; each is read by the logits of the position before it, so that the last need not be among the prompt's `tokens`. `wanted`
/// has one pick. Rows are whole runs: as many at once as their logits, `[row, pos, n_vocab]`, fit into memory.
///
/// # Errors
/// Edits that the model cannot have.
pub fn read_tokens(
    transformer: &Transformer,
    tokens: &Tokens,
    rows: &[EditedPrompt],
    sources: &Activations,
    (first, targets): (usize, &[u32]),
    wanted: LogitRead,
) -> Result<LogitReads, EditError> {
    let facts = transformer.facts();
    for row in rows {
        row.edits.iter().try_for_each(|edit| edit.validate(facts, tokens.pos).map(drop))?;
    }
    let count = targets.len() / tokens.batch.max(1);
    let logits = logits_of_edited(transformer, tokens, rows, sources);
    let logits = logits.narrow(1, first - 1, count).reshape([rows.len() * count, facts.n_vocab]);
    let numbers: Vec<usize> = (0..rows.len() * count).collect();
    let target = |number: usize| vec![targets[rows[number / count].prompt * count + number % count]];
    Ok(LogitReads::read(logits.clone(), &numbers, target, || logits, wanted))
}
