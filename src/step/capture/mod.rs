//! Step `capture`: activations kept as they are, in a file per model and template or as rows.

mod chosen;

use super::model_run::{self, ModelRun, TemplateBatch, TemplateRun};
use super::places::{self, Component, PlaceColumns, PositionGroup};
use super::summary::{MOST_ROWS, MeasuredValues, ValueColumns};
use super::{Outcome, RowsInfo, Scope, replays};
use crate::context::Context;
use crate::cost::{ReadCost, Survey, Workload};
use crate::intervene::{Activation, HookPositions, Layout, Positions};
use crate::model::facts::Facts;
use crate::prompt::PromptColumns;
use crate::spec::step::{self, CaptureFormat};
use crate::step::kind::Kind;
use crate::system::tensor_file::{self, Data, FileTensor};
use crate::table::{Frames, Holds, rows};
use crate::{Error, prompt};
use chosen::Chosen;
use polars::prelude::*;
use std::path::PathBuf;

impl Kind for step::Capture {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each_template(self, context, |run| keep(self, run))
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let values =
            RowsInfo::of::<(PlaceColumns, (IndexColumn, (PromptColumns, ValueColumns)))>("").without("measure");
        let rows = (self.format == CaptureFormat::Rows).then_some(values);
        rows.into_iter().chain([RowsInfo::of::<PromptColumns>("prompts")]).collect()
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        survey
            .reading(|cell| {
                let target = Scope::planned(&survey.sketch.card.facts);
                let (chosen, at) = places(self, target, &cell.positions, &cell.template, context)?;
                let positions = places::together(&at).iter(cell.positions.length).count();
                let values = chosen.iter().map(Chosen::values).sum::<usize>() * positions;
                Ok(ReadCost { logits: 0, bytes: values * size_of::<f32>(), passing: 0 })
            })
            .map(Some)
    }
}

/// The hooks with their units, and the positions as the spec names them, in one model's prompts of one template and shape.
fn places(
    step: &step::Capture,
    target: Scope,
    positions: &prompt::TemplatePositions,
    template: &str,
    context: &Context,
) -> Result<(Vec<Chosen>, Vec<PositionGroup>), Error> {
    let written = (step.sites.as_slice(), step.positions.as_slice());
    let (sites, at) = places::resolve(&step.name, written, target, (positions, template), context)?;
    Ok((chosen::of(&sites, target.facts, positions.length), at))
}

/// The activations of one template's prompts.
fn keep(step: &step::Capture, run: TemplateRun) -> Result<(), Error> {
    let TemplateRun { shapes, subject, context, outcome } = run;
    let Some(first) = shapes.first() else { return Ok(()) };
    let facts = subject.model.facts();
    let labels = subject.labels();
    let mut kept: Vec<KeptShape> = Vec::new();
    for cell in shapes {
        let length = cell.positions.length;
        let target = Scope::of(subject, &cell.template);
        let (chosen, named) = places(step, target, &cell.positions, &cell.template, context)?;
        let at = places::together(&named);
        let count = chosen.iter().map(Chosen::values).sum::<usize>() * at.iter(length).count() * cell.prompts.len();
        if step.format == CaptureFormat::Rows {
            refuse_too_many(step, count, context, outcome)?;
        }
        let activations = read(step, cell, &chosen, &at, subject, context)?;
        match step.format {
            CaptureFormat::Rows => {
                let positions: Vec<PositionGroup> =
                    at.iter(length).map(|index| places::at(&cell.positions, index)).collect();
                let rows = values(&chosen, &activations, &positions, (cell, facts))?;
                outcome.add_labelled(&step.name, labels, &cell.template, rows)?;
            }
            CaptureFormat::Safetensors => kept.push(KeptShape { cell, chosen, named, activations }),
        }
        let prompts = PromptColumns::frame(cell.prompts.iter().copied())?;
        outcome.add_labelled(&format!("{}.prompts", step.name), labels, &cell.template, prompts)?;
    }
    if !kept.is_empty() {
        let path = write(step, first, kept, subject, context)?;
        if outcome.files.contains(&path) {
            let problem = format!("two captures would be written to the same file, {}", path.display());
            return Err(Error::failed(format!("step '{}'", step.name))(problem));
        }
        outcome.files.push(path);
    }
    Ok(())
}

/// What is kept of the prompts of one shape.
struct KeptShape<'c> {
    cell: &'c TemplateBatch<'c>,
    chosen: Vec<Chosen>,
    named: Vec<PositionGroup>,
    activations: Vec<Activation>,
}

