//! The report as Markdown.

mod expected;
mod failed;
mod said;

use super::{Report, ReportFigure, ReportPart, ReportTable, description, kind, link};
use crate::report::fence::fenced;
use crate::system::atomic::{WriteError, write_atomic};
use crate::table;
use said::said;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Rows of a table that the report shows; the files have all.
const ROWS: usize = 40;

/// Writes the report to `path`, whole or not at all; links are relative to its folder.
///
/// # Errors
/// Names the file.
pub fn write(report: &Report, path: &Path) -> Result<(), WriteError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let text = markdown(report, folder);
    write_atomic(path, |out| out.write_all(text.as_bytes()))
}

/// The report as Markdown, for a file in `folder`.
pub fn markdown(report: &Report, folder: &Path) -> String {
    let mut text = format!("# {}\n", said(&report.title));
    if let Some(text_of) = &report.description {
        let _ = write!(text, "\n{}\n", description::markdown(text_of.trim()));
    }
    let _ = write!(text, "\n{}", fenced("sh", &report.command));
    if !report.notes.is_empty() {
        text.push_str("\n> **Note**\n>\n");
        report.notes.iter().for_each(|note| {
            let _ = writeln!(text, "> - {}", said(note));
        });
    }
    if !report.failed.is_empty() {
        failed::section(&mut text, &report.failed);
    }
    if !report.expectations.is_empty() {
        expected::section(&mut text, &report.expectations);
    }
    for (part, titled) in report.parts() {
        let heading = |text: &mut String, title: &str| {
            if titled {
                let _ = write!(text, "\n## {}\n", said(title));
            }
        };
        match part {
            ReportPart::Figure(figure) => {
                heading(&mut text, figure.heading());
                figure_section(&mut text, figure, folder);
            }
            ReportPart::Table(table) => {
                heading(&mut text, table.heading());
                table_section(&mut text, table, folder);
            }
        }
    }
    if !report.rows.is_empty() {
        text.push_str("\n## Rows of steps\n\n");
        for path in &report.rows {
            let _ = writeln!(text, "- {}", linked(path, folder));
        }
    }
    if !report.activations.is_empty() {
        text.push_str("\n## Activations\n\n");
        for path in &report.activations {
            let _ = writeln!(text, "- {}", linked(path, folder));
        }
    }
    if !report.checks.is_empty() {
        text.push_str("\n## Self-check\n\n");
        for check in &report.checks {
            let _ =
                writeln!(text, "- {}{}", if check.passed() { "" } else { "**failed**: " }, said(&check.to_string()));
        }
    }
    if !report.recalled.is_empty() {
        text.push_str("\n## From the store\n\n");
        for recalled in &report.recalled {
            let _ = writeln!(text, "- {}", said(&recalled.to_string()));
        }
    }
    if !report.facts.is_empty() {
        text.push_str("\n## Where and with what\n\n| | |\n| --- | --- |\n");
        for (name, value) in &report.facts {
            let _ = writeln!(text, "| {} | {} |", table::escaped(name), table::escaped(value));
        }
    }
    if !report.spec_toml.is_empty() {
        let spec = fenced("toml", &report.spec_toml);
        let _ = write!(text, "\n<details>\n<summary>The spec, with every default</summary>\n\n{spec}\n</details>\n");
    }
    text
}

fn figure_section(text: &mut String, figure: &ReportFigure, folder: &Path) {
    let title = figure.heading();
    if let Some(path) = figure.shown() {
        let _ = write!(text, "\n![{}]({})\n", said(title), link(path, folder));
    }
    if !figure.files.is_empty() {
        let _ = write!(text, "\n`{}`: {}\n", figure.name, links(&figure.files, folder));
    }
    for note in &figure.notes {
        let _ = write!(text, "\n*{}.*\n", said(note));
    }
}

fn table_section(text: &mut String, table: &ReportTable, folder: &Path) {
    text.push('\n');
    let rows = table.frame.height();
    match table.without_rows() {
        Some(none) => {
            let _ = writeln!(text, "{}", said(&none));
        }
        None => text.push_str(&table::markdown_head(&table.frame, table.decimals, ROWS)),
    }
    if rows > ROWS {
        let _ = write!(text, "\nThe first {ROWS} of {rows} rows.\n");
    }
    if !table.files.is_empty() {
        let _ = write!(text, "\n`{}`: {}\n", table.name, links(&table.files, folder));
    }
}

fn links(files: &[PathBuf], folder: &Path) -> String {
    let named = files.iter().map(|path| format!("[{}]({})", kind(path), link(path, folder)));
    named.collect::<Vec<_>>().join(", ")
}

/// A file by its name.
fn linked(path: &Path, folder: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    format!("[{}]({})", said(&name), link(path, folder))
}
