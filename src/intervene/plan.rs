//! Where each row joins: the first layer and position that its edits change.

use super::activation::{Activation, Activations};
use super::base::CleanRun;
use super::edit::{Change, Edit, EditedPrompt, Units, Value};
use super::entry::{SweepEntry, order, way};
use super::error::EditError;
use crate::model::facts::Facts;

/// Plans a row; `None` where its edits change nothing. `settled`: as [`settled`] says of its edits.
///
/// # Errors
/// Edits that the model cannot have, and values that are not there.
pub(super) fn plan(
    number: usize,
    row: &EditedPrompt,
    settled: usize,
    facts: &Facts,
    base: &CleanRun,
    sources: &Activations,
) -> Result<Option<SweepEntry>, EditError> {
    let length = base.tokens.pos;
    if row.prompt >= base.tokens.batch {
        return Err(EditError::Prompt { row: number, prompt: row.prompt, prompts: base.tokens.batch });
    }
    let mut start = length;
    let mut first: Option<(usize, usize)> = None;
    for edit in row.edits.iter() {
        let Some(position) = first_change(edit, row, length, base, sources)? else { continue };
        start = start.min(position);
        let at = order(edit.hook, facts);
        first = Some(first.map_or(at, |first| first.min(at)));
    }
    Ok(first.map(|first| way(number, &row.edits, (first, start), settled, (facts, length))))
}

/// The first position where an edit changes the base run, were it the only one.
fn first_change(
    edit: &Edit,
    row: &EditedPrompt,
    length: usize,
    base: &CleanRun,
    sources: &Activations,
) -> Result<Option<usize>, EditError> {
    let positions = edit.positions.iter(length);
    let (value, strength, add, basis) = match &edit.change {
        Change::Cut { keys } => {
            let first_key = keys.iter(length).min();
            // Edges from later positions are cut by the causal mask already.
            return Ok(positions.filter(|&query| first_key.is_some_and(|key| key <= query)).min());
        }
        Change::Replace { value, strength } => (value, *strength, false, None),
        Change::Add { value, strength } => (value, *strength, true, None),
        Change::Within { basis, value, strength } => (value, *strength, false, Some(basis)),
    };
    let new: Option<(&Activation, usize)> = match value {
        Value::Constant(_) => None,
        Value::Fixed(activation) => Some((activation, 0)),
        Value::Source => Some(source(edit, row, length, sources)?),
    };
    // Of the final norm nothing but the last position reaches the logits that are read, and no other is kept of the base.
    let last_only = edit.hook.is_of_final_norm();
    if strength == 0.0 || last_only && edit.positions.iter(length).all(|position| position + 1 != length) {
        return Ok(None);
    }
    let Some(old) = base.activations.get(&edit.hook) else {
        return Err(EditError::NoSource { hook: edit.hook, source_run: Some(row.prompt) });
    };
    let differs = |new: &[f32], old: &[f32]| match (basis, add) {
        (Some(basis), _) => old
            .chunks_exact(basis.width())
            .zip(new.chunks_exact(basis.width()))
            .any(|(old, new)| basis.differs(old, |place| new[place])),
        (None, true) => new.iter().any(|&value| value != 0.0),
        (None, false) => new != old,
    };
    let constant = match value {
        Value::Constant(constant) => Some(*constant),
        _ => None,
    };
    let changes = |old: Option<&[f32]>, new: Option<&[f32]>| match (old, new, constant) {
        (Some(old), _, Some(constant)) => match (basis, add) {
            (Some(basis), _) => old.chunks_exact(basis.width()).any(|old| basis.differs(old, |_| constant)),
            (None, true) => constant != 0.0,
            (None, false) => old.iter().any(|&value| value != constant),
        },
        (Some(old), Some(new), None) => differs(new, old),
        // A position that the base does not hold, such as one before the last at the final norm, reaches nothing.
        (None, ..) => false,
        (_, None, None) => false,
    };
    for position in positions {
        let whole = edit.units == Units::All && old.position(row.prompt, position).is_some();
        let changed = if whole {
            changes(old.position(row.prompt, position), new.and_then(|(new, run)| new.position(run, position)))
        } else {
            edit.units.iter(old.layout.units()).any(|unit| {
                changes(old.unit(row.prompt, position, unit), new.and_then(|(new, run)| new.unit(run, position, unit)))
            })
        };
        if changed {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

/// The source run's values at an edit's place, all of which must be there.
fn source<'s>(
    edit: &Edit,
    row: &EditedPrompt,
    length: usize,
    sources: &'s Activations,
) -> Result<(&'s Activation, usize), EditError> {
    let missing = || EditError::NoSource { hook: edit.hook, source_run: row.source };
    let run = row.source.ok_or_else(missing)?;
    let activation = sources.get(&edit.hook).ok_or_else(missing)?;
    let held = |position: usize| activation.unit(run, position, 0).is_some();
    let last_only = edit.hook.is_of_final_norm();
    let needed = edit.positions.iter(length).filter(|&position| !last_only || position + 1 == length);
    if needed.into_iter().all(held) { Ok((activation, run)) } else { Err(missing()) }
}
