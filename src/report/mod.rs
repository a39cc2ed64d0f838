//! The report of a run: Markdown with its tables and figures, the spec that made them, and where it was made.
//!
//! Every number in it comes from the frames that were written beside it.

mod expected;

use crate::expectation::Compared;
use crate::run::Recalled;
use crate::run::atomic::{WriteError, write_atomic};
use crate::step::SelfCheck;
use crate::table;
use polars::prelude::DataFrame;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Rows of a table that the report shows; the files have all.
pub const ROWS: usize = 40;

/// What the report of a run says.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The spec's title.
    pub title: String,
    /// The spec's description, Markdown.
    pub description: Option<String>,
    /// The command that makes the same results.
    pub command: String,
    /// In the spec's order.
    pub tables: Vec<Table>,
    /// In the spec's order.
    pub figures: Vec<Figure>,
    /// The resolved spec.
    pub spec_toml: String,
    /// Machine, versions, models, times: a name and what it is.
    pub facts: Vec<(String, String)>,
    /// What a reader must know: warnings, checks that failed, values that a figure does not show.
    pub notes: Vec<String>,
    /// Interventions that were recomputed from scratch.
    pub checks: Vec<SelfCheck>,
    /// In the spec's order.
    pub expectations: Vec<Compared>,
    /// Steps whose results were in the store.
    pub recalled: Vec<Recalled>,
}

/// A table in the report.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name in the spec.
    pub name: String,
    /// Its heading; the name where there is none.
    pub title: Option<String>,
    /// The table.
    pub frame: DataFrame,
    /// Decimals shown.
    pub decimals: usize,
    /// Its files.
    pub files: Vec<PathBuf>,
}

/// A figure in the report.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Its name in the spec.
    pub name: String,
    /// Its title, which is also what a reader who does not see it reads.
    pub title: Option<String>,
    /// Its files. The first SVG is shown, or else the first file.
    pub files: Vec<PathBuf>,
    /// What it does not show.
    pub notes: Vec<String>,
}

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
    let mut text = format!("# {}\n", one_line(&report.title));
    if let Some(description) = &report.description {
        let _ = write!(text, "\n{}\n", description.trim());
    }
    let _ = write!(text, "\n{}", fenced("sh", &report.command));
    if !report.notes.is_empty() {
        text.push_str("\n> **Note**\n>\n");
        report.notes.iter().for_each(|note| {
            let _ = writeln!(text, "> - {}", one_line(note));
        });
    }
    if !report.expectations.is_empty() {
        expected::section(&mut text, &report.expectations);
    }
    for figure in &report.figures {
        figure_section(&mut text, figure, folder);
    }
    for table in &report.tables {
        table_section(&mut text, table, folder);
    }
    if !report.checks.is_empty() {
        text.push_str("\n## Self-check\n\n");
        for check in &report.checks {
            let _ = writeln!(text, "- {}{check}", if check.passed() { "" } else { "**failed**: " });
        }
    }
    if !report.recalled.is_empty() {
        text.push_str("\n## From the store\n\n");
        for recalled in &report.recalled {
            let _ = writeln!(text, "- {recalled}");
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

fn figure_section(text: &mut String, figure: &Figure, folder: &Path) {
    let title = figure.title.as_deref().unwrap_or(&figure.name);
    let _ = write!(text, "\n## {}\n", one_line(title));
    let is = |path: &&PathBuf, extension: &str| path.extension().is_some_and(|found| found == extension);
    let shown = figure.files.iter().find(|path| is(path, "svg")).or(figure.files.first());
    if let Some(path) = shown {
        let _ = write!(text, "\n![{}]({})\n", table::escaped(title), link(path, folder));
    }
    if !figure.files.is_empty() {
        let _ = write!(text, "\n`{}`: {}\n", figure.name, links(&figure.files, folder));
    }
    for note in &figure.notes {
        let _ = write!(text, "\n*{}.*\n", table::escaped(note));
    }
}

fn table_section(text: &mut String, table: &Table, folder: &Path) {
    let _ = write!(text, "\n## {}\n\n", one_line(table.title.as_deref().unwrap_or(&table.name)));
    let rows = table.frame.height();
    if rows == 0 {
        text.push_str("No rows.\n");
    } else {
        text.push_str(&table::markdown_head(&table.frame, table.decimals, ROWS));
    }
    if rows > ROWS {
        let _ = write!(text, "\nThe first {ROWS} of {rows} rows.\n");
    }
    if !table.files.is_empty() {
        let _ = write!(text, "\n`{}`: {}\n", table.name, links(&table.files, folder));
    }
}

fn links(files: &[PathBuf], folder: &Path) -> String {
    let named = files.iter().map(|path| {
        let name = path.extension().map_or("file".into(), |extension| extension.to_string_lossy());
        let name = match name.as_ref() {
            "csv" | "svg" | "png" => name.to_uppercase(),
            "parquet" => "Parquet".to_string(),
            other => other.to_string(),
        };
        format!("[{name}]({})", link(path, folder))
    });
    named.collect::<Vec<_>>().join(", ")
}

/// The path from the folder, as Markdown wants it: forward slashes, and nothing that would end the link.
fn link(path: &Path, folder: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let mut link = String::new();
    for character in parts.join("/").chars() {
        match character {
            ' ' => link.push_str("%20"),
            '(' => link.push_str("%28"),
            ')' => link.push_str("%29"),
            '<' => link.push_str("%3C"),
            '>' => link.push_str("%3E"),
            '%' => link.push_str("%25"),
            other => link.push(other),
        }
    }
    link
}

/// A block of code with a fence longer than any in it.
fn fenced(language: &str, code: &str) -> String {
    let longest = code.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", code.trim_end())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
