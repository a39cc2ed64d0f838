//! Where each row joins: the first layer and position that its edits change.

use super::activation::{Activation, Activations};
use super::base::Base;
use super::edit::{Change, Edit, Row, Units, Value};
use super::error::EditError;
use crate::model::facts::{Facts, Residual};
use crate::model::hook::{Hook, SITES, Site};

/// Where a row leaves the base run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Join {
    /// The layer; the number of layers for the unembedding.
    pub layer: usize,
    /// Where in it.
    pub stage: Stage,
}

/// Where in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Before the block.
    Pre,
    /// Between attention and MLP.
    Mid,
}

/// A row's way.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// Index of the row.
    pub row: usize,
    /// First position that is computed.
    pub start: usize,
    /// First stage that is computed.
    pub join: Join,
    /// Hooks whose edits are written straight into the stream where the row joins: what they change there is linear.
    pub direct: Vec<Hook>,
}

impl Entry {
    /// What entries are ordered by: those that are computed together are neighbours.
    pub fn order(&self) -> (usize, Join, usize) {
        (self.start, self.join, self.row)
    }
}

/// Plans a row; `None` where its edits change nothing. `settled`: as [`settled`] says of its edits.
///
/// # Errors
/// Edits that the model can not have, and values that are not there.
pub(super) fn plan(
    number: usize,
    row: &Row,
    settled: usize,
    facts: &Facts,
    base: &Base,
    sources: &Activations,
) -> Result<Option<Entry>, EditError> {
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

/// From which layer on the last position of a row with these edits no longer reads the others: there every head's z, or what
/// attention writes, is replaced. The number of layers at most, since the unembedding reads the last position alone.
pub(super) fn settled(edits: &[Edit], facts: &Facts, length: usize) -> usize {
    let last = length - 1;
    let replaces = |edit: &&Edit| {
        let whole = match &edit.change {
            Change::Replace { value: Value::Fixed(values), strength: 1.0 } => {
                values.positions.is_empty() || values.positions.contains(&last)
            }
            Change::Replace { strength: 1.0, .. } => true,
            _ => false,
        };
        whole && edit.positions.iter(length).any(|position| position == last)
    };
    let settles = |&layer: &usize| {
        let mut heads = vec![false; facts.n_heads];
        for edit in edits.iter().filter(replaces) {
            match edit.hook {
                Hook::Block(other, Site::Z) if other == layer => {
                    edit.units.iter(facts.n_heads).for_each(|head| heads[head] = true);
                }
                Hook::Block(other, Site::AttnOut) if other == layer && edit.units == Units::All => heads.fill(true),
                _ => {}
            }
        }
        heads.iter().all(|&replaced| replaced)
    };
    (0..facts.n_layers).rev().take_while(settles).last().unwrap_or(facts.n_layers)
}

/// Whether a row that joins here is computed at its last position alone: no attention follows that reads the others.
fn alone(join: Join, settled: usize) -> bool {
    join.layer >= settled || join.layer + 1 == settled && join.stage == Stage::Mid
}

/// The way of a row whose values are not known yet: all of its edits change something. `None` where it has none.
pub(super) fn outline(number: usize, edits: &[Edit], facts: &Facts, length: usize) -> Option<Entry> {
    let start = edits.iter().flat_map(|edit| edit.positions.iter(length)).min()?;
    let first = edits.iter().map(|edit| order(edit.hook, facts)).min()?;
    Some(way(number, edits, (first, start), settled(edits, facts, length), (facts, length)))
}

/// The way of a row that leaves the base at a place in the order of a forward pass and a position.
fn way(
    row: usize,
    edits: &[Edit],
    ((layer, site), start): ((usize, usize), usize),
    settled: usize,
    (facts, length): (&Facts, usize),
) -> Entry {
    let hooks = edits.iter().map(|edit| edit.hook);
    let here = |&hook: &Hook| matches!(order(hook, facts), (other, place) if other == layer && place >= site);
    let (join, direct) = join(layer, &hooks.filter(here).collect::<Vec<_>>(), facts);
    let start = if alone(join, settled) { length - 1 } else { start };
    Entry { row, start, join, direct }
}

/// A hook's place in the order of a forward pass: layer, and place within it.
pub(super) fn order(hook: Hook, facts: &Facts) -> (usize, usize) {
    match hook {
        // The embedding is the first thing of layer 0.
        Hook::Embed | Hook::PosEmbed => (0, 0),
        Hook::Block(layer, site) => (layer, 1 + SITES.iter().position(|(other, ..)| *other == site).unwrap_or(0)),
        Hook::LnFinalScale | Hook::LnFinalStandardized | Hook::LnFinalNormalized | Hook::LnFinalOut => {
            (facts.n_layers, 0)
        }
    }
}

/// The latest stage before everything that the hooks of a layer change, and those whose change can be written there.
fn join(layer: usize, hooks: &[Hook], facts: &Facts) -> (Join, Vec<Hook>) {
    let before = (Join { layer, stage: Stage::Pre }, Vec::new());
    let mut distinct: Vec<Hook> = Vec::new();
    for &hook in hooks {
        if !distinct.contains(&hook) {
            distinct.push(hook);
        }
    }
    if layer >= facts.n_layers {
        return before;
    }
    let embeds =
        distinct.iter().copied().filter(|hook| matches!(hook, Hook::Embed | Hook::PosEmbed)).collect::<Vec<_>>();
    if !embeds.is_empty() {
        // In a model without learned positions, the embedding is the stream.
        return (Join { layer, stage: Stage::Pre }, embeds);
    }
    let is = |wanted: &[Site]| -> Vec<Hook> {
        distinct.iter().copied().filter(|hook| matches!(hook, Hook::Block(_, site) if wanted.contains(site))).collect()
    };
    let attention = is(&[Site::Z, Site::Result, Site::AttnOut]);
    let mlp = is(&[Site::MlpPost, Site::MlpOut]);
    let post = is(&[Site::ResidPost]);
    let second_norm = [Site::Ln2Scale, Site::Ln2Standardized, Site::Ln2Normalized, Site::Ln2Out];
    let inner = is(&[&[Site::ResidMid], &second_norm[..], &[Site::MlpPre, Site::MlpPreLinear]].concat());
    let early = distinct.len() - attention.len() - mlp.len() - post.len() - inner.len();
    let after = Join { layer: layer + 1, stage: Stage::Pre };
    if early > 0 || attention.len() > 1 || mlp.len() > 1 {
        return before;
    }
    let only_outputs = inner.is_empty() && (post.is_empty() || attention.is_empty() && mlp.is_empty());
    if facts.residual == Residual::Sequential {
        return match attention.is_empty() {
            false => (Join { layer, stage: Stage::Mid }, attention),
            true if only_outputs => (after, [mlp, post].concat()),
            true => (Join { layer, stage: Stage::Mid }, Vec::new()),
        };
    }
    if only_outputs { (after, [attention, mlp, post].concat()) } else { before }
}

/// The first position where an edit changes the base run, were it the only one.
fn first_change(
    edit: &Edit,
    row: &Row,
    length: usize,
    base: &Base,
    sources: &Activations,
) -> Result<Option<usize>, EditError> {
    let positions = edit.positions.iter(length);
    let (value, strength, add) = match &edit.change {
        Change::Cut { keys } => {
            let first_key = keys.iter(length).min();
            // Edges from later positions are cut by the causal mask already.
            return Ok(positions.filter(|&query| first_key.is_some_and(|key| key <= query)).min());
        }
        Change::Replace { value, strength } => (value, *strength, false),
        Change::Add { value, strength } => (value, *strength, true),
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
    let differs = |new: &[f32], old: &[f32]| match add {
        true => new.iter().any(|&value| value != 0.0),
        false => new != old,
    };
    let constant = match value {
        Value::Constant(constant) => Some(*constant),
        _ => None,
    };
    let changes = |old: Option<&[f32]>, new: Option<&[f32]>| match (old, new, constant) {
        (Some(old), _, Some(constant)) => match add {
            true => constant != 0.0,
            false => old.iter().any(|&value| value != constant),
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
    row: &Row,
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
