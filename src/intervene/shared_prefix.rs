//! Which rows are the same run up to which layer: rows of one prompt whose edits agree from the first layer to there.

use super::edit::{Change, Edit, EditedPrompt, Value};
use super::entry::{SweepEntry, order, settled};
use crate::model::facts::Facts;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::ops::Range;

/// The node of no edits.
const ROOT: usize = 0;

/// The edits of interventions as paths in a tree: as far as two agree from the first layer on, they take the same path.
pub(super) struct Prefixes {
    interventions: Vec<PrefixPath>,
    /// The intervention, the prompt and the source run of each entry.
    runs: Vec<(usize, usize, Option<usize>)>,
    /// Whether interventions that have the same path up to a layer part there.
    parting: Vec<bool>,
    /// Whether any two interventions have a node in common.
    shared: bool,
}

struct PrefixPath {
    /// Its layers with edits, ascending.
    path: Vec<PrefixStep>,
    /// From which layer on its last position no longer reads the others.
    settled: usize,
}

/// The edits of one layer.
#[derive(Clone, Copy)]
struct PrefixStep {
    layer: usize,
    /// Where they lead: equal where all edits up to here are.
    node: usize,
    /// Equal where the edits of this layer are.
    edits: usize,
}

impl Prefixes {
    /// Of the rows of some entries, of prompts of `length` tokens.
    pub fn new(rows: &[EditedPrompt], entries: &[SweepEntry], facts: &Facts, length: usize) -> Self {
        let mut numbers: HashMap<*const Edit, usize> = HashMap::new();
        let mut interventions: Vec<&[Edit]> = Vec::new();
        let mut runs = Vec::with_capacity(entries.len());
        for entry in entries {
            let row = &rows[entry.row];
            let number = *numbers.entry(row.edits.as_ptr()).or_insert_with(|| {
                interventions.push(&row.edits);
                interventions.len() - 1
            });
            runs.push((number, row.prompt, row.source));
        }
        // Where no edit reads a source run, runs with different ones are the same.
        if !interventions.iter().any(|edits| edits.iter().any(reads_source)) {
            runs.iter_mut().for_each(|(_, _, source)| *source = None);
        }
        let paths = paths(&interventions, facts);
        let nodes = paths.iter().flatten().map(|step| step.node).max().unwrap_or(ROOT);
        let mut through = vec![0; nodes + 1];
        paths.iter().flatten().for_each(|step| through[step.node] += 1);
        let mut parting = vec![false; facts.n_layers + 1];
        for pair in paths.iter().flat_map(|path| path.windows(2)) {
            parting[pair[1].layer] |= through[pair[1].node] < through[pair[0].node];
        }
        let shared = through.iter().any(|&count| count > 1);
        let interventions = paths
            .into_iter()
            .zip(interventions)
            .map(|(path, edits)| PrefixPath { path, settled: settled(edits, facts, length) })
            .collect();
        Self { interventions, runs, parting, shared }
    }

    /// Whether rows that are one run before a layer may be several after it.
    pub fn part_at(&self, layer: usize) -> bool {
        self.shared && self.parting[layer]
    }

    /// For each of `entries`, the first of them that is the same run up to the end of `layer`.
    pub fn first_of(&self, entries: Range<usize>, layer: usize) -> Vec<usize> {
        if !self.shared {
            return entries.collect();
        }
        let mut first = HashMap::with_capacity(entries.len());
        let of = |entry| {
            let (intervention, prompt, source) = self.runs[entry];
            *first.entry((self.node(intervention, layer), prompt, source)).or_insert(entry)
        };
        entries.map(of).collect()
    }

    /// The entries that are computed, where each of `entries` is computed by one of them, and from which layer on none of
    /// those that one stands for reads other positions than the last.
    pub fn computed(&self, entries: Range<usize>, by: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let mut members: Vec<usize> = Vec::new();
        let mut settled: Vec<usize> = Vec::new();
        for (entry, &by) in entries.zip(by) {
            let from = self.settled(entry);
            if entry == by {
                members.push(entry);
                settled.push(from);
            } else if let Ok(place) = members.binary_search(&by) {
                settled[place] = settled[place].max(from);
            }
        }
        (members, settled)
    }

