//! Figures of how two results differ: the numbers of a column in the one against those in the other.

use super::folders::{self, FileVerdict, FolderDifference};
use super::record::ResultsRecord;
use super::tables;
use crate::figure::{self, Drawn, FigureError, FigureProblem};
use crate::spec::{Figure, ImageFormat};
use crate::table;
use polars::prelude::*;
use std::path::Path;

/// Most columns that are drawn.
const PANELS: usize = 12;

/// The numbers of a column that differs, of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The number in the one and in the other, of every row that both have.
    pub points: Vec<(f64, f64)>,
    /// The group of each, where the table has these.
    pub groups: Vec<String>,
}

/// The columns of numbers that differ, those that differ most first: of tables, or of rows where no table differs.
///
/// # Errors
/// Tables that can no longer be read.
pub fn panels(a: &ResultsRecord, b: &ResultsRecord, difference: &FolderDifference) -> PolarsResult<Vec<Panel>> {
    for folder in ["tables/", "rows/"] {
        let mut found = Vec::new();
        for file in difference.files.iter().filter(|file| file.path.starts_with(folder)) {
            let FileVerdict::Table(table) = &file.outcome else { continue };
            let [one, other] = [folders::table(&a.folder, &file.path)?, folders::table(&b.folder, &file.path)?];
            let name = file.path.trim_start_matches(folder).rsplit_once('.').map_or("", |(name, _)| name);
            let groups = one.column("operator").ok();
            let numbers = tables::numbers(&one, &other, &table.keys)?;
            for column in &table.columns {
                let Some((_, cells)) = numbers.iter().find(|(name, _)| *name == column.name) else { continue };
                let group = |row: usize| groups.map(|groups| table::plain(groups, row));
                found.push((
                    column.excess,
                    Panel {
                        table: name.to_string(),
                        column: column.name.clone(),
                        points: cells.iter().map(|cell| cell.numbers).collect(),
                        groups: cells.iter().filter_map(|cell| group(cell.rows.0)).collect(),
                    },
                ));
            }
        }
        if !found.is_empty() {
            found.sort_by(|one, other| other.0.total_cmp(&one.0));
            return Ok(found.into_iter().map(|(_, panel)| panel).take(PANELS).collect());
        }
    }
    Ok(Vec::new())
}

/// Draws columns, as `FOLDER/NAME.svg` and so on: one in its own numbers, several each as shares of its largest number.
///
/// # Errors
/// Columns without a finite number, files that cannot be written.
pub fn draw(
    panels: &[Panel],
    sides: [&str; 2],
    folder: &Path,
    name: &str,
    formats: &[ImageFormat],
) -> Result<Drawn, FigureError> {
    let alone = panels.len() == 1;
    let label = |panel: &Panel| format!("{}: {}", panel.table, panel.column);
    let (mut columns, mut one, mut other, mut groups) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for panel in panels {
        let numbers = panel.points.iter().flat_map(|&(a, b)| [a.abs(), b.abs()]).filter(|number| number.is_finite());
        let largest = numbers.fold(0.0, f64::max);
        let unit = if alone || largest == 0.0 { 1.0 } else { largest };
        columns.extend(panel.points.iter().map(|_| label(panel)));
        one.extend(panel.points.iter().map(|(a, _)| a / unit));
        other.extend(panel.points.iter().map(|(_, b)| b / unit));
        groups.extend(panel.groups.iter().cloned());
    }
    let with_groups = !groups.is_empty() && groups.len() == columns.len();
    let of = |what: &str| if alone { what.to_string() } else { format!("{what}, share of the column's largest") };
    let title = match panels {
        [panel] => label(panel),
        _ => "Columns that differ".to_string(),
    };
    let [x_title, y_title] = &sides.map(of);
    let axes = [("x", "a"), ("y", "b"), ("x_title", x_title.as_str()), ("y_title", y_title), ("title", &title)];
    let told = [(!alone).then_some(("facet", "column")), with_groups.then_some(("series", "operator"))];
    let written = [("name", name), ("kind", "scatter"), ("from", "differences")].into_iter().chain(axes);
    let mut keys: toml::Table =
        written.chain(told.into_iter().flatten()).map(|(key, value)| (key.to_string(), value.into())).collect();
    keys.insert("diagonal".into(), true.into());
    let failed = |problem: table::TableProblem| FigureError {
        figure: name.to_string(),
        faults: vec![(vec!["from".to_string()], FigureProblem::Rows(problem))],
    };
    let mut rows = df!("column" => columns, "a" => one, "b" => other).map_err(|error| failed(error.into()))?;
    if with_groups {
        rows.with_column(Column::new("operator".into(), groups)).map_err(|error| failed(error.into()))?;
    }
    let figure: Figure = keys.try_into().map_err(|error: toml::de::Error| {
        failed(table::TableProblem::Polars(PolarsError::ComputeError(error.message().to_string().into())))
    })?;
    figure::draw(&figure, &rows, folder, formats)
}
