//! The difference of two results as a report: its figures, and tables of what differs.

use super::folders::{FolderDifference, Outcome};
use super::picture::{self, Panel};
use super::tables::{ColumnDifference, TableDifference};
use super::text;
use crate::report::{self, Report};
use crate::spec::ImageFormat;
use crate::{Error, table};
use polars::prelude::*;
use std::path::{Path, PathBuf};

/// Writes `report.md`, `tables/` and `figures/` into a folder.
///
/// # Errors
/// Files that cannot be written, columns that cannot be drawn.
pub fn write(
    difference: &FolderDifference,
    panels: &[Panel],
    names: [&str; 2],
    command: &str,
    folder: &Path,
) -> Result<PathBuf, Error> {
    let mut tables = vec![
        ("spec", "Values of the spec that differ", spec(difference)),
        ("columns", "Columns that differ", columns(difference)),
        ("cells", "Cells that differ most", cells(difference)),
    ]
    .into_iter();
    let tables = tables.try_fold(Vec::new(), |mut made, (name, title, frame)| {
        let frame = frame?;
        if frame.height() > 0 {
            let table::Files { csv, parquet } =
                table::write(&frame, &folder.join("tables"), name).map_err(Error::failed(format!("table '{name}'")))?;
            let (name, title) = (name.to_string(), Some(title.to_string()));
            made.push(report::Table { name, title, frame, decimals: 6, files: vec![csv, parquet] });
        }
        Ok::<_, Error>(made)
    })?;
    let sides = ["A", "B"];
    let formats = [ImageFormat::Svg, ImageFormat::Png];
    let mut figures = Vec::new();
    let mut add = |panels: &[Panel], name: &str, title: String| {
        let drawn = picture::draw(panels, sides, &folder.join("figures"), name, &formats)?;
        figures.push(report::Figure {
            name: name.to_string(),
            title: Some(title),
            files: drawn.files,
            notes: drawn.notes,
        });
        Ok::<_, Error>(())
    };
    if panels.len() > 1 {
        add(panels, "all", "Columns that differ".into())?;
    }
    for panel in panels {
        let name = format!("{}-{}", panel.table, panel.column);
        let name = name.replace(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter)), "_");
        add(std::slice::from_ref(panel), &name, format!("{}: {}", panel.table, panel.column))?;
    }
    let [a, b] = names;
    let report = Report {
        title: format!("{a} and {b}"),
        description: Some(format!("What differs between A, `{a}`, and B, `{b}`: {}.", difference.verdict())),
        command: command.to_string(),
        tables,
        figures,
        notes: files(difference),
        ..Report::default()
    };
    let path = folder.join("report.md");
    report::write(&report, &path).map_err(Error::failed("report"))?;
    Ok(path)
}

/// What is to be said of files that are no tables.
fn files(difference: &FolderDifference) -> Vec<String> {
    let text = text::other_files(difference, ["in A", "in B"]);
    text.lines().map(|line| line.trim().to_string()).collect()
}

fn spec(difference: &FolderDifference) -> Result<DataFrame, Error> {
    let changes = &difference.spec;
    let side = |side: usize| changes.iter().map(|change| change.values[side].clone()).collect::<Vec<_>>();
    let keys: Vec<&str> = changes.iter().map(|change| change.key.as_str()).collect();
    Ok(df!("key" => keys, "a" => side(0), "b" => side(1))?)
}

/// Every column that differs, with its table.
fn all(difference: &FolderDifference) -> Vec<(&str, &ColumnDifference)> {
    let tables = difference.files.iter().filter_map(|file| match &file.outcome {
        Outcome::Table(TableDifference { columns, .. }) => Some((file.path.as_str(), columns)),
        _ => None,
    });
    let mut all: Vec<_> = tables.flat_map(|(path, columns)| columns.iter().map(move |column| (path, column))).collect();
    all.sort_by(|one, other| other.1.excess.total_cmp(&one.1.excess));
    all
}

fn columns(difference: &FolderDifference) -> Result<DataFrame, Error> {
    let all = all(difference);
    let count =
        |of: fn(&ColumnDifference) -> usize| all.iter().map(|(_, column)| of(column) as i64).collect::<Vec<_>>();
    let number =
        |of: fn(&ColumnDifference) -> Option<f64>| all.iter().map(|(_, column)| of(column)).collect::<Vec<_>>();
    Ok(df!(
        "table" => all.iter().map(|(table, _)| *table).collect::<Vec<_>>(),
        "column" => all.iter().map(|(_, column)| column.name.as_str()).collect::<Vec<_>>(),
        "cells" => count(|column| column.cells),
        "changed" => count(|column| column.changed),
        "beyond_tolerance" => count(|column| column.beyond),
        "largest_difference" => number(|column| column.largest),
        "mean_difference" => number(|column| column.mean),
    )?)
}

fn cells(difference: &FolderDifference) -> Result<DataFrame, Error> {
    let cells: Vec<_> = all(difference)
        .into_iter()
        .flat_map(|(table, column)| column.worst.iter().map(move |cell| (table, column.name.as_str(), cell)))
        .collect();
    let value = |side: usize| cells.iter().map(|(.., cell)| cell.values[side].as_str()).collect::<Vec<_>>();
    Ok(df!(
        "table" => cells.iter().map(|(table, ..)| *table).collect::<Vec<_>>(),
        "row" => cells.iter().map(|(.., cell)| text::key_text(&cell.key)).collect::<Vec<_>>(),
        "column" => cells.iter().map(|(_, column, _)| *column).collect::<Vec<_>>(),
        "a" => value(0),
        "b" => value(1),
        "difference" => cells.iter().map(|(.., cell)| cell.difference).collect::<Vec<_>>(),
    )?)
}
