//! How much work rows are, without doing it.

use super::edit::{Edit, EditedPrompt};
use super::entry::{JoinPoint, LayerStage, SweepEntry, outline};
use super::lane::{Lane, lanes};
use super::operations::{mlp_operations, neuron_operations};
use super::shared_prefix::Prefixes;
use super::skipped_units::left;
use crate::model::facts::{Facts, HeadNorm};
use crate::model::hook::Site;
use std::ops::Range;
use std::sync::Arc;

/// What a replay computes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Positions of layers: rows that are the same up to some layer count once.
    pub positions: u64,
    /// Rows whose logits are computed.
    pub unembedded: u64,
    /// Floating-point operations of the layers' products.
    pub operations: u64,
    /// Positions whose residual streams are kept, of all rows that change something.
    pub streams: u64,
}

impl Work {
    /// Of each of these interventions on one prompt of `length` tokens, at most: values that happen to be the prompt's own make it
    /// less.
    pub fn of<'e>(interventions: impl Iterator<Item = &'e [Edit]>, facts: &Facts, length: usize) -> Self {
        let rows: Vec<EditedPrompt> =
            interventions.map(|edits| EditedPrompt { prompt: 0, source: Some(0), edits: Arc::from(edits) }).collect();
        let outline = |(number, row): (usize, &EditedPrompt)| outline(number, &row.edits, facts, length);
        let mut entries: Vec<SweepEntry> = rows.iter().enumerate().filter_map(outline).collect();
        entries.sort_by_key(SweepEntry::order);
        Self::of_sweep(&rows, &entries, facts, length)
    }

    /// Of one sweep.
    pub(super) fn of_sweep(rows: &[EditedPrompt], entries: &[SweepEntry], facts: &Facts, length: usize) -> Self {
        Count { rows, entries, prefixes: &Prefixes::new(rows, entries, facts, length), facts, length }.work()
    }
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.positions += other.positions;
        self.unembedded += other.unembedded;
        self.operations += other.operations;
        self.streams += other.streams;
    }
}

/// Counts what a sweep does.
struct Count<'c> {
    rows: &'c [EditedPrompt],
    entries: &'c [SweepEntry],
    prefixes: &'c Prefixes,
    facts: &'c Facts,
    /// Tokens of a prompt.
    length: usize,
}

impl Count<'_> {
    fn work(&self) -> Work {
        let facts = self.facts;
        let streams = self.entries.iter().map(|entry| entry.positions(self.length) as u64).sum();
        let mut work = Work { streams, ..Work::default() };
        for mut lane in lanes(self.entries) {
            let mut rows: Vec<(usize, usize)> = Vec::new();
            for layer in 0..facts.n_layers {
                if self.prefixes.part_at(layer) {
                    rows = self.distinct(lane.joined(), layer);
                }
                for stage in [LayerStage::Pre, LayerStage::Mid] {
                    let joining = lane.joining(self.entries, JoinPoint { layer, stage });
                    let joining = self.distinct(joining, layer);
                    let attends = if stage == LayerStage::Pre { rows.len() + joining.len() } else { 0 };
                    rows.extend(joining);
                    for &(member, settled) in &rows[..attends] {
                        work.operations += self.attention_operations(&lane, member, settled, layer);
                    }
                }
                for &(member, settled) in &rows {
                    work.positions += self.slots(&lane, settled, layer) as u64;
                    work.operations += self.mlp_operations(&lane, member, settled, layer);
                }
            }
            lane.joining(self.entries, JoinPoint { layer: facts.n_layers, stage: LayerStage::Pre });
            work.unembedded += self.distinct(lane.joined(), facts.n_layers).len() as u64;
        }
        work
    }

    /// The entries that are computed of some, each with the layer from which on it is computed at its last position alone.
    fn distinct(&self, entries: Range<usize>, layer: usize) -> Vec<(usize, usize)> {
        let by = self.prefixes.first_of(entries.clone(), layer);
        let (members, settled) = self.prefixes.computed(entries, &by);
        members.into_iter().zip(settled).collect()
    }

    /// Positions that a layer's attention reads.
    fn slots(&self, lane: &Lane, settled: usize, layer: usize) -> usize {
        if layer < settled { self.length - lane.start } else { 1 }
    }

    fn attention_operations(&self, lane: &Lane, member: usize, settled: usize, layer: usize) -> u64 {
        let facts = self.facts;
        let (slots, kept) = (self.slots(lane, settled, layer), self.slots(lane, settled, layer + 1));
        let (heads, k_heads, v_heads, written) = match self.left(Site::Z, member, layer, kept) {
            None => (facts.n_heads, facts.n_kv_heads, facts.n_kv_heads, facts.n_heads),
            Some(units) => {
                let group = facts.n_heads / facts.n_kv_heads;
                let mut read: Vec<usize> = units.iter().map(|head| head / group).collect();
                read.dedup();
                match facts.head_norm {
                    // A norm over all heads reads all of them, but for values.
                    Some(HeadNorm::AllHeads) if !units.is_empty() => {
                        (facts.n_heads, facts.n_kv_heads, read.len(), units.len())
                    }
                    _ => (read.len() * group, read.len(), read.len(), units.len()),
                }
            }
        };
        2 * (facts.d_model * facts.d_head * (kept * (heads + written) + slots * (k_heads + v_heads))) as u64
    }

    fn mlp_operations(&self, lane: &Lane, member: usize, settled: usize, layer: usize) -> u64 {
        let slots = self.slots(lane, settled, layer + 1);
        let per_position = match self.left(Site::MlpPost, member, layer, slots) {
            None => mlp_operations(self.facts, layer),
            Some(units) => neuron_operations(self.facts) * units.len() as u64,
        };
        per_position * slots as u64
    }

    fn left(&self, site: Site, member: usize, layer: usize, slots: usize) -> Option<Vec<usize>> {
        self.prefixes.edits(member, layer)?;
        let edits = &self.rows[self.entries[member].row].edits;
        left(site, layer, edits, self.facts, self.length - slots, self.length)
    }
}
