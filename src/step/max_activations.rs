//! Step `max-activations`: the prompts and tokens that activate neurons or heads most.

use super::kind::Kind;
use super::model_run::{self, TemplateRun};
use super::places::{self, Component, PlaceColumns, PositionGroup};
use super::{Outcome, RowsInfo, Scope, replays};
use crate::Error;
use crate::context::Context;
use crate::cost::{ReadCost, Survey, Workload};
use crate::intervene::{HookPositions, Positions};
use crate::model::facts::Facts;
use crate::prompt::{self, Prompt, PromptColumns};
use crate::spec::{ComponentKind, step};
use crate::table::{Frames, Holds, rows};
use std::collections::HashSet;

impl Kind for step::MaxActivations {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each_template(self, context, |run| look(self, run))
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        vec![RowsInfo::of::<LargestColumns>("")]
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        let units = units(self, Scope::planned(facts), context)?;
        let reading = survey.reading(|cell| {
            at(self, &cell.positions, &cell.template, context)?;
            let kept = units.len() * self.top.min(cell.prompts * cell.positions.length) * size_of::<ActivationPeak>();
            Ok(ReadCost { logits: 0, bytes: kept / cell.prompts.max(1), passing: 0 })
        })?;
        Ok(Some(reading))
    }
}

/// A value, and the prompt and position that it is of.
#[derive(Debug, Clone, Copy)]
struct ActivationPeak {
    value: f64,
    prompt: usize,
    position: usize,
}

/// The largest values of the prompts of one template.
fn look(step: &step::MaxActivations, run: TemplateRun) -> Result<(), Error> {
    let TemplateRun { shapes, subject, context, outcome } = run;
    let Some(template) = shapes.first().map(|cell| cell.template.as_str()) else { return Ok(()) };
    let units = units(step, Scope::of(subject, template), context)?;
    // Each with the shape that it is of.
    let mut prompts: Vec<&Prompt> = Vec::new();
    let mut of_shape: Vec<usize> = Vec::new();
    let mut largest: Vec<Vec<ActivationPeak>> = vec![Vec::new(); units.len()];
    for (shape, cell) in shapes.iter().enumerate() {
        let positions = at(step, &cell.positions, template, context)?;
        let own = each_once(&cell.prompts);
        let tokens = model_run::tokens(&own)?;
        let wanted: HookPositions = units.iter().map(|unit| (unit.hook, positions.clone())).collect();
        let label = subject.task_label(&step.name, template);
        let task = context.progress.begin(&label, own.len() as u64, "prompts");
        let batch = context.batch(&subject.model);
        let first = prompts.len();
        of_shape.extend(own.iter().map(|_| shape));
        prompts.extend(own);
        replays::captured(subject, (&label, &tokens), &wanted, batch, (context, &task), |part, activations| {
            for (unit, largest) in units.iter().zip(&mut largest) {
                let Some((activation, number)) = activations.get(&unit.hook).zip(unit.unit) else { continue };
                for (row, prompt) in part.clone().enumerate() {
                    largest.extend(positions.iter(tokens.pos).filter_map(|position| {
                        let value = size(activation.unit(row, position, number)?);
                        Some(ActivationPeak { value, prompt: first + prompt, position })
                    }));
                }
                keep(largest, step.top, &prompts);
            }
            Ok(())
        })?;
    }

    let facts = subject.model.facts();
    let each =
        units.iter().zip(&largest).flat_map(|(unit, found)| std::iter::repeat(unit).zip(found.iter().enumerate()));
    let rows: Vec<FoundRow> = each
        .map(|(unit, (place, &ActivationPeak { value, prompt, position }))| {
            let id = prompts[prompt].tokens.get(position).copied().unwrap_or_default();
            let token = subject.model.tokenizer().token(id).unwrap_or_default();
            let at = places::at(&shapes[of_shape[prompt]].positions, position);
            FoundRow { unit: *unit, at, facts, rank: place + 1, value, token, prompt: prompts[prompt] }
        })
        .collect();
    let rows = LargestColumns::frame(&rows)?;
    outcome.add_labelled(&step.name, subject.labels(), template, rows)?;
    Ok(())
}

/// A neuron's activation; the length of what a head gives.
fn size(values: &[f32]) -> f64 {
    match values {
        [value] => f64::from(*value),
        values => values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt(),
    }
}

/// Keeps the largest, of equal ones the first. What stands at a position depends on nothing after it: a beginning that several
/// prompts have in common counts once.
fn keep(found: &mut Vec<ActivationPeak>, top: usize, prompts: &[&Prompt]) {
    found.sort_by(|a, b| b.value.total_cmp(&a.value));
    let mut seen = HashSet::new();
    found.retain(|found| {
        seen.len() < top && prompts[found.prompt].tokens.get(..=found.position).is_some_and(|read| seen.insert(read))
    });
}

/// A prompt that several draws have in common counts once.
fn each_once<'p>(prompts: &[&'p Prompt]) -> Vec<&'p Prompt> {
    let mut seen = HashSet::new();
    prompts.iter().copied().filter(|prompt| seen.insert((&prompt.group, prompt.id))).collect()
}

/// The neurons and heads; whole MLPs are refused.
fn units(step: &step::MaxActivations, target: Scope, context: &Context) -> Result<Vec<Component>, Error> {
    for (index, text) in step.components.iter().enumerate() {
        if matches!(text.says().kind, ComponentKind::Mlp) {
            let problem = format!("'{text}' is a whole MLP; write its neurons: 'L2N*', 'L2N0..8'");
            let path = ["step", &step.name, "components", &index.to_string()];
            return Err(context.loaded.refuse(&path, problem, None).into());
        }
    }
    Ok(places::distinct(places::components(&step.name, "components", &step.components, target, context)?))
}

/// The positions that are looked at, together.
fn at(
    step: &step::MaxActivations,
    of: &prompt::TemplatePositions,
    template: &str,
    context: &Context,
) -> Result<Positions, Error> {
    Ok(places::together(&places::positions(&step.name, &step.positions, of, template, context)?))
}

/// A place among the largest values of a component.
struct FoundRow<'r> {
    unit: Component,
    at: PositionGroup,
    facts: &'r Facts,
    rank: usize,
    value: f64,
    token: String,
    prompt: &'r Prompt,
}

rows! {
    /// The largest values of each component.
    LargestColumns<'r>(row: &'r FoundRow<'r>) {
        place: PlaceColumns = row.unit.key(&row.at, row.facts);
        rank: i64 = row.rank, "Place by value, from 1.";
        value: f64 = row.value, "The activation, of heads ‖z‖₂.";
        token: String = &row.token, "The token at the position, as the vocabulary writes it.";
        prompt: PromptColumns = row.prompt;
    }
}
