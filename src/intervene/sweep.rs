//! One sweep over the layers: rows join where they leave the base run, are computed once as long as they are the same, and
//! part where their edits do.

use super::apply::{EditHooks, EditIndex};
use super::direct;
use super::edit::Row;
use super::plan::{Entry, Join, Stage};
use super::prefix::Prefixes;
use super::replay::{Replay, gather, gather_last};
use super::stretch::Known;
use super::vocabulary::Vocabulary;
use crate::model::facts::Residual;
use burn::tensor::Tensor;
use std::collections::HashMap;
use std::ops::Range;

/// Gets the numbers of some rows and their logits, or what was made of those.
pub(super) type Consume<'c, E, R = Tensor<2>> = dyn FnMut(&[usize], R) -> Result<(), E> + 'c;

/// One sweep over the layers.
pub(super) struct Sweep<'s> {
    pub replay: &'s Replay<'s>,
    pub rows: &'s [Row],
    pub entries: &'s [Entry],
    /// Numbers of the rows in the order of the entries.
    pub order: Vec<usize>,
    pub index: EditIndex,
    pub prefixes: Prefixes,
    vocabulary: &'s Vocabulary,
}

/// Rows that are computed from the same position on.
pub(super) struct Lane {
    /// The first position.
    pub start: usize,
    /// Its entries.
    entries: Range<usize>,
    /// The first entry that has not joined.
    next: usize,
    /// Of each entry that has: the one that is computed for it.
    by: Vec<usize>,
    /// Those that are computed.
    chunks: Vec<Chunk>,
}

/// Rows that are computed together.
#[derive(Clone)]
pub(super) struct Chunk {
    /// The entries that are computed, ascending.
    pub members: Vec<usize>,
    /// For each: the layer from which on no row that it stands for reads other positions than the last there.
    pub settled: Vec<usize>,
    /// `[member, pos, d_model]`: the last positions.
    pub stream: Tensor<3>,
}

impl Lane {
    /// Entries that have joined.
    pub fn joined(&self) -> Range<usize> {
        self.entries.start..self.next
    }

    /// The entries that join here, which then have joined.
    pub fn joining(&mut self, entries: &[Entry], join: Join) -> Range<usize> {
        let joining = entries[self.next..self.entries.end].iter().take_while(|entry| entry.join == join).count();
        let joining = self.next..self.next + joining;
        self.next = joining.end;
        joining
    }

    /// Chunk and place of each entry that is computed.
    fn places(&self) -> HashMap<usize, (usize, usize)> {
        let of = |(number, chunk): (usize, &Chunk)| {
            let places = chunk.members.iter().enumerate();
            places.map(|(place, &member)| (member, (number, place))).collect::<Vec<_>>()
        };
        self.chunks.iter().enumerate().flat_map(of).collect()
    }

    /// For each chunk, those of `entries` that it computes and their places in it, ascending.
    fn spread(&self, entries: impl Iterator<Item = usize>) -> Vec<Vec<(usize, usize)>> {
        let places = self.places();
        let mut spread = vec![Vec::new(); self.chunks.len()];
        for entry in entries {
            if let Some(&(chunk, place)) = places.get(&self.by[entry - self.entries.start]) {
                spread[chunk].push((entry, place));
            }
        }
        spread
    }
}

impl Chunk {
    /// Those at some places, ascending.
    fn of(&self, places: &[usize]) -> Self {
        let of = |values: &[usize]| places.iter().map(|&place| values[place]).collect();
        Self { members: of(&self.members), settled: of(&self.settled), stream: gather(&self.stream, places) }
    }
}

/// Chunks of the same positions as few, of at most `most` rows.
fn merge(mut chunks: Vec<Chunk>, most: usize) -> Vec<Chunk> {
    let pieces = chunks.iter().map(|chunk| chunk.members.len()).sum::<usize>().div_ceil(most);
    if chunks.len() > pieces {
        let members: Vec<usize> = chunks.iter().flat_map(|chunk| chunk.members.iter().copied()).collect();
        let settled = chunks.iter().flat_map(|chunk| chunk.settled.iter().copied()).collect();
        let stream = Tensor::cat(chunks.iter_mut().map(|chunk| take(&mut chunk.stream)).collect(), 0);
        let mut places: Vec<usize> = (0..members.len()).collect();
        places.sort_by_key(|&place| members[place]);
        let whole = Chunk { members, settled, stream };
        chunks = places.chunks(places.len().div_ceil(pieces)).map(|places| whole.of(places)).collect();
    }
    chunks
}

impl<'s> Sweep<'s> {
    pub fn new(replay: &'s Replay<'s>, rows: &'s [Row], entries: &'s [Entry], vocabulary: &'s Vocabulary) -> Self {
        let order: Vec<usize> = entries.iter().map(|entry| entry.row).collect();
        let index = EditIndex::new(order.iter().map(|&row| &rows[row]), |number, edit| {
            !entries[number].direct.contains(&edit.hook)
        });
        let prefixes = Prefixes::new(rows, entries, replay.transformer.facts(), replay.base.tokens.pos);
        Self { replay, rows, entries, order, index, prefixes, vocabulary }
    }

