//! Rows of one sweep that are computed from the same position on, and those of them that are computed together.

use super::entry::{JoinPoint, SweepEntry};
use super::tensors::gather;
use super::tensors::take;
use burn::tensor::Tensor;
use std::collections::HashMap;
use std::ops::Range;

/// Rows that are computed from the same position on.
pub(super) struct Lane {
    /// The first position.
    pub start: usize,
    /// Its entries.
    pub entries: Range<usize>,
    /// The first entry that has not joined.
    pub next: usize,
    /// Of each entry that has: the one that is computed for it.
    pub by: Vec<usize>,
    /// Those that are computed.
    pub chunks: Vec<Chunk>,
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
    pub fn joining(&mut self, entries: &[SweepEntry], join: JoinPoint) -> Range<usize> {
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
    pub fn spread(&self, entries: impl Iterator<Item = usize>) -> Vec<Vec<(usize, usize)>> {
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
    pub fn of(&self, places: &[usize]) -> Self {
        let of = |values: &[usize]| places.iter().map(|&place| values[place]).collect();
        Self { members: of(&self.members), settled: of(&self.settled), stream: gather(&self.stream, places) }
    }
}

/// Chunks of the same positions as few, of at most `most` rows.
pub(super) fn merge(mut chunks: Vec<Chunk>, most: usize) -> Vec<Chunk> {
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

/// Entries by their first position.
pub(super) fn lanes(entries: &[SweepEntry]) -> Vec<Lane> {
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
