//! How much work a sweep is, without doing it.

use super::partial::left;
use super::plan::{Join, Stage};
use super::sweep::{Lane, Sweep, lanes};
use crate::model::facts::Facts;
use crate::model::hook::Site;

impl Sweep<'_> {
    /// Positions of layers that are computed, and the floating-point operations of their products and of the unembedding.
    pub fn work(&self) -> (u64, u64) {
        let facts = self.replay.transformer.facts();
        let (mut positions, mut operations) = (0, 0);
        for mut lane in lanes(self.entries) {
            let mut rows: Vec<(usize, usize)> = Vec::new();
            for layer in 0..facts.n_layers {
                if self.prefixes.part_at(layer) {
                    rows = self.distinct(lane.joined(), layer);
                }
                for stage in [Stage::Pre, Stage::Mid] {
                    let joining = self.joining(&mut lane, Join { layer, stage });
                    let joining = self.distinct(joining, layer);
                    let attends = if stage == Stage::Pre { rows.len() + joining.len() } else { 0 };
                    rows.extend(joining);
                    for &(member, settled) in &rows[..attends] {
                        operations += self.attention_operations(&lane, member, settled, layer);
                    }
                }
                for &(member, settled) in &rows {
                    positions += self.slots(&lane, settled, layer) as u64;
                    operations += self.mlp_operations(&lane, member, settled, layer);
                }
            }
            self.joining(&mut lane, Join { layer: facts.n_layers, stage: Stage::Pre });
            let ends = self.distinct(lane.joined(), facts.n_layers).len();
            operations += 2 * (ends * facts.d_model * facts.n_vocab) as u64;
        }
        (positions, operations)
    }

    /// The entries that are computed of some, each with the layer from which on it is computed at its last position alone.
    fn distinct(&self, entries: std::ops::Range<usize>, layer: usize) -> Vec<(usize, usize)> {
        let by = self.prefixes.first_of(entries.clone(), layer);
        let (members, settled) = self.computed(entries, &by);
        members.into_iter().zip(settled).collect()
    }

    /// Positions that a layer's attention reads.
    fn slots(&self, lane: &Lane, settled: usize, layer: usize) -> usize {
        if layer < settled { self.replay.base.tokens.pos - lane.start } else { 1 }
    }

    fn attention_operations(&self, lane: &Lane, member: usize, settled: usize, layer: usize) -> u64 {
        let facts = self.replay.transformer.facts();
        let (slots, kept) = (self.slots(lane, settled, layer), self.slots(lane, settled, layer + 1));
        let (heads, kv_heads, written) = match self.left(Site::Z, member, layer, kept) {
            None => (facts.n_heads, facts.n_kv_heads, facts.n_heads),
            Some(units) => {
                let group = facts.n_heads / facts.n_kv_heads;
                let mut read: Vec<usize> = units.iter().map(|head| head / group).collect();
                read.dedup();
                (read.len() * group, read.len(), units.len())
            }
        };
        2 * (facts.d_model * facts.d_head * (kept * (heads + written) + 2 * slots * kv_heads)) as u64
    }

    fn mlp_operations(&self, lane: &Lane, member: usize, settled: usize, layer: usize) -> u64 {
        let facts = self.replay.transformer.facts();
        let slots = self.slots(lane, settled, layer + 1);
        let neurons = self.left(Site::MlpPost, member, layer, slots).map_or(facts.d_mlp, |units| units.len());
        neuron_operations(facts) * (slots * neurons) as u64
    }

    fn left(&self, site: Site, member: usize, layer: usize, slots: usize) -> Option<Vec<usize>> {
        self.prefixes.edits(member, layer)?;
        let length = self.replay.base.tokens.pos;
        let edits = &self.rows[self.order[member]].edits;
        left(site, layer, edits, self.replay.transformer.facts(), length - slots, length)
    }
}

/// Floating-point operations of one position of one layer: two per weight.
pub fn layer_operations(facts: &Facts) -> u64 {
    let attention = facts.d_model * facts.d_head * (2 * facts.n_heads + 2 * facts.n_kv_heads);
    2 * attention as u64 + neuron_operations(facts) * facts.d_mlp as u64
}

fn neuron_operations(facts: &Facts) -> u64 {
    2 * (facts.d_model * if facts.gated { 3 } else { 2 }) as u64
}
