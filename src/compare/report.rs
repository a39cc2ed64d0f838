//! The difference of two results as a report: its figures, and tables of what differs.

use super::folders::{FileVerdict, FolderDifference};
use super::picture::{self, Panel};
use super::specs::ValueChange;
use super::tables::{CellDifference, ColumnDifference, TableDifference};
use super::text;
use crate::report::{self, Report};
use crate::spec::ImageFormat;
use crate::table::{Holds, rows};
use crate::{Error, table};
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
    let differing = all(difference);
    let mut tables = vec![
        ("spec", "Values of the spec that differ", SpecColumns::frame(&difference.spec)),
        ("columns", "Columns that differ", DifferenceColumns::frame(differing.iter().copied())),
        ("cells", "Cells that differ most", CellColumns::frame(cells(&differing))),
    ]
    .into_iter();
    let tables = tables.try_fold(Vec::new(), |mut made, (name, title, frame)| {
        let frame = frame?;
        if frame.height() > 0 {
            let table::TableFiles { csv, parquet } =
                table::write(&frame, &folder.join("tables"), name).map_err(Error::failed(format!("table '{name}'")))?;
            let (name, title) = (name.to_string(), Some(title.to_string()));
            made.push(report::ReportTable {
                name,
                title,
                frame,
                why_empty: None,
                decimals: 6,
                files: vec![csv, parquet],
                place: 0,
            });
        }
        Ok::<_, Error>(made)
    })?;
    let sides = ["A", "B"];
    let formats = [ImageFormat::Svg, ImageFormat::Png];
    let mut figures = Vec::new();
    let mut add = |panels: &[Panel], name: &str, title: String| {
        let drawn = picture::draw(panels, sides, &folder.join("figures"), name, &formats)?;
        figures.push(report::ReportFigure {
            name: name.to_string(),
            title: Some(title),
            files: drawn.files,
            notes: drawn.notes,
            place: 0,
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

/// Every column that differs, with its table.
fn all(difference: &FolderDifference) -> Vec<(&str, &ColumnDifference)> {
    let tables = difference.files.iter().filter_map(|file| match &file.outcome {
        FileVerdict::Table(TableDifference { columns, .. }) => Some((file.path.as_str(), columns)),
        _ => None,
    });
    let mut all: Vec<_> = tables.flat_map(|(path, columns)| columns.iter().map(move |column| (path, column))).collect();
    all.sort_by(|one, other| other.1.excess.total_cmp(&one.1.excess));
    all
}

/// Cells that differ most, each with its table and column.
fn cells<'d>(
    all: &'d [(&'d str, &'d ColumnDifference)],
) -> impl Iterator<Item = (&'d str, &'d str, &'d CellDifference)> {
    all.iter().flat_map(|(table, column)| column.worst.iter().map(|cell| (*table, column.name.as_str(), cell)))
}

rows! {
    /// A value of the spec that differs.
    SpecColumns<'d>(change: &'d ValueChange) {
        key: String = &change.key;
        a: Option<String> = change.values[0].as_deref();
        b: Option<String> = change.values[1].as_deref();
    }

    /// A column that differs.
    DifferenceColumns<'d>((table, column): (&'d str, &'d ColumnDifference)) {
        table: String = table;
        column: String = &column.name;
        cells: i64 = column.cells;
        changed: i64 = column.changed;
        beyond_tolerance: i64 = column.beyond;
        largest_difference: Option<f64> = column.largest;
        mean_difference: Option<f64> = column.mean;
    }

    /// A cell that differs.
    CellColumns<'d>((table, column, cell): (&'d str, &'d str, &'d CellDifference)) {
        table: String = table;
        row: String = text::key_text(&cell.key);
        column: String = column;
        a: String = &cell.values[0];
        b: String = &cell.values[1];
        difference: Option<f64> = cell.difference;
    }
}
