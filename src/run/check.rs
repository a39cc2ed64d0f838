//! What can be refused before any work, once step kinds have said which columns their rows have: tables and figures are
//! made of empty rows, and models are looked at without loading them.

use super::{Frames, ModelName, Models, order};
use crate::model::Card;
use crate::prompt::Resolved;
use crate::spec::{Figure, Loaded, SpecErrors, Step};
use crate::{Error, step, table};
use polars::prelude::DataFrame;
use std::collections::HashSet;

/// Makes every table from empty rows and looks up every column of every figure.
pub fn tables_and_figures(loaded: &Loaded) -> Result<(), Error> {
    let spec = &loaded.spec;
    let mut frames = Frames::default();
    // Columns that a pivot makes from values are not known yet: whatever reads such a table is not checked.
    let mut unknown: HashSet<&str> = HashSet::new();
    for step in &spec.steps {
        for (name, frame) in step::empty_frames(step)? {
            frames.insert(name, frame);
        }
    }
    for table in order::tables(&spec.tables) {
        if unknown.contains(table.from.as_str()) || table.pivot.is_some() {
            unknown.insert(&table.name);
            continue;
        }
        let rows =
            frames.get(&table.from).map_err(|problem| loaded.refuse(&["table", &table.name, "from"], problem, None))?;
        let frame = table::build(table, rows).map_err(|error| {
            let path: Vec<&str> = ["table", &table.name].into_iter().chain(error.key.split('.')).collect();
            loaded.refuse(&path, error.problem.to_string(), None)
        })?;
        frames.insert(table.name.clone(), frame);
    }
    for figure in spec.figures.iter().filter(|figure| !unknown.contains(figure.from.as_str())) {
        let rows = frames
            .get(&figure.from)
            .map_err(|problem| loaded.refuse(&["figure", &figure.name, "from"], problem, None))?;
        for (key, column) in columns(figure) {
            check_column(rows, column)
                .map_err(|problem| loaded.refuse(&["figure", &figure.name, key], problem, None))?;
        }
    }
    Ok(())
}

/// Every column a figure reads, with the key that names it.
fn columns(figure: &Figure) -> Vec<(&'static str, &str)> {
    let mut columns = vec![("x", figure.x.as_str()), ("y", figure.y.as_str())];
    columns.extend(figure.series.iter().map(|column| ("series", column.as_str())));
    columns.extend(figure.facet.iter().map(|column| ("facet", column.as_str())));
    columns.extend(figure.band.iter().flatten().map(|column| ("band", column.as_str())));
    columns.extend(figure.filter.keys().map(|column| ("where", column.as_str())));
    columns
}

fn check_column(rows: &DataFrame, column: &str) -> Result<(), String> {
    match table::column(rows, column) {
        Ok(_) => Ok(()),
        Err(problem) => Err(problem.to_string()),
    }
}

/// Checks every prompt set as far as that needs no model; all that is wrong at once.
pub fn prompts(loaded: &Loaded) -> Result<(), Error> {
    let main = loaded.spec.prompts.iter().map(|prompts| (vec!["prompts"], prompts));
    let named = loaded.spec.prompt_sets.iter().map(|(name, prompts)| (vec!["prompt_sets", name.as_str()], prompts));
    let mut errors = Vec::new();
    for (table, prompts) in main.chain(named) {
        for problem in Resolved::new(prompts).err().unwrap_or_default() {
            let path: Vec<&str> = table.iter().copied().chain(problem.path()).collect();
            errors.push(loaded.refuse(&path, problem.to_string(), None));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(SpecErrors::join(errors).into()) }
}

/// Finds every model that a step names, and checks its files, without loading its weights.
pub fn models(loaded: &Loaded, models: &Models) -> Result<Vec<(ModelName, Card)>, Error> {
    let mut seen: Vec<(ModelName, Card)> = Vec::new();
    for name in loaded.spec.steps.iter().filter_map(Step::models).flat_map(|selected| models.names(selected)) {
        if seen.iter().all(|(other, _)| *other != name) {
            let card = models.card(&name)?;
            seen.push((name, card));
        }
    }
    Ok(seen)
}
