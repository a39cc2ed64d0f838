//! One layer of a chunk of rows: stretches of rows that edits leave the same heads and neurons to compute.

use super::apply::{EditHooks, EditIndex};
use super::edit::EditedPrompt;
use super::lane::Chunk;
use super::origin::SweepOrigin;
use super::shared_prefix::Prefixes;
use super::skipped_units::left;
use super::tensors::take;
use crate::kernel::Past;
use crate::model::hook::{Hook, HookValue, Hooks, Site};
use crate::model::transformer::OutputPositions;
use crate::model::transformer::{BlockPart, BlockParts, Mlp};
use burn::tensor::Tensor;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Parts of a layer, by the edits that leave them and the first position: `None` where all is computed.
#[derive(Default)]
pub(super) struct PartCache(HashMap<(Site, usize, usize), Option<Arc<BlockPart>>>);

/// Neighbours in a chunk that are computed alike.
struct Segment {
    /// Their places.
    members: Range<usize>,
    heads: Option<Arc<BlockPart>>,
    neurons: Option<Arc<BlockPart>>,
}

/// The rows of one sweep, as its layers compute them.
pub(super) struct SweepLayers<'s> {
    pub origin: &'s SweepOrigin<'s>,
    pub rows: &'s [EditedPrompt],
    /// Numbers of the rows in the order of the entries.
    pub order: Vec<usize>,
    pub index: EditIndex,
    pub prefixes: Prefixes,
}

