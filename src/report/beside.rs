//! Texts that models wrote, beside each other: a prompt a row, an intervention a column.

use super::ReportTable;
use crate::table;
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;

/// Columns that name a text's row where several of their values are there, and what they are called there.
const APART: [(&str, &str); 4] =
    [("model", "model"), ("checkpoint", "checkpoint"), ("template", "template"), ("draw", "number")];

/// An intervention by its name, and the layer and the strength that it was made at.
fn named(names: &Column, swept: &[&Column], row: usize) -> String {
    let of = |column: &&Column| {
        let there = column.get(row).is_ok_and(|value| !value.is_null());
        there.then(|| format!(", {} {}", column.name(), table::plain(column, row)))
    };
    let further: String = swept.iter().filter_map(of).collect();
    format!("{}{further}", table::plain(names, row))
}

/// Rows of texts (columns `intervention`, `text` and `written`), each prompt's beside each other; none of other rows.
///
/// # Errors
/// None of its own.
pub fn beside(name: &str, rows: &DataFrame) -> PolarsResult<Option<ReportTable>> {
    let column = |name: &str| rows.column(name).ok();
    let (Some(arms), Some(prompts), Some(written)) = (column("intervention"), column("text"), column("written")) else {
        return Ok(None);
    };
    let told: Vec<(&Column, &str)> = APART
        .iter()
        .filter_map(|(name, shown)| Some((column(name)?, *shown)))
        .filter(|(column, _)| column.n_unique().is_ok_and(|count| count > 1))
        .collect();
    let swept: Vec<&Column> = ["layer", "strength"].iter().filter_map(|name| column(name)).collect();
    let mut names: IndexSet<String> = IndexSet::new();
    let mut texts: IndexMap<Vec<String>, IndexMap<usize, String>> = IndexMap::new();
    for row in 0..rows.height() {
        let of = told.iter().map(|(column, _)| *column).chain([prompts]).map(|column| table::plain(column, row));
        let (arm, _) = names.insert_full(named(arms, &swept, row));
        texts.entry(of.collect()).or_default().insert(arm, table::plain(written, row));
    }
    let heads = told.iter().map(|(_, shown)| *shown).chain(["prompt"]).enumerate();
    let of = |place: usize| texts.keys().map(move |key| key[place].clone()).collect::<Vec<String>>();
    let mut columns: Vec<Column> = heads.map(|(place, head)| Column::new(head.into(), of(place))).collect();
    for (arm, name) in names.iter().enumerate() {
        let texts: Vec<Option<&str>> = texts.values().map(|texts| texts.get(&arm).map(String::as_str)).collect();
        // An intervention may be called as one of the columns before it.
        let taken = columns.iter().any(|column| column.name().as_str() == name);
        let name = if taken { format!("{name} (intervention)") } else { name.clone() };
        columns.push(Column::new(name.as_str().into(), texts));
    }
    let frame = DataFrame::new(texts.len(), columns)?;
    let title = Some(format!("Texts of {}", name.split('.').next().unwrap_or(name)));
    Ok(Some(ReportTable {
        name: name.to_string(),
        title,
        frame,
        why_empty: None,
        decimals: 3,
        files: Vec::new(),
        place: usize::MAX,
    }))
}