impl KeptShape<'_> {
    /// The names of the positions in the order in which they stand, and how many positions there are.
    fn order(&self) -> (Vec<&str>, usize) {
        let length = self.cell.positions.length;
        let mut named: Vec<&PositionGroup> = self.named.iter().collect();
        named.sort_by_key(|at| at.positions.iter(length).next());
        let count = places::together(&self.named).iter(length).count();
        (named.into_iter().map(|at| at.label.as_str()).collect(), count)
    }
}

/// The activations of all shapes as of one, `[prompt, position, …]`.
///
/// # Errors
/// Prompts that have not as many positions, or not in one order, at their place in the spec.
fn together(step: &step::Capture, kept: Vec<KeptShape>, context: &Context) -> Result<Vec<Activation>, Error> {
    let refuse = |problem: String, advice: &str| {
        let path = ["step", step.name.as_str(), "positions"];
        Error::from(context.loaded.refuse(&path, problem, Some(advice.to_string())))
    };
    if let Some(other) = kept.iter().find(|other| other.order() != kept[0].order()) {
        let (one, other) = (&kept[0].cell.prompts[0].text, &other.cell.prompts[0].text);
        let problem = format!("{one:?} and {other:?} have different positions, and one file cannot hold both");
        let advice = "write positions that all prompts have, such as \"last\", or format = \"rows\"";
        return Err(refuse(problem, advice));
    }
    let mut all: Vec<Activation> = Vec::new();
    for KeptShape { chosen, activations, .. } in kept {
        for (number, activation) in activations.into_iter().enumerate() {
            match all.get_mut(number) {
                None => all.push(activation),
                Some(before) if before.layout == activation.layout => {
                    before.rows += activation.rows;
                    before.data.extend(activation.data);
                }
                Some(_) => {
                    let problem = format!(
                        "{} has another size in prompts of another length, and one file cannot hold both",
                        chosen[number].hook
                    );
                    return Err(refuse(problem, "write other sites, or format = \"rows\""));
                }
            }
        }
    }
    Ok(all)
}

/// Refuses more rows than are kept, those of the models and templates before counted.
fn refuse_too_many(step: &step::Capture, count: usize, context: &Context, outcome: &Outcome) -> Result<(), Error> {
    let before = outcome.frames.iter().find(|(name, _)| *name == step.name).map_or(0, |(_, frame)| frame.height());
    if before + count <= MOST_ROWS {
        return Ok(());
    }
    let problem = format!(
        "this would make {} rows, and at most {MOST_ROWS} are kept; write format = \"safetensors\"",
        before + count
    );
    Err(context.loaded.refuse(&["step", &step.name, "format"], problem, None).into())
}

/// Runs the prompts and keeps what is chosen, hook by hook.
fn read(
    step: &step::Capture,
    cell: &TemplateBatch,
    chosen: &[Chosen],
    at: &Positions,
    subject: &ModelRun,
    context: &Context,
) -> Result<Vec<Activation>, Error> {
    let wanted: HookPositions = chosen.iter().map(|chosen| (chosen.hook, at.clone())).collect();
    let tokens = model_run::tokens(&cell.prompts)?;
    let label = subject.task_label(&step.name, &cell.template);
    let task = context.progress.begin(&label, cell.prompts.len() as u64, "prompts");
    let mut kept: Vec<Activation> = Vec::with_capacity(chosen.len());
    let batch = context.batch(&subject.model);
    replays::captured(subject, (&label, &tokens), &wanted, batch, (context, &task), |_, activations| {
        for (number, chosen) in chosen.iter().enumerate() {
            let Some(activation) = activations.get(&chosen.hook) else {
                return Err(Error::failed(format!("step '{}'", step.name))(format!("{}: not reached", chosen.hook)));
            };
            let activation = activation.of_units(&chosen.units);
            match kept.get_mut(number) {
                Some(kept) => {
                    kept.rows += activation.rows;
                    kept.data.extend(activation.data);
                }
                None => kept.push(activation),
            }
        }
        Ok(())
    })?;
    Ok(kept)
}

