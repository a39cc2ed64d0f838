//! One sweep over the layers: rows join where they leave the base run, are computed once as long as they are the same, and
//! part where their edits do.

use super::apply::EditIndex;
use super::direct;
use super::edit::EditedPrompt;
use super::entry::{JoinPoint, LayerStage, SweepEntry};
use super::lane::{Chunk, Lane, lanes, merge};
use super::origin::SweepOrigin;
use super::segment::{PartCache, SweepLayers};
use super::shared_prefix::Prefixes;
use super::tensors::{gather, gather_last, take};
use super::vocabulary::Vocabulary;
use crate::model::facts::Residual;
use burn::tensor::Tensor;

/// Gets the numbers of some rows and their logits, or what was made of those.
pub(super) type Consume<'c, E, R = Tensor<2>> = dyn FnMut(&[usize], R) -> Result<(), E> + 'c;

/// One sweep over the layers.
pub(super) struct Sweep<'s> {
    layers: SweepLayers<'s>,
    entries: &'s [SweepEntry],
    vocabulary: &'s Vocabulary,
}

impl<'s> Sweep<'s> {
    pub fn new(
        origin: &'s SweepOrigin<'s>,
        rows: &'s [EditedPrompt],
        entries: &'s [SweepEntry],
        vocabulary: &'s Vocabulary,
    ) -> Self {
        let order: Vec<usize> = entries.iter().map(|entry| entry.row).collect();
        let index = EditIndex::new(order.iter().map(|&row| &rows[row]), |number, edit| {
            !entries[number].direct.contains(&edit.hook)
        });
        let prefixes = Prefixes::new(rows, entries, origin.transformer.facts(), origin.base.tokens.pos);
        Self { layers: SweepLayers { origin, rows, order, index, prefixes }, entries, vocabulary }
    }

    pub fn run<E>(&self, consume: &mut Consume<E>) -> Result<(), E> {
        let facts = self.layers.origin.transformer.facts();
        let mut lanes = lanes(self.entries);
        let first = self.entries.iter().map(|entry| entry.join.layer).min().unwrap_or(facts.n_layers);
        self.layers.origin.transformer.expect_layers(first);
        for layer in first..facts.n_layers {
            let mut known = PartCache::default();
            // Those that join may be written by the layer before: all of them do, and then no lane reads that layer any more.
            for lane in &mut lanes {
                self.part(lane, layer);
                self.admit(lane, JoinPoint { layer, stage: LayerStage::Pre });
                self.settle(lane, layer);
            }
            for lane in &mut lanes {
                if facts.residual != Residual::Sequential {
                    lane.chunks.iter_mut().for_each(|chunk| self.layers.block(chunk, layer, &mut known));
                    continue;
                }
                lane.chunks.iter_mut().for_each(|chunk| self.layers.attend(chunk, layer, &mut known));
                self.admit(lane, JoinPoint { layer, stage: LayerStage::Mid });
                lane.chunks.iter_mut().for_each(|chunk| self.layers.transform(chunk, layer, &mut known));
            }
        }
        for mut lane in lanes {
            self.part(&mut lane, facts.n_layers);
            self.admit(&mut lane, JoinPoint { layer: facts.n_layers, stage: LayerStage::Pre });
            self.finish(lane, consume)?;
        }
        Ok(())
    }

    /// The logits of a lane's rows.
    fn finish<E>(&self, mut lane: Lane, consume: &mut Consume<E>) -> Result<(), E> {
        let rows = lane.spread(lane.joined());
        for (chunk, rows) in lane.chunks.drain(..).zip(rows) {
            let mut hooks = self.layers.hooks(&chunk.members);
            let logits = self.vocabulary.logits(chunk.stream, self.layers.origin.transformer, &mut hooks);
            let numbers =
                |rows: &[(usize, usize)]| rows.iter().map(|&(entry, _)| self.layers.order[entry]).collect::<Vec<_>>();
            if rows.len() == chunk.members.len() {
                consume(&numbers(&rows), logits)?;
                continue;
            }
            for rows in rows.chunks(chunk.members.len()) {
                let places: Vec<usize> = rows.iter().map(|&(_, place)| place).collect();
                consume(&numbers(rows), gather(&logits, &places))?;
            }
        }
        Ok(())
    }

