//! Which activations are read, and in which blocks, so that they fit the memory.

use crate::Error;
use crate::context::Context;
use crate::intervene::{HookPositions, Layout, Positions};
use crate::model::facts::Facts;
use crate::model::hook::Hook;
use crate::prompt::Prompt;
use crate::step::places::{Component, PositionGroup};
use crate::step::{ModelRun, model_run, replays};
use indexmap::{IndexMap, IndexSet};
use std::collections::BTreeSet;
use std::ops::Range;

/// A unit of an activation at one position: what one classifier reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProbeInput {
    /// The hook, whole or one unit of it.
    pub place: Component,
    /// The position, by its number in [`Reads::positions`].
    pub position: usize,
}

impl ProbeInput {
    /// How many values it is.
    pub fn width(self, facts: &Facts, length: usize) -> usize {
        Layout::of(self.place.hook, facts, length).map_or(0, |layout| match self.place.unit {
            Some(_) => layout.unit_width(),
            None => layout.position_width(),
        })
    }
}

/// All that is read, each once, those of one hook and position after each other.
pub struct Reads {
    /// In the order in which they are captured.
    pub all: Vec<ProbeInput>,
    /// The positions, each once: its index in the prompts of each shape.
    pub positions: Vec<Vec<usize>>,
    /// The number of the position of each name.
    of_name: Vec<Option<usize>>,
}

/// The activations of a block: of each hook at each position that is wanted, `[prompt, position, …]`.
pub struct Captured {
    /// Numbers of the positions, and values, by hook.
    pub hooks: IndexMap<Hook, (Vec<usize>, Vec<f32>)>,
}

/// Prompts of one shape among those that are learned and tested.
pub struct ShapePrompts<'p> {
    /// Tokens of each.
    pub length: usize,
    /// Their numbers among all.
    pub numbers: Vec<usize>,
    /// The prompts.
    pub prompts: Vec<&'p Prompt>,
}

impl Reads {
    /// Places at positions, which have the same names in prompts of each shape. Several names may be of one position: `last` and -1.
    pub fn of(places: &[Component], at: &[&[PositionGroup]]) -> Self {
        let names = at.first().map_or(0, |at| at.len());
        let mut positions: IndexSet<Vec<usize>> = IndexSet::new();
        let mut number = |name: usize| {
            let indices: Option<Vec<usize>> = at.iter().map(|at| at.get(name)?.index).collect();
            Some(positions.insert_full(indices?).0)
        };
        let of_name: Vec<Option<usize>> = (0..names).map(&mut number).collect();
        let mut all: IndexSet<ProbeInput> = IndexSet::new();
        for &place in places {
            all.extend(of_name.iter().filter_map(|number| Some(ProbeInput { place, position: (*number)? })));
        }
        let mut slots: IndexMap<(Hook, usize), Vec<ProbeInput>> = IndexMap::new();
        for read in all {
            slots.entry((read.place.hook, read.position)).or_default().push(read);
        }
        let all = slots.into_values().flatten().collect();
        Self { all, positions: positions.into_iter().collect(), of_name }
    }

    /// What is read of a place under a name, by its number.
    pub fn read(&self, place: Component, name: usize) -> Option<ProbeInput> {
        Some(ProbeInput { place, position: (*self.of_name.get(name)?)? })
    }

    /// Whether a position is the last of the prompts, whose lengths by shape these are.
    pub fn is_last(&self, position: usize, lengths: &[usize]) -> bool {
        let indices = self.positions.get(position).map_or(&[][..], Vec::as_slice);
        !indices.is_empty() && indices.iter().zip(lengths).all(|(index, length)| index + 1 == *length)
    }

    /// The index of a position in the prompts of the first shape, for messages.
    pub fn index(&self, position: usize) -> usize {
        self.positions.get(position).and_then(|indices| indices.first()).copied().unwrap_or_default()
    }

    /// Parts of them whose activations take at most `budget` bytes, or are those of one hook at one position.
    pub fn blocks(&self, facts: &Facts, length: usize, prompts: usize, budget: usize) -> Vec<Range<usize>> {
        let mut blocks: Vec<Range<usize>> = Vec::new();
        let slots = self.all.chunk_by(|one, other| slot(one) == slot(other));
        let mut first = 0;
        for part in slots {
            let end = first + part.len();
            match blocks.last_mut() {
                Some(block) if self.bytes(&(block.start..end), facts, length, prompts) <= budget => block.end = end,
                _ => blocks.push(first..end),
            }
            first = end;
        }
        blocks
    }

    /// Bytes of the activations of a block.
    pub fn bytes(&self, block: &Range<usize>, facts: &Facts, length: usize, prompts: usize) -> usize {
        let wanted = self.all[block.clone()].chunk_by(|one, other| slot(one) == slot(other));
        let values = wanted.filter_map(|part| Layout::of(part.first()?.place.hook, facts, length));
        size_of::<f32>() * prompts * values.map(Layout::position_width).sum::<usize>()
    }

    /// Runs the prompts, `count` of all shapes, and keeps the activations of a block.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn capture(
        &self,
        block: &Range<usize>,
        (shapes, count): (&[ShapePrompts], usize),
        subject: &ModelRun,
        label: &str,
        context: &Context,
    ) -> Result<Captured, Error> {
        let mut wanted: IndexMap<Hook, Vec<usize>> = IndexMap::new();
        for read in &self.all[block.clone()] {
            let of_hook = wanted.entry(read.place.hook).or_default();
            if !of_hook.contains(&read.position) {
                of_hook.push(read.position);
            }
        }
        let mut hooks: IndexMap<Hook, (Vec<usize>, Vec<f32>)> = IndexMap::new();
        let batch = context.batch(&subject.model);
        for (shape, ShapePrompts { numbers, prompts, .. }) in shapes.iter().enumerate() {
            let in_shape = |position: &usize| self.positions[*position][shape];
            let at = |positions: &[usize]| {
                let indices: BTreeSet<usize> = positions.iter().map(in_shape).collect();
                Positions::At(indices.into_iter().collect())
            };
            let here: HookPositions = wanted.iter().map(|(&hook, positions)| (hook, at(positions))).collect();
            let tokens = model_run::tokens(prompts)?;
            let task = context.progress.begin(label, prompts.len() as u64, "prompts");
            replays::captured(subject, (label, &tokens), &here, batch, (context, &task), |part, activations| {
                for (hook, activation) in activations {
                    let Some(positions) = wanted.get(&hook) else { continue };
                    let width = activation.layout.position_width();
                    let held = activation.positions.len();
                    let slots: Vec<usize> = positions
                        .iter()
                        .filter_map(|position| activation.positions.binary_search(&in_shape(position)).ok())
                        .collect();
                    let (_, kept) = hooks
                        .entry(hook)
                        .or_insert_with(|| (positions.clone(), vec![0.0; count * positions.len() * width]));
                    for (row, &number) in numbers[part.clone()].iter().enumerate() {
                        for (place, slot) in slots.iter().enumerate() {
                            let from = &activation.data[(row * held + slot) * width..][..width];
                            kept[(number * positions.len() + place) * width..][..width].copy_from_slice(from);
                        }
                    }
                }
                Ok(())
            })?;
        }
        Ok(Captured { hooks })
    }
}

fn slot(read: &ProbeInput) -> (Hook, usize) {
    (read.place.hook, read.position)
}
