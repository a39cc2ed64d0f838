//! What can be refused before any work, once step kinds have said which columns their rows have: tables, figures and
//! expectations are made of empty rows, and models are looked at without loading them.

use super::{measures, values};
use crate::context::Models;
use crate::model::{ModelName, ModelSummary};
use crate::prompt::ResolvedPrompts;
use crate::spec::{Loaded, SpecErrors, Step, Table};
use crate::table::{self, Frames, MissingRows};
use crate::variants::{VariantGroups, groups, order, pool};
use crate::{Error, expectation, figure, step};
use polars::prelude::{DataFrame, DataType};
use std::collections::HashSet;

/// Has every step check the columns of the rows it reads, makes every table from no rows, and has every figure and
/// expectation read its columns; all that is wrong at once.
pub fn rows(loaded: &Loaded) -> Result<(), Error> {
    let spec = &loaded.spec;
    let mut errors = Vec::new();
    let frames = &mut steps(loaded, &mut errors)?;
    errors.extend(super::no_effect::check(loaded));
    // Their columns are known only with the rows, or they are refused: nothing can be said of what reads them.
    let mut unknown: HashSet<&str> = HashSet::new();
    for table in order::tables(&spec.tables) {
        let with = table.join.as_ref().map(|join| join.with.as_str());
        if std::iter::once(table.from.as_str()).chain(with).any(|from| unknown.contains(from)) {
            unknown.insert(&table.name);
            continue;
        }
        let checked = match frames.read(table) {
            Ok((columns, with)) => table::check(table, columns, with).map_err(|error| refused_table(loaded, error)),
            Err(missing) => Err(refused_rows(loaded, table, missing)),
        };
        match checked {
            Ok(Some(columns)) => frames.insert(table.name.clone(), columns),
            Ok(None) => drop(unknown.insert(&table.name)),
            Err(refused) => {
                unknown.insert(&table.name);
                errors.push(refused);
            }
        }
    }
    for figure in spec.figures.iter().filter(|figure| !unknown.contains(figure.from.as_str())) {
        match frames.get(&figure.from) {
            Ok(columns) => {
                let faults = figure::check(figure, columns).err().map(|error| error.faults);
                errors.extend(faults.map(|faults| refused(loaded, "figure", &figure.name, faults)));
            }
            Err(problem) => errors.push(loaded.refuse(&["figure", &figure.name, "from"], problem, None)),
        }
    }
    for expected in spec.expectations.iter().filter(|expected| !unknown.contains(expected.from.as_str())) {
        match frames.get(&expected.from) {
            Ok(columns) => {
                let faults = expectation::check(expected, columns).err();
                errors.extend(faults.map(|faults| refused(loaded, "expect", &expected.name, faults)));
            }
            Err(problem) => errors.push(loaded.refuse(&["expect", &expected.name, "from"], problem, None)),
        }
    }
    errors.extend(measures::mixed(loaded, frames));
    errors.extend(values::misspelt(loaded, frames));
    if errors.is_empty() { Ok(()) } else { Err(SpecErrors::join(errors).into()) }
}

/// The rows of all steps, without any, with the columns of the axes that each depends on; `errors` has what is wrong with them.
fn steps(loaded: &Loaded, errors: &mut Vec<SpecErrors>) -> Result<Frames, Error> {
    let groups = VariantGroups::of(loaded);
    let mut pooled = Frames::default();
    for (number, variant) in loaded.variants().into_iter().enumerate() {
        let mut frames = Frames::default();
        for step in order::steps(&variant.spec.steps) {
            let axes = groups::axes(loaded, &groups, step.name());
            let group = groups.led_by(step.name(), number);
            for (name, frame) in step::empty_frames(step, variant, &frames)? {
                if let Some(group) = group {
                    match of_axes(loaded, step, &axes, &frame) {
                        Ok(()) => {
                            let mut rows = pool::labelled(&axes, &group.labels, &frame)?;
                            match pooled.get(&name).ok().cloned() {
                                Some(mut other) => {
                                    pool::alike(&mut other, &mut rows)?;
                                    match other.schema() == rows.schema() {
                                        true => pooled.insert(name.clone(), other),
                                        false => errors.push(other_columns(loaded, step)),
                                    }
                                }
                                None => pooled.insert(name.clone(), rows),
                            }
                        }
                        Err(taken) => {
                            errors.push(taken);
                            pooled.insert(name.clone(), frame.clone());
                        }
                    }
                }
                frames.insert(name, frame);
            }
        }
        errors.extend(variant.spec.steps.iter().filter_map(|one| step::check(one, variant, &frames).err()));
    }
    Ok(pooled)
}