    /// The edits of an entry at a layer: equal where they are, `None` where there are none.
    pub fn edits(&self, entry: usize, layer: usize) -> Option<usize> {
        let path = &self.interventions[self.runs[entry].0].path;
        let step = path.binary_search_by_key(&layer, |step| step.layer).ok()?;
        Some(path[step].edits)
    }

    /// From which layer on the last position of an entry no longer reads the others.
    fn settled(&self, entry: usize) -> usize {
        self.interventions[self.runs[entry].0].settled
    }

    /// Where an intervention is at the end of a layer.
    fn node(&self, intervention: usize, layer: usize) -> usize {
        let path = &self.interventions[intervention].path;
        let passed = path.partition_point(|step| step.layer <= layer);
        path[..passed].last().map_or(ROOT, |step| step.node)
    }
}

fn paths(interventions: &[&[Edit]], facts: &Facts) -> Vec<Vec<PrefixStep>> {
    let mut groups: HashMap<Vec<Same>, usize> = HashMap::new();
    let mut children: HashMap<(usize, usize), usize> = HashMap::new();
    let mut paths = Vec::with_capacity(interventions.len());
    for edits in interventions {
        // Edits of one layer in the order in which they are written.
        let mut by_layer: Vec<(usize, Same)> =
            edits.iter().map(|edit| (order(edit.hook, facts).0, Same(edit))).collect();
        by_layer.sort_by_key(|&(layer, _)| layer);
        let mut path: Vec<PrefixStep> = Vec::new();
        for group in by_layer.chunk_by(|a, b| a.0 == b.0) {
            let before = path.last().map_or(ROOT, |step| step.node);
            let number = groups.len();
            let edits = *groups.entry(group.iter().map(|&(_, edit)| edit).collect()).or_insert(number);
            let next = children.len() + 1;
            let node = *children.entry((before, edits)).or_insert(next);
            path.push(PrefixStep { layer: group[0].0, node, edits });
        }
        paths.push(path);
    }
    paths
}

fn reads_source(edit: &Edit) -> bool {
    matches!(edit.change.value(), Some(Value::Source))
}

/// An edit that is compared by what it does; given values by where they are.
#[derive(Debug, Clone, Copy)]
struct Same<'e>(&'e Edit);

impl Same<'_> {
    /// What a change is beside its cut edges: its kind, its strength, the kind of its value, the value and the subspace.
    fn change(&self) -> (u8, u32, u8, usize, usize) {
        let value = |value: &Value| match value {
            Value::Source => (0, 0),
            Value::Constant(constant) => (1, constant.to_bits() as usize),
            Value::Fixed(values) => (2, std::sync::Arc::as_ptr(values) as usize),
        };
        let (kind, strength, (source, value), basis) = match &self.0.change {
            Change::Replace { value: new, strength } => (0, strength.to_bits(), value(new), 0),
            Change::Add { value: added, strength } => (1, strength.to_bits(), value(added), 0),
            Change::Cut { .. } => (2, 0, (0, 0), 0),
            Change::Within { basis, value: new, strength } => {
                (3, strength.to_bits(), value(new), std::sync::Arc::as_ptr(basis) as usize)
            }
        };
        (kind, strength, source, value, basis)
    }

    fn cut(&self) -> Option<&super::Positions> {
        match &self.0.change {
            Change::Cut { keys } => Some(keys),
            Change::Replace { .. } | Change::Add { .. } | Change::Within { .. } => None,
        }
    }
}

impl PartialEq for Same<'_> {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.0, other.0);
        std::ptr::eq(a, b)
            || a.hook == b.hook
                && self.change() == other.change()
                && self.cut() == other.cut()
                && a.positions == b.positions
                && a.units == b.units
    }
}

impl Eq for Same<'_> {}

impl Hash for Same<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hook.hash(state);
        self.change().hash(state);
        self.0.positions.hash(state);
        self.0.units.hash(state);
    }
}