impl SweepLayers<'_> {
    pub fn hooks<'h>(&'h self, members: &'h [usize]) -> EditHooks<'h> {
        let SweepOrigin { sources, base, transformer, .. } = *self.origin;
        let (length, facts) = (base.tokens.pos, transformer.facts());
        EditHooks { rows: self.rows, order: &self.order, members, index: &self.index, sources, length, facts }
    }

    /// The attention of a layer.
    pub fn attend(&self, chunk: &mut Chunk, layer: usize, known: &mut PartCache) {
        let transformer = self.origin.transformer;
        let keep = self.keep(chunk, layer);
        let stretches = self.stretches(chunk, layer, (keep, &[Site::Z]), known);
        self.each_stretch(chunk, &stretches, |stretch, members, stream| {
            let past = self.past(members, layer, stream.dims()[1]);
            let heads = stretch.heads.as_deref();
            transformer.attend(layer, stream, keep, past.as_ref(), heads, &mut self.hooks(members))
        });
    }

    /// The MLP of a layer that follows its attention.
    pub fn transform(&self, chunk: &mut Chunk, layer: usize, known: &mut PartCache) {
        let stretches = self.stretches(chunk, layer, (OutputPositions::All, &[Site::MlpPost]), known);
        self.each_stretch(chunk, &stretches, |stretch, members, stream| {
            let neurons = stretch.neurons.as_deref();
            self.origin.transformer.transform(layer, stream, neurons, &mut self.hooks(members))
        });
    }

    /// A layer whose attention and MLP stand side by side.
    pub fn block(&self, chunk: &mut Chunk, layer: usize, known: &mut PartCache) {
        let keep = self.keep(chunk, layer);
        let stretches = self.stretches(chunk, layer, (keep, &[Site::Z, Site::MlpPost]), known);
        self.each_stretch(chunk, &stretches, |stretch, members, stream| {
            let past = self.past(members, layer, stream.dims()[1]);
            let parts = BlockParts { heads: stretch.heads.as_deref(), neurons: stretch.neurons.as_deref() };
            let hooks = &mut self.hooks(members);
            self.origin.transformer.block_after(layer, stream, keep, past.as_ref(), parts, hooks)
        });
    }

    fn each_stretch(
        &self,
        chunk: &mut Chunk,
        stretches: &[Segment],
        compute: impl Fn(&Segment, &[usize], Tensor<3>) -> Tensor<3>,
    ) {
        let stream = take(&mut chunk.stream);
        let members = &chunk.members;
        chunk.stream = match stretches {
            [whole] => compute(whole, members, stream),
            _ => {
                let of = |stretch: &Segment| {
                    let Range { start, end } = stretch.members;
                    compute(stretch, &members[start..end], stream.clone().narrow(0, start, end - start))
                };
                Tensor::cat(stretches.iter().map(of).collect(), 0)
            }
        };
    }

    /// Which positions are needed after a layer's attention. The rows of a chunk agree: see `Sweep::settle`.
    fn keep(&self, chunk: &Chunk, layer: usize) -> OutputPositions {
        if chunk.settled.iter().all(|&settled| settled <= layer + 1) {
            OutputPositions::Last
        } else {
            OutputPositions::All
        }
    }

    fn stretches(
        &self,
        chunk: &Chunk,
        layer: usize,
        (keep, sites): (OutputPositions, &[Site]),
        known: &mut PartCache,
    ) -> Vec<Segment> {
        if !sites.iter().any(|&site| self.index.any(Hook::Block(layer, site))) {
            return vec![Segment { members: 0..chunk.members.len(), heads: None, neurons: None }];
        }
        let slots = if keep == OutputPositions::Last { 1 } else { chunk.stream.dims()[1] };
        let mut stretches: Vec<Segment> = Vec::new();
        let mut before = None;
        for (place, &member) in chunk.members.iter().enumerate() {
            let edits = self.prefixes.edits(member, layer);
            let mut part = |site: Site| {
                edits.filter(|_| sites.contains(&site)).and_then(|edits| {
                    known
                        .0
                        .entry((site, edits, slots))
                        .or_insert_with(|| self.known(site, layer, member, slots))
                        .clone()
                })
            };
            if let Some(last) = stretches.last_mut().filter(|_| before == Some(edits)) {
                last.members.end = place + 1;
                continue;
            }
            let (heads, neurons) = (part(Site::Z), part(Site::MlpPost));
            // Whatever their edits are, rows of which all is computed are computed alike.
            let all = |heads: &Option<_>, neurons: &Option<_>| heads.is_none() && neurons.is_none();
            let both = all(&heads, &neurons);
            match stretches.last_mut().filter(|last| both && all(&last.heads, &last.neurons)) {
                Some(last) => last.members.end = place + 1,
                None => stretches.push(Segment { members: place..place + 1, heads, neurons }),
            }
            before = Some(edits);
        }
        stretches
    }

    /// What the edits of a member leave to be computed, and what the rest writes.
    fn known(&self, site: Site, layer: usize, member: usize, slots: usize) -> Option<Arc<BlockPart>> {
        let (transformer, length) = (self.origin.transformer, self.origin.base.tokens.pos);
        let (facts, block) = (transformer.facts(), transformer.layer(layer));
        let edits = &self.rows[self.order[member]].edits;
        let units = left(site, layer, edits, facts, length - slots, length)?;
        let (device, dtype) = (transformer.device(), self.origin.base.resid_pre[0].dtype());
        let (empty, output) = match (site, &block.mlp) {
            (Site::Z, _) => {
                let empty = Tensor::zeros([1, slots, facts.n_heads, facts.d_head], (&device, dtype));
                (HookValue::Heads(empty), &block.attention.o)
            }
            (_, Mlp::Dense(mlp)) => {
                (HookValue::Stream(Tensor::zeros([1, slots, facts.d_mlp], (&device, dtype))), &mlp.down)
            }
            (_, Mlp::Mixture(_)) => return None,
        };
        // Units that are computed stay zero: no edit is of them.
        let values = match self.hooks(&[member]).visit(Hook::Block(layer, site), empty) {
            HookValue::Stream(values) => values,
            HookValue::Heads(values) => values.reshape([1, slots, facts.n_heads * facts.d_head]),
        };
        Some(Arc::new(BlockPart { units, others: output.without_bias(values) }))
    }

    /// Keys and values of the base before the positions that are computed; none where all are.
    fn past(&self, members: &[usize], layer: usize, slots: usize) -> Option<Past> {
        let base = self.origin.base;
        let start = base.tokens.pos - slots;
        let of = || members.iter().map(|&member| self.rows[self.order[member]].prompt).collect();
        let (keys, values) = (&base.keys[layer], &base.values[layer]);
        (start > 0).then(|| Past { keys: keys.clone(), values: values.clone(), len: start, of: of(), own: None })
    }
}
