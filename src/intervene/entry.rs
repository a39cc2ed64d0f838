//! Where a row leaves the base run, as far as its edits alone say it.

use super::edit::{Change, Edit, Units, Value};
use crate::model::facts::{Facts, Residual};
use crate::model::hook::{Hook, SITES, Site};

/// Where a row leaves the base run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct JoinPoint {
    /// The layer; the number of layers for the unembedding.
    pub layer: usize,
    /// Where in it.
    pub stage: LayerStage,
}

/// Where in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LayerStage {
    /// Before the block.
    Pre,
    /// Between attention and MLP.
    Mid,
}

/// A row's way.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SweepEntry {
    /// Index of the row.
    pub row: usize,
    /// First position that is computed.
    pub start: usize,
    /// First stage that is computed.
    pub join: JoinPoint,
    /// Hooks whose edits are written straight into the stream where the row joins: what they change there is linear.
    pub direct: Vec<Hook>,
}

impl SweepEntry {
    /// What entries are ordered by: those that are computed together are neighbours.
    pub fn order(&self) -> (usize, JoinPoint, usize) {
        (self.start, self.join, self.row)
    }

    /// Positions that are computed of a prompt of so many tokens.
    pub fn positions(&self, length: usize) -> usize {
        length - self.start
    }
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
                Hook::Block(other, Site::AttnProjected | Site::Ln1PostOut | Site::AttnOut)
                    if other == layer && edit.units == Units::All =>
                {
                    heads.fill(true);
                }
                _ => {}
            }
        }
        heads.iter().all(|&replaced| replaced)
    };
    (0..facts.n_layers).rev().take_while(settles).last().unwrap_or(facts.n_layers)
}

/// Whether a row that joins here is computed at its last position alone: no attention follows that reads the others.
pub(super) fn alone(join: JoinPoint, settled: usize) -> bool {
    join.layer >= settled || join.layer + 1 == settled && join.stage == LayerStage::Mid
}

/// The way of a row whose values are not known yet: all of its edits change something. `None` where it has none.
pub(super) fn outline(number: usize, edits: &[Edit], facts: &Facts, length: usize) -> Option<SweepEntry> {
    let start = edits.iter().flat_map(|edit| edit.positions.iter(length)).min()?;
    let first = edits.iter().map(|edit| order(edit.hook, facts)).min()?;
    Some(way(number, edits, (first, start), settled(edits, facts, length), (facts, length)))
}

/// The way of a row that leaves the base at a place in the order of a forward pass and a position.
pub(super) fn way(
    row: usize,
    edits: &[Edit],
    ((layer, site), start): ((usize, usize), usize),
    settled: usize,
    (facts, length): (&Facts, usize),
) -> SweepEntry {
    let hooks = edits.iter().map(|edit| edit.hook);
    let here = |&hook: &Hook| matches!(order(hook, facts), (other, place) if other == layer && place >= site);
    let (join, direct) = join(layer, &hooks.filter(here).collect::<Vec<_>>(), facts);
    let start = if alone(join, settled) { length - 1 } else { start };
    SweepEntry { row, start, join, direct }
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
pub(super) fn join(layer: usize, hooks: &[Hook], facts: &Facts) -> (JoinPoint, Vec<Hook>) {
    let before = (JoinPoint { layer, stage: LayerStage::Pre }, Vec::new());
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
        return (JoinPoint { layer, stage: LayerStage::Pre }, embeds);
    }
    let is = |wanted: &[Site]| -> Vec<Hook> {
        distinct.iter().copied().filter(|hook| matches!(hook, Hook::Block(_, site) if wanted.contains(site))).collect()
    };
    let attention = is(&[Site::Z, Site::Result, Site::AttnProjected, Site::Ln1PostOut, Site::AttnOut]);
    let mlp = is(&[Site::MlpPost, Site::MlpProjected, Site::Ln2PostOut, Site::MlpOut]);
    let post = is(&[Site::ResidPost]);
    let second_norm = [Site::Ln2Scale, Site::Ln2Standardized, Site::Ln2Normalized, Site::Ln2Out];
    let norm_after = [Site::Ln2PostScale, Site::Ln2PostStandardized, Site::Ln2PostNormalized];
    let of_router = [Site::RouterLogits, Site::ExpertWeights];
    let inner =
        is(&[&[Site::ResidMid], &second_norm[..], &of_router, &[Site::MlpPre, Site::MlpPreLinear], &norm_after[..]]
            .concat());
    let early = distinct.len() - attention.len() - mlp.len() - post.len() - inner.len();
    let after = JoinPoint { layer: layer + 1, stage: LayerStage::Pre };
    if early > 0 || attention.len() > 1 || mlp.len() > 1 {
        return before;
    }
    let only_outputs = inner.is_empty() && (post.is_empty() || attention.is_empty() && mlp.is_empty());
    if facts.residual == Residual::Sequential {
        return match attention.is_empty() {
            false => (JoinPoint { layer, stage: LayerStage::Mid }, attention),
            true if only_outputs => (after, [mlp, post].concat()),
            true => (JoinPoint { layer, stage: LayerStage::Mid }, Vec::new()),
        };
    }
    if only_outputs { (after, [attention, mlp, post].concat()) } else { before }
}
