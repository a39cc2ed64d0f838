//! `pivot`: one column's values become columns.

use super::error::{TableFault, TableProblem, at, column};
use super::markdown;
use super::order::numbered;
use super::palette::Palette;
use crate::spec::Pivot;
use polars::prelude::*;
use std::collections::HashMap;

/// One row per combination of the index columns, one column per value of `on`; a combination without a row is null.
/// Rows and columns in the order in which they are first seen, labels that have an order in theirs.
pub(super) fn pivot(frame: &DataFrame, spec: &Pivot) -> Result<DataFrame, Vec<TableFault<TableProblem>>> {
    let mut faults = Vec::new();
    for (index, name) in spec.index.iter().enumerate() {
        faults.extend(column(frame, name).err().map(at(&["pivot", "index", &index.to_string()])));
    }
    let on = column(frame, &spec.on).map_err(|problem| faults.push(at(&["pivot", "on"])(problem)));
    let values = column(frame, &spec.values).map_err(|problem| faults.push(at(&["pivot", "values"])(problem)));
    match (on, values) {
        (Ok(on), Ok(values)) if faults.is_empty() => {
            spread(frame, spec, on, values).map_err(|problem| vec![at(&["pivot", "index"])(problem)])
        }
        _ => Err(faults),
    }
}

fn spread(frame: &DataFrame, spec: &Pivot, on: &Column, values: &Column) -> Result<DataFrame, TableProblem> {
    let (row_of, first_rows) = numbered(frame, &spec.index)?;
    let (column_of, first_columns) = numbered(frame, std::slice::from_ref(&spec.on))?;
    let mut result =
        frame.select(spec.index.iter().map(String::as_str))?.take(&IdxCa::from_vec("".into(), first_rows))?;
    let mut sources = vec![vec![None; result.height()]; first_columns.len()];
    let mut several: HashMap<(usize, usize), usize> = HashMap::new();
    for (source, (&row, &column)) in row_of.iter().zip(&column_of).enumerate() {
        let slot = sources.get_mut(column).and_then(|column| column.get_mut(row));
        if slot.is_some_and(|slot| slot.replace(source as IdxSize).is_some()) {
            *several.entry((row, column)).or_insert(1) += 1;
        }
    }
    if let Some((&(row, column), &rows)) = several.iter().min() {
        let mut cell: Vec<String> = spec.index.iter().map(|name| named(&result, name, row)).collect();
        let first = first_columns.get(column).copied().unwrap_or_default() as usize;
        cell.push(named(frame, &spec.on, first));
        return Err(TableProblem::SeveralRows { rows, cell: cell.join(", ") });
    }
    let mut columns: Vec<(String, Vec<Option<IdxSize>>)> =
        first_columns.iter().map(|&first| markdown::plain(on, first as usize)).zip(sources).collect();
    if let Some(palette) = Palette::of_rows(columns.iter().map(|(name, _)| name.as_str())) {
        columns.sort_by_key(|(name, _)| palette.place(name));
    }
    for (name, sources) in columns {
        if result.column(&name).is_ok() {
            return Err(TableProblem::DuplicateColumn(name));
        }
        let sources = IdxCa::from_iter_options("".into(), sources.into_iter());
        result.with_column(values.take(&sources)?.with_name(name.into()))?;
    }
    Ok(result)
}

fn named(frame: &DataFrame, name: &str, row: usize) -> String {
    let value = frame.column(name).map(|column| markdown::plain(column, row)).unwrap_or_default();
    format!("{name} = {value}")
}