    pub fn run<E>(&self, consume: &mut Consume<E>) -> Result<(), E> {
        let facts = self.replay.transformer.facts();
        let mut lanes = lanes(self.entries);
        let first = self.entries.iter().map(|entry| entry.join.layer).min().unwrap_or(facts.n_layers);
        for layer in first..facts.n_layers {
            let mut known = Known::default();
            for lane in &mut lanes {
                self.part(lane, layer);
                self.admit(lane, Join { layer, stage: Stage::Pre });
                self.settle(lane, layer);
                if facts.residual != Residual::Sequential {
                    lane.chunks.iter_mut().for_each(|chunk| self.block(chunk, layer, &mut known));
                    continue;
                }
                lane.chunks.iter_mut().for_each(|chunk| self.attend(chunk, layer, &mut known));
                self.admit(lane, Join { layer, stage: Stage::Mid });
                lane.chunks.iter_mut().for_each(|chunk| self.transform(chunk, layer, &mut known));
            }
        }
        for mut lane in lanes {
            self.part(&mut lane, facts.n_layers);
            self.admit(&mut lane, Join { layer: facts.n_layers, stage: Stage::Pre });
            self.finish(lane, consume)?;
        }
        Ok(())
    }

    /// The logits of a lane's rows.
    fn finish<E>(&self, mut lane: Lane, consume: &mut Consume<E>) -> Result<(), E> {
        let rows = lane.spread(lane.joined());
        for (chunk, rows) in lane.chunks.drain(..).zip(rows) {
            let mut hooks = self.hooks(&chunk.members);
            let logits = self.vocabulary.logits(chunk.stream, self.replay.transformer, &mut hooks);
            let numbers =
                |rows: &[(usize, usize)]| rows.iter().map(|&(entry, _)| self.order[entry]).collect::<Vec<_>>();
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
    fn admit(&self, lane: &mut Lane, join: Join) {
        let joining = lane.joining(self.entries, join);
        if joining.is_empty() {
            return;
        }
        let by = self.prefixes.first_of(joining.clone(), join.layer);
        let (members, settled) = self.prefixes.computed(joining, &by);
        lane.by.extend(by);
        let most = self.most(lane.start);
        let slots = self.replay.base.tokens.pos - lane.start;
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
        if !self.prefixes.part_at(layer) || lane.joined().is_empty() {
            return;
        }
        let by = self.prefixes.first_of(lane.joined(), layer);
        let (members, settled) = self.prefixes.computed(lane.joined(), &by);
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
        if layer + 1 == self.replay.transformer.facts().n_layers {
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
        let most = (self.most(lane.start), self.most(self.replay.base.tokens.pos - 1));
        lane.chunks = [merge(last, most.1), merge(settling, most.0), others].concat();
    }

    /// Rows that are computed together at most.
    fn most(&self, start: usize) -> usize {
        let columns = self.vocabulary.len(self.replay.transformer);
        self.replay.chunk_rows(self.replay.base.tokens.pos - start, columns)
    }

    /// The stream of joining rows: the base's, plus what their direct edits change.
    fn stream_of(&self, members: &[usize], Join { layer, stage }: Join, start: usize) -> Tensor<3> {
        let Replay { transformer, base: run, sources, .. } = *self.replay;
        let base = match stage {
            Stage::Pre => &run.resid_pre[layer],
            Stage::Mid => &run.resid_mid[layer],
        };
        let entries: Vec<Entry> = members.iter().map(|&member| self.entries[member].clone()).collect();
        let prompts: Vec<usize> = entries.iter().map(|entry| self.rows[entry.row].prompt).collect();
        let slots = run.tokens.pos - start;
        let stream = gather_last(base, &prompts, slots);
        match direct::rewrite(transformer, run, sources, self.rows, &entries, start) {
            Some(rewrite) => rewrite.of(stream),
            None => stream,
        }
    }

    pub fn hooks<'h>(&'h self, members: &'h [usize]) -> EditHooks<'h> {
        let Replay { sources, base, transformer, .. } = *self.replay;
        let (length, facts) = (base.tokens.pos, transformer.facts());
        EditHooks { rows: self.rows, order: &self.order, members, index: &self.index, sources, length, facts }
    }
}

/// Entries by their first position.
pub(super) fn lanes(entries: &[Entry]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        match lanes.last_mut() {
            Some(lane) if lane.start == entry.start => lane.entries.end = number + 1,
            _ => lanes.push(Lane {
                start: entry.start,
                entries: number..number + 1,
                next: number,
                by: Vec::new(),
                chunks: Vec::new(),
            }),
        }
    }
    lanes
}

/// The tensor, leaving nothing in its place, so that whoever takes it may write over it.
pub(super) fn take(tensor: &mut Tensor<3>) -> Tensor<3> {
    let empty = Tensor::empty([0, 0, 0], &tensor.device());
    std::mem::replace(tensor, empty)
}
