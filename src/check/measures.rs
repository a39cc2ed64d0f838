//! Tables and figures that would make one number of several measures, as far as the spec alone shows it: refused before any work.

use crate::figure;
use crate::spec::expression::{Function, parse_value};
use crate::spec::{Condition, Loaded, Spec, SpecErrors, Table};
use crate::step;
use crate::table::identity::{MEASURE, measured};
use crate::table::{self, Frames};
use indexmap::{IndexMap, IndexSet};
use polars::prelude::df;

/// Refuses numbers that are of several measures at once. `frames` are those there can be, without rows.
pub(crate) fn mixed(loaded: &Loaded, frames: &Frames) -> Vec<SpecErrors> {
    let spec = &loaded.spec;
    let has_column = |from: &str| frames.get(from).is_ok_and(|rows| rows.column(MEASURE).is_ok());
    let mut errors = Vec::new();
    for one in &spec.tables {
        let there = kept(&one.filter, of(spec, &one.from));
        if there.len() < 2 || one.join.is_some() || one.group_by.iter().any(|name| name == MEASURE) {
            continue;
        }
        for (name, what) in &one.aggregate {
            let what = what.says();
            if what.function != Function::Count && what.column.as_deref().is_some_and(measured) {
                let advice = advice(&there, &one.from, has_column(&one.from), "'measure' into group_by");
                errors.push(refuse(loaded, &["table", &one.name, "aggregate", name], &one.from, &there, advice));
            }
        }
    }
    for one in &spec.figures {
        let Some(averaged) = figure::averaged(one) else { continue };
        let there = kept(&one.filter, of(spec, &one.from));
        let column =
            one.column(averaged.key).map(|text| parse_value(text).map_or(text.to_string(), |value| value.column));
        if there.len() < 2
            || averaged.told(one).any(|name| name == MEASURE)
            || !column.is_some_and(|name| measured(&name))
        {
            continue;
        }
        let advice = advice(&there, &one.from, has_column(&one.from), averaged.otherwise);
        errors.push(refuse(loaded, &["figure", &one.name, averaged.key], &one.from, &there, advice));
    }
    errors
}

fn refuse(loaded: &Loaded, path: &[&str], from: &str, measures: &[&str], advice: String) -> SpecErrors {
    let problem = format!(
        "rows of '{from}' hold {} measures ({}), which would be averaged into one number",
        measures.len(),
        measures.join(", ")
    );
    loaded.refuse(path, problem, Some(advice))
}

fn advice(measures: &[&str], from: &str, has_column: bool, otherwise: &str) -> String {
    let condition = format!("where = {{ measure = \"{}\" }}", measures.first().copied().unwrap_or_default());
    match has_column {
        true => format!("write {condition}, or {otherwise}"),
        // A table that no longer has the column.
        false => format!("write {condition} in [[table]] '{from}'"),
    }
}

/// The measures that the rows of a step or table are of, each place's rows of all of them; none where there are not several, or
/// only the rows will show it.
fn of(spec: &Spec, from: &str) -> Vec<&'static str> {
    if let Some(one) = spec.tables.iter().find(|table| table.name == from) {
        return of_table(spec, one);
    }
    let own = |name: &str| name == from || from.strip_suffix(".prompts") == Some(name);
    let found = spec.steps.iter().find(|step| own(step.name()));
    let measures: IndexSet<&str> = found.map(step::measured).unwrap_or_default().into_iter().collect();
    measures.into_iter().collect()
}

fn of_table(spec: &Spec, table: &Table) -> Vec<&'static str> {
    let grouped = !table.group_by.is_empty() || !table.aggregate.is_empty();
    let shaped = table.join.is_some() || table.pivot.is_some() || table.head.is_some();
    if shaped || grouped && !table.group_by.iter().any(|name| name == MEASURE) {
        return Vec::new();
    }
    kept(&table.filter, of(spec, &table.from))
}

/// Those that a condition keeps.
fn kept(filter: &IndexMap<String, Condition>, measures: Vec<&'static str>) -> Vec<&'static str> {
    let Some(condition) = filter.get(MEASURE) else { return measures };
    let holds = |measure: &&str| {
        let row = df!(MEASURE => [*measure]).ok();
        row.and_then(|row| table::meeting(&row, MEASURE, condition).ok()).is_none_or(|kept| kept.height() > 0)
    };
    measures.into_iter().filter(holds).collect()
}