/// Writes the file and says where it is. Of prompts of several shapes `positions` are those of each prompt, and `tokens` end in -1.
fn write(
    step: &step::Capture,
    first: &TemplateBatch,
    kept: Vec<KeptShape>,
    subject: &ModelRun,
    context: &Context,
) -> Result<PathBuf, Error> {
    let integers = |values: Vec<i64>, shape: Vec<usize>| FileTensor { shape, data: Data::Integers(values) };
    let count: usize = kept.iter().map(|shape| shape.cell.prompts.len()).sum();
    let longest = kept.iter().map(|shape| shape.cell.positions.length).max().unwrap_or_default();
    let mut ids: Vec<i64> = Vec::with_capacity(count * longest);
    for prompt in kept.iter().flat_map(|shape| &shape.cell.prompts) {
        let missing = longest - prompt.tokens.len();
        ids.extend(prompt.tokens.iter().map(|&id| i64::from(id)).chain(std::iter::repeat_n(-1, missing)));
    }
    let of_shape = |shape: &KeptShape| -> Vec<i64> {
        let positions = shape.activations.first().map_or(&[][..], |activation| &activation.positions);
        positions.iter().map(|&position| position as i64).collect()
    };
    let (positions, shape) = match kept.as_slice() {
        [only] => {
            let positions = of_shape(only);
            let shape = vec![positions.len()];
            (positions, shape)
        }
        several => {
            let each = several.iter().flat_map(|shape| std::iter::repeat_n(of_shape(shape), shape.cell.prompts.len()));
            let positions: Vec<i64> = each.flatten().collect();
            let shape = vec![count, positions.len() / count.max(1)];
            (positions, shape)
        }
    };
    let hooks: Vec<String> =
        kept.first().map_or_else(Vec::new, |shape| shape.chosen.iter().map(|chosen| chosen.hook.to_string()).collect());
    let units = kept.first().map_or_else(String::new, |shape| chosen::units_json(&shape.chosen));
    let activations = together(step, kept, context)?;
    let mut tensors = vec![
        ("positions".to_string(), integers(positions, shape)),
        ("tokens".to_string(), integers(ids, vec![count, longest])),
    ];
    tensors.extend(hooks.into_iter().zip(&activations).map(|(hook, activation)| {
        let data = Data::Floats(&activation.data);
        (hook, FileTensor { shape: activation.shape(), data })
    }));
    let labels = subject.labels();
    let metadata = [
        ("ablate", env!("CARGO_PKG_VERSION").to_string()),
        ("step", step.name.clone()),
        ("model", labels.model.to_string()),
        ("checkpoint", labels.checkpoint.to_string()),
        ("template", first.template.clone()),
        ("units", units),
    ];
    let path = context.dir.join("activations").join(file_name(step, first, subject, context));
    tensor_file::write(&path, &metadata, &tensors).map_err(Error::failed(format!("step '{}'", step.name)))?;
    Ok(path)
}

/// `STEP.safetensors`; with the model's name and checkpoint where the step runs several, and the template's where the
/// prompts have several.
fn file_name(step: &step::Capture, cell: &TemplateBatch, subject: &ModelRun, context: &Context) -> String {
    let mut parts = vec![step.name.clone()];
    if context.models.names(&step.models).len() > 1 {
        parts.push(subject.name.name.clone());
        parts.extend(subject.name.checkpoint.clone());
    }
    if subject.set.templates.len() > 1 {
        parts.push(cell.template.clone());
    }
    parts.push("safetensors".into());
    // Checkpoints are folders or revisions, whose names may have slashes.
    let plain = |letter: char| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
    parts.join(".").chars().map(plain).collect()
}

rows! {
    /// The place of a value in its activation.
    IndexColumn(index: Option<u32>) {
        index: Option<i64> = *index, "Place of the value in its activation; null where a unit is one value, at attention patterns the key's position.";
    }
}

/// One row per hook, position, unit, index within the unit, and prompt.
fn values(
    chosen: &[Chosen],
    activations: &[Activation],
    positions: &[PositionGroup],
    (cell, facts): (&TemplateBatch, &Facts),
) -> PolarsResult<DataFrame> {
    let prompts = &cell.prompts;
    let mut keys: Vec<(Component, &PositionGroup)> = Vec::new();
    let mut indices: Vec<Option<u32>> = Vec::new();
    let mut data: Vec<f64> = Vec::new();
    for (chosen, activation) in chosen.iter().zip(activations) {
        for (at, &position) in positions.iter().zip(&activation.positions) {
            for (slot, &unit) in chosen.units.iter().enumerate() {
                let whole = matches!(activation.layout, Layout::Stream { .. });
                for index in 0..activation.layout.unit_width() {
                    keys.push((Component { hook: chosen.hook, unit: Some(unit) }, at));
                    indices.push((!whole).then_some(index as u32));
                    data.extend((0..prompts.len()).map(|row| {
                        let values = activation.unit(row, position, slot);
                        values.and_then(|values| values.get(index)).map_or(f64::NAN, |&value| f64::from(value))
                    }));
                }
            }
        }
    }
    let keys = places::keys(&keys, facts)?.hstack(&IndexColumn::columns("", indices.into_iter()))?;
    let values = MeasuredValues { keys: &keys, measures: &["value"], prompts, data: &data, baseline: None };
    values.each()?.drop("measure")
}
