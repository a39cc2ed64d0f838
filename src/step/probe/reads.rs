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
use std::ops::Range;

/// A unit of an activation at one position: what one classifier reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProbeInput {
    /// The hook, whole or one unit of it.
    pub place: Component,
    /// The position.
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
}

/// The activations of a block: of each hook at each position that is wanted, `[prompt, position, …]`.
pub struct Captured {
    /// Positions, and values, by hook.
    pub hooks: IndexMap<Hook, (Vec<usize>, Vec<f32>)>,
}

impl Reads {
    /// Places at positions. Several names may be of one position: `last` and -1.
    pub fn of(places: &[Component], at: &[PositionGroup]) -> Self {
        let mut all: IndexSet<ProbeInput> = IndexSet::new();
        for &place in places {
            all.extend(at.iter().filter_map(|at| Some(ProbeInput { place, position: at.index? })));
        }
        let mut slots: IndexMap<(Hook, usize), Vec<ProbeInput>> = IndexMap::new();
        for read in all {
            slots.entry((read.place.hook, read.position)).or_default().push(read);
        }
        Self { all: slots.into_values().flatten().collect() }
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

    /// Runs the prompts and keeps the activations of a block.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn capture(
        &self,
        block: &Range<usize>,
        prompts: &[&Prompt],
        subject: &ModelRun,
        label: &str,
        context: &Context,
    ) -> Result<Captured, Error> {
        let mut positions: IndexMap<Hook, Vec<usize>> = IndexMap::new();
        for read in &self.all[block.clone()] {
            let of_hook = positions.entry(read.place.hook).or_default();
            if !of_hook.contains(&read.position) {
                of_hook.push(read.position);
            }
        }
        positions.values_mut().for_each(|positions| positions.sort_unstable());
        let wanted: HookPositions = positions.iter().map(|(&hook, at)| (hook, Positions::At(at.clone()))).collect();
        let tokens = model_run::tokens(prompts)?;
        let task = context.progress.begin(label, prompts.len() as u64, "prompts");
        let mut hooks: IndexMap<Hook, (Vec<usize>, Vec<f32>)> = IndexMap::new();
        let batch = context.batch(&subject.model);
        replays::captured(subject, (label, &tokens), &wanted, batch, (context, &task), |_, activations| {
            for (hook, activation) in activations {
                let width = activation.data.len() / activation.rows.max(1);
                let kept = hooks
                    .entry(hook)
                    .or_insert_with(|| (activation.positions.clone(), Vec::with_capacity(width * prompts.len())));
                kept.1.extend(activation.data);
            }
            Ok(())
        })?;
        Ok(Captured { hooks })
    }
}

fn slot(read: &ProbeInput) -> (Hook, usize) {
    (read.place.hook, read.position)
}
