//! The order of rows: `sort`, labels that have an order in theirs, and the numbers of groups in the order in which they are first seen.

use super::error::{TableFault, TableProblem, at, column};
use super::palette::Palette;
use super::undefined::undefined;
use polars::prelude::*;

/// A column to sort by, and whether it descends.
type SortKey = (Column, bool);

/// Sorts by the columns in turn, `-name` descending; either way NaNs come after the numbers and nulls last. Rows that are equal
/// keep their order; labels that have an order come in it.
pub(super) fn sort(frame: &DataFrame, by: &[String]) -> Result<DataFrame, Vec<TableFault<TableProblem>>> {
    let mut all = Vec::with_capacity(by.len());
    let mut faults = Vec::new();
    for (place, text) in by.iter().enumerate() {
        // A column may itself begin with a minus; then the name as written wins.
        let (name, down) = match text.strip_prefix('-') {
            Some(rest) if frame.column(text).is_err() => (rest, true),
            _ => (text.as_str(), false),
        };
        match keys(frame, name, down) {
            Ok(keys) => all.extend(keys),
            Err(problem) => faults.push(at(&["sort", &place.to_string()])(problem)),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    reorder(frame, all).map_err(|problem| vec![at(&["sort"])(problem)])
}

/// What one column is sorted by: its values, and before these whether they are numbers, NaNs or nulls.
fn keys(frame: &DataFrame, name: &str, down: bool) -> Result<Vec<SortKey>, TableProblem> {
    let values = column(frame, name)?;
    if let Some(palette) = Palette::of_column(values) {
        return Ok(vec![(ranks(values, palette)?, down)]);
    }
    let class = undefined(values.as_materialized_series())?.map(|undefined| {
        let there = values.is_not_null();
        let class: UInt32Chunked = undefined
            .iter()
            .zip(there.iter())
            .map(|(undefined, there)| if there == Some(true) { u32::from(undefined == Some(true)) } else { 2 })
            .map(Some)
            .collect();
        (class.into_column(), false)
    });
    Ok(class.into_iter().chain([(values.clone(), down)]).collect())
}

/// Groups in the order of their keys' first appearance, column by column, labels that have an order in theirs. Left as they are when
/// no key has one.
pub(super) fn in_order(groups: &DataFrame, keys: &[String]) -> Result<DataFrame, TableProblem> {
    let columns = keys.iter().map(|key| column(groups, key)).collect::<Result<Vec<_>, _>>()?;
    if !columns.iter().any(|column| Palette::of_column(column).is_some()) {
        return Ok(groups.clone());
    }
    let ranked = columns.into_iter().map(|values| {
        let ranks = match Palette::of_column(values) {
            Some(palette) => ranks(values, palette)?,
            None => first_seen(values)?,
        };
        Ok((ranks, false))
    });
    reorder(groups, ranked.collect::<Result<_, TableProblem>>()?)
}

fn reorder(frame: &DataFrame, keys: Vec<SortKey>) -> Result<DataFrame, TableProblem> {
    const ROW: &str = "row";
    let (keys, descending): (Vec<Column>, Vec<bool>) = keys.into_iter().unzip();
    let number = |(place, key): (usize, Column)| key.with_name(format!("{place}").into());
    let keys: Vec<Column> = keys.into_iter().enumerate().map(number).collect();
    let names: Vec<PlSmallStr> = keys.iter().map(|key| key.name().clone()).collect();
    let mut sorted = DataFrame::new_infer_height(keys)?;
    sorted.with_column(Column::new(ROW.into(), (0..frame.height() as IdxSize).collect::<Vec<_>>()))?;
    let options = SortMultipleOptions::default()
        .with_order_descending_multi(descending)
        .with_nulls_last(true)
        .with_maintain_order(true);
    let sorted = sorted.sort(names, options)?;
    Ok(frame.take(sorted.column(ROW)?.idx()?)?)
}

fn ranks(labels: &Column, palette: &Palette) -> Result<Column, TableProblem> {
    let rank = |label: Option<&str>| palette.place(label?).map(|place| place as u32);
    let ranks: UInt32Chunked = labels.str()?.iter().map(rank).collect();
    Ok(ranks.into_column())
}

/// For each row the number of its value, counted from the first value seen.
fn first_seen(values: &Column) -> Result<Column, TableProblem> {
    let frame = DataFrame::new_infer_height(vec![values.clone()])?;
    let (numbers, _) = numbered(&frame, &[values.name().to_string()])?;
    let ranks: Vec<u32> = numbers.into_iter().map(|number| number as u32).collect();
    Ok(Column::new(values.name().clone(), ranks))
}

/// The number of each row's group, counted from the first seen, and each group's first row.
pub(super) fn numbered(frame: &DataFrame, keys: &[String]) -> PolarsResult<(Vec<usize>, Vec<IdxSize>)> {
    if keys.is_empty() {
        return Ok((vec![0; frame.height()], if frame.height() == 0 { vec![] } else { vec![0] }));
    }
    let mut numbers = vec![0; frame.height()];
    let mut firsts = Vec::new();
    let groups = frame.group_by_stable(keys.iter().map(String::as_str))?;
    for (number, group) in groups.get_groups().iter().enumerate() {
        let rows: Vec<IdxSize> = match group {
            GroupsIndicator::Idx((_, rows)) => rows.iter().copied().collect(),
            GroupsIndicator::Slice([first, len]) => (first..first + len).collect(),
        };
        firsts.extend(rows.first());
        for row in rows {
            if let Some(slot) = numbers.get_mut(row as usize) {
                *slot = number;
            }
        }
    }
    Ok((numbers, firsts))
}
