//! Step `capture`: activations kept as they are, in a file per model and template or as rows.

mod chosen;

use super::model_run::{self, CellRun, ModelRun, TemplateBatch};
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
        model_run::each_cell(self, context, |run| keep(self, run))
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
                let values = chosen.iter().map(Chosen::values).sum::<usize>() * at.iter(cell.positions.length).count();
                Ok(ReadCost { logits: 0, bytes: values * size_of::<f32>(), passing: 0 })
            })
            .map(Some)
    }
}

/// The hooks with their units, and the positions, in one model's prompts of one template.
fn places(
    step: &step::Capture,
    target: Scope,
    positions: &prompt::TemplatePositions,
    template: &str,
    context: &Context,
) -> Result<(Vec<Chosen>, Positions), Error> {
    let written = (step.sites.as_slice(), step.positions.as_slice());
    let (sites, at) = places::resolve(&step.name, written, target, (positions, template), context)?;
    Ok((chosen::of(&sites, target.facts, positions.length), places::together(&at)))
}

/// The activations of one cell's prompts.
fn keep(step: &step::Capture, CellRun { cell, subject, context, outcome }: CellRun) -> Result<(), Error> {
    let facts = subject.model.facts();
    let length = cell.positions.length;
    let target = Scope::of(subject, &cell.template);
    let (chosen, at) = places(step, target, &cell.positions, &cell.template, context)?;
    let count = chosen.iter().map(Chosen::values).sum::<usize>() * at.iter(length).count() * cell.prompts.len();
    if step.format == CaptureFormat::Rows {
        refuse_too_many(step, count, context, outcome)?;
    }
    let activations = read(step, cell, &chosen, &at, subject, context)?;

    let labels = subject.labels();
    match step.format {
        CaptureFormat::Rows => {
            let positions: Vec<PositionGroup> =
                at.iter(length).map(|index| places::at(&cell.positions, index)).collect();
            let rows = values(&chosen, &activations, &positions, (cell, facts))?;
            outcome.add_labelled(&step.name, labels, &cell.template, rows)?;
        }
        CaptureFormat::Safetensors => {
            let path = write(step, cell, &chosen, &activations, subject, context)?;
            if outcome.files.contains(&path) {
                let problem = format!("two captures would be written to {}", path.display());
                return Err(Error::failed(format!("step '{}'", step.name))(problem));
            }
            outcome.files.push(path);
        }
    }
    let prompts = PromptColumns::frame(cell.prompts.iter().copied())?;
    outcome.add_labelled(&format!("{}.prompts", step.name), labels, &cell.template, prompts)?;
    Ok(())
}

/// Refuses more rows than are kept, those of the models and templates before counted.
fn refuse_too_many(step: &step::Capture, count: usize, context: &Context, outcome: &Outcome) -> Result<(), Error> {
    let before = outcome.frames.iter().find(|(name, _)| *name == step.name).map_or(0, |(_, frame)| frame.height());
    if before + count <= MOST_ROWS {
        return Ok(());
    }
    let problem = format!("{} rows; at most {MOST_ROWS} are kept; write format = \"safetensors\"", before + count);
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
    let label = format!("{}: {}", step.name, subject.name);
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

/// Writes the file and says where it is.
fn write(
    step: &step::Capture,
    cell: &TemplateBatch,
    chosen: &[Chosen],
    activations: &[Activation],
    subject: &ModelRun,
    context: &Context,
) -> Result<PathBuf, Error> {
    let tokens = model_run::tokens(&cell.prompts)?;
    let integers = |values: Vec<i64>, shape: Vec<usize>| FileTensor { shape, data: Data::Integers(values) };
    let positions: Vec<i64> = match activations.first() {
        Some(activation) => activation.positions.iter().map(|&position| position as i64).collect(),
        None => Vec::new(),
    };
    let ids = tokens.ids.iter().map(|&id| i64::from(id)).collect();
    let shape = vec![positions.len()];
    let mut tensors = vec![
        ("positions".to_string(), integers(positions, shape)),
        ("tokens".to_string(), integers(ids, vec![tokens.batch, tokens.pos])),
    ];
    tensors.extend(chosen.iter().zip(activations).map(|(chosen, activation)| {
        let data = Data::Floats(&activation.data);
        (chosen.hook.to_string(), FileTensor { shape: activation.shape(), data })
    }));
    let labels = subject.labels();
    let metadata = [
        ("ablate", env!("CARGO_PKG_VERSION").to_string()),
        ("step", step.name.clone()),
        ("model", labels.model.to_string()),
        ("checkpoint", labels.checkpoint.to_string()),
        ("template", cell.template.clone()),
        ("units", chosen::units_json(chosen)),
    ];
    let path = context.dir.join("activations").join(file_name(step, cell, subject, context));
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