    /// Lets the rows in that join here, filling up the last chunk first.
    fn admit(&self, lane: &mut Lane, join: JoinPoint) {
        let joining = lane.joining(self.entries, join);
        if joining.is_empty() {
            return;
        }
        let by = self.layers.prefixes.first_of(joining.clone(), join.layer);
        let (members, settled) = self.layers.prefixes.computed(joining, &by);
        lane.by.extend(by);
        let most = self.most(lane.start);
        let slots = self.layers.origin.base.tokens.pos - lane.start;
        let mut done = 0;
        while done < members.len() {
            let last = lane.chunks.last().filter(|chunk| chunk.stream.dims()[1] == slots);
            let room = last.map_or(0, |chunk| most.saturating_sub(chunk.members.len()));
            let next = done..members.len().min(done + if room > 0 { room } else { most });
            done = next.end;
            let (members, settled) = (&members[next.clone()], &settled[next]);
            let stream = self.stream_of(members, join, lane.start);
            match lane.chunks.last_mut().filter(|_| room > 0) {
                Some(chunk) => {
                    chunk.members.extend_from_slice(members);
                    chunk.settled.extend_from_slice(settled);
                    chunk.stream = Tensor::cat(vec![take(&mut chunk.stream), stream], 0);
                }
                None => lane.chunks.push(Chunk { members: members.to_vec(), settled: settled.to_vec(), stream }),
            }
        }
    }

    /// Lets rows go their own ways that were the same before a layer and are not after it.
    fn part(&self, lane: &mut Lane, layer: usize) {
        if !self.layers.prefixes.part_at(layer) || lane.joined().is_empty() {
            return;
        }
        let by = self.layers.prefixes.first_of(lane.joined(), layer);
        let (members, settled) = self.layers.prefixes.computed(lane.joined(), &by);
        let spread = lane.spread(members.iter().copied());
        lane.by = by;
        let most = self.most(lane.start);
        let mut chunks = Vec::with_capacity(lane.chunks.len());
        for (mut chunk, rows) in lane.chunks.drain(..).zip(spread) {
            let of = |&(entry, _): &(usize, usize)| members.binary_search(&entry).map_or(layer, |at| settled[at]);
            if rows.len() == chunk.members.len() {
                chunk.settled = rows.iter().map(of).collect();
                chunks.push(chunk);
                continue;
            }
            let pieces = rows.len().div_ceil(most);
            for rows in rows.chunks(rows.len().div_ceil(pieces)) {
                let places: Vec<usize> = rows.iter().map(|&(_, place)| place).collect();
                let members = rows.iter().map(|&(entry, _)| entry).collect();
                let settled = rows.iter().map(of).collect();
                chunks.push(Chunk { members, settled, stream: gather(&chunk.stream, &places) });
            }
        }
        lane.chunks = chunks;
    }

    /// Puts rows that read no more than their last position after a layer apart from the others.
    fn settle(&self, lane: &mut Lane, layer: usize) {
        let settles = |&settled: &usize| settled <= layer + 1;
        if layer + 1 == self.layers.origin.transformer.facts().n_layers {
            return;
        }
        // At their last position already, and those that will be after this layer.
        let (mut last, mut settling, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for chunk in lane.chunks.drain(..) {
            let count = chunk.settled.iter().filter(|settled| settles(settled)).count();
            match count {
                _ if chunk.stream.dims()[1] == 1 => last.push(chunk),
                0 => others.push(chunk),
                _ if count == chunk.members.len() => settling.push(chunk),
                _ => {
                    let (yes, no) =
                        (0..chunk.members.len()).partition::<Vec<usize>, _>(|&place| settles(&chunk.settled[place]));
                    settling.push(chunk.of(&yes));
                    others.push(chunk.of(&no));
                }
            }
        }
        // Chunks that rows may still join come last.
        let most = (self.most(lane.start), self.most(self.layers.origin.base.tokens.pos - 1));
        lane.chunks = [merge(last, most.1), merge(settling, most.0), others].concat();
    }

    /// Rows that are computed together at most.
    fn most(&self, start: usize) -> usize {
        let columns = self.vocabulary.len(self.layers.origin.transformer);
        self.layers.origin.chunk_rows(self.layers.origin.base.tokens.pos - start, columns)
    }

    /// The stream of joining rows: the base's, plus what their direct edits change.
    fn stream_of(&self, members: &[usize], JoinPoint { layer, stage }: JoinPoint, start: usize) -> Tensor<3> {
        let SweepOrigin { transformer, base: run, sources, .. } = *self.layers.origin;
        let base = match stage {
            LayerStage::Pre => &run.resid_pre[layer],
            LayerStage::Mid => &run.resid_mid[layer],
        };
        let entries: Vec<SweepEntry> = members.iter().map(|&member| self.entries[member].clone()).collect();
        let prompts: Vec<usize> = entries.iter().map(|entry| self.layers.rows[entry.row].prompt).collect();
        let slots = run.tokens.pos - start;
        let stream = gather_last(base, &prompts, slots);
        match direct::rewrite((transformer, run), sources, self.layers.rows, &entries, start, direct::Seen::Joined) {
            Some(rewrite) => rewrite.of(stream),
            None => stream,
        }
    }
}
