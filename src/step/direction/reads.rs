//! The activations of all samples at the places of a step, place by place.

use super::classes::{DirectionPrompts, refuse};
use crate::Error;
use crate::context::Context;
use crate::intervene::{HookPositions, Layout, Positions};
use crate::model::facts::Facts;
use crate::model::hook::Hook;
use crate::prompt::Prompt;
use crate::spec::step::FindDirection;
use crate::step::places::{self, Component, PositionGroup};
use crate::step::{ModelRun, Scope, model_run, replays};
use crate::system::progress::ProgressTask;
use indexmap::IndexMap;
use std::collections::BTreeSet;
use std::ops::Range;

/// A hook, whole or one unit of it, at the position of a name.
#[derive(Debug, Clone)]
pub struct DirectionPlace {
    /// The hook and its unit.
    pub place: Component,
    /// The position, as the first prompts have it.
    pub at: PositionGroup,
    /// Its index in each cell's prompts.
    pub index: Vec<usize>,
}

impl DirectionPlace {
    /// How many values an activation is.
    pub fn width(&self, facts: &Facts) -> usize {
        Layout::of(self.place.hook, facts, 1).map_or(0, |layout| match self.place.unit {
            Some(_) => layout.unit_width(),
            None => layout.position_width(),
        })
    }
}

/// Resolves a step's places in all of its prompts.
///
/// # Errors
/// Sites and positions that the model or the prompts have not, at their place in the spec.
pub fn resolve(
    step: &FindDirection,
    prompts: &DirectionPrompts,
    context: &Context,
) -> Result<Vec<DirectionPlace>, Error> {
    let mut found: Vec<DirectionPlace> = Vec::new();
    for (number, source) in prompts.cells.iter().enumerate() {
        let target = Scope::of(source.subject, &source.cell.template);
        let (sites, at) =
            places::resolve(&step.name, (&step.sites, &step.positions), target, source.cell.at(), context)?;
        if let Some(several) = at.iter().find(|at| at.index.is_none()) {
            let problem = format!(
                "'{}' is several positions, and a direction is found at one; write one position, or 'each'",
                several.label
            );
            return Err(refuse(step, context, &["positions"], problem));
        }
        if number == 0 {
            let of = |&place: &Component| {
                at.iter().map(move |at| DirectionPlace { place, at: at.clone(), index: Vec::new() })
            };
            found = sites.iter().flat_map(of).collect();
        }
        for place in &mut found {
            let index = at.iter().find(|at| at.label == place.at.label).and_then(|at| at.index);
            let Some(index) = index else {
                let problem = format!(
                    "not all prompts have the position '{}'; write a position that all have, such as 'last'",
                    place.at.label
                );
                return Err(refuse(step, context, &["positions"], problem));
            };
            place.index.push(index);
        }
    }
    Ok(found)
}

/// Parts of the places, those of a hook together, whose activations take at most `budget` bytes.
pub fn blocks(places: &[DirectionPlace], facts: &Facts, samples: usize, budget: usize) -> Vec<Range<usize>> {
    let bytes = |range: &Range<usize>| {
        places[range.clone()].iter().map(|place| size_of::<f32>() * samples * place.width(facts)).sum::<usize>()
    };
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let mut first = 0;
    for part in places.chunk_by(|one, other| one.place.hook == other.place.hook) {
        let end = first + part.len();
        match blocks.last_mut() {
            Some(block) if bytes(&(block.start..end)) <= budget => block.end = end,
            _ => blocks.push(first..end),
        }
        first = end;
    }
    blocks
}

/// Runs the prompts: of each place the activations of all samples, `[sample, width]`.
///
/// # Errors
/// Ctrl-C, and hooks that are not reached.
pub fn capture(
    places: &[DirectionPlace],
    prompts: &DirectionPrompts,
    label: &str,
    context: &Context,
) -> Result<Vec<Vec<f32>>, Error> {
    let mut values: Vec<Vec<f32>> = places.iter().map(|_| Vec::new()).collect();
    let task = context.progress.begin(label, prompts.samples.count() as u64, "prompts");
    for (number, source) in prompts.cells.iter().enumerate() {
        let cell = &source.cell;
        let what = format!("{label}, {}, template '{}'", source.set.unwrap_or("prompts"), cell.template);
        let run = (source.subject, cell.prompts.as_slice(), number);
        capture_cell(places, run, &what, (context, &task), &mut values)?;
    }
    Ok(values)
}

/// The same of some prompts of one length, those of cell `number` or others like them, after what `values` has of each place.
///
/// # Errors
/// Ctrl-C, and hooks that are not reached.
pub fn capture_cell(
    places: &[DirectionPlace],
    (subject, prompts, number): (&ModelRun, &[&Prompt], usize),
    label: &str,
    (context, task): (&Context, &ProgressTask),
    values: &mut [Vec<f32>],
) -> Result<(), Error> {
    let mut positions: IndexMap<Hook, BTreeSet<usize>> = IndexMap::new();
    for place in places {
        positions.entry(place.place.hook).or_default().insert(place.index[number]);
    }
    let wanted: HookPositions =
        positions.into_iter().map(|(hook, at)| (hook, Positions::At(at.into_iter().collect()))).collect();
    let tokens = model_run::tokens(prompts)?;
    let batch = context.batch(&subject.model);
    let what = format!("{label}, {} tokens", tokens.pos);
    replays::captured(subject, (&what, &tokens), &wanted, batch, (context, task), |_, activations| {
        for (place, values) in places.iter().zip(values.iter_mut()) {
            let hook = place.place.hook;
            let missing = || Error::failed(label)(format!("{hook}: not reached"));
            let activation = activations.get(&hook).ok_or_else(missing)?;
            for row in 0..activation.rows {
                let one = match place.place.unit {
                    Some(unit) => activation.unit(row, place.index[number], unit),
                    None => activation.position(row, place.index[number]),
                };
                values.extend_from_slice(one.ok_or_else(missing)?);
            }
        }
        Ok(())
    })
}