/// Refuses axes that have the name of a column of a step's rows.
fn of_axes(loaded: &Loaded, step: &Step, axes: &[(&str, DataType)], rows: &DataFrame) -> Result<(), SpecErrors> {
    let taken = axes.iter().filter(|(axis, _)| rows.column(axis).is_ok()).map(|(axis, _)| {
        let problem = format!("the rows of step '{}' have a column '{axis}' of their own", step.name());
        loaded.refuse(&["matrix", axis], problem, Some(format!("give the axis another name, such as '{axis}_varied'")))
    });
    let taken: Vec<SpecErrors> = taken.collect();
    if taken.is_empty() { Ok(()) } else { Err(SpecErrors::join(taken)) }
}

fn other_columns(loaded: &Loaded, step: &Step) -> SpecErrors {
    let problem = format!(
        "the rows of step '{}' have different columns in different variants, and cannot be put together",
        step.name()
    );
    loaded.refuse(&["step", step.name()], problem, Some("write one step for each".to_string()))
}

/// What is wrong with a table, each at its place in the spec.
pub fn refused_table(loaded: &Loaded, error: table::TableError) -> SpecErrors {
    refused(loaded, "table", &error.table, error.faults)
}

/// Rows that a table names and that are not there.
pub fn refused_rows(loaded: &Loaded, table: &Table, missing: MissingRows) -> SpecErrors {
    let path: Vec<&str> = ["table", &table.name].into_iter().chain(missing.key.iter().copied()).collect();
    loaded.refuse(&path, missing.problem, None)
}

/// What is wrong with an entry of a list of the spec, each at its place.
pub fn refused<P: std::fmt::Display>(
    loaded: &Loaded,
    list: &str,
    name: &str,
    faults: Vec<table::TableFault<P>>,
) -> SpecErrors {
    SpecErrors::join(faults.into_iter().map(|(key, problem)| {
        let path: Vec<&str> = [list, name].into_iter().chain(key.iter().map(String::as_str)).collect();
        loaded.refuse(&path, problem.to_string(), None)
    }))
}

/// Checks every prompt set as far as that needs no model; all that is wrong at once.
pub fn prompts(loaded: &Loaded) -> Result<(), Error> {
    let mut errors = Vec::new();
    for loaded in loaded.variants() {
        let main = loaded.spec.prompts.iter().map(|prompts| (vec!["prompts"], prompts));
        let named = loaded.spec.prompt_sets.iter().map(|(name, prompts)| (vec!["prompt_sets", name.as_str()], prompts));
        for (table, prompts) in main.chain(named) {
            for problem in ResolvedPrompts::new(prompts).err().unwrap_or_default() {
                let path: Vec<&str> = table.iter().copied().chain(problem.path.iter().map(String::as_str)).collect();
                errors.push(loaded.refuse(&path, problem.to_string(), None));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(SpecErrors::join(errors).into()) }
}

/// Finds every model that a step names, and checks its files, without loading its weights; all that is wrong at once. Of those that
/// are `known`, nothing is looked at.
pub fn models(
    loaded: &Loaded,
    models: &Models,
    known: impl Fn(&ModelName) -> Option<ModelSummary>,
) -> Result<Vec<(ModelName, ModelSummary)>, Error> {
    let mut seen: Vec<ModelName> = Vec::new();
    for name in loaded.spec.steps.iter().filter_map(Step::models).flat_map(|selected| models.names(selected)) {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    Error::each(seen.into_iter().map(|name| {
        let summary = match known(&name) {
            Some(summary) => summary,
            None => ModelSummary::from(&models.sketch(&name)?.card),
        };
        Ok((name, summary))
    }))
}
