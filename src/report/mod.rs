//! The report of a run: its tables and figures, the spec that made them, and where it was made; as Markdown, for a repository,
//! and as one HTML file, for a browser; and a page for a folder of reports.
//!
//! Every number in it comes from the frames that were written beside it.

mod beside;
mod description;
mod fence;
mod html;
mod index;
mod markdown;

pub use beside::beside;
pub use html::html;
pub use index::{INDEX, write_index};
pub use markdown::{markdown, write};

use crate::expectation::Compared;
use crate::manifest::Failed;
use crate::manifest::{Recalled, SelfCheck};
use polars::prelude::DataFrame;
use std::path::{Component, Path, PathBuf};

/// What the report of a run says.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The spec's title.
    pub title: String,
    /// The spec's description, Markdown.
    pub description: Option<String>,
    /// The command that makes the same results.
    pub command: String,
    /// The tables.
    pub tables: Vec<ReportTable>,
    /// The figures.
    pub figures: Vec<ReportFigure>,
    /// Files with the rows of steps.
    pub rows: Vec<PathBuf>,
    /// The resolved spec.
    pub spec_toml: String,
    /// The same, with where each value came from.
    pub spec_origins: String,
    /// Machine, versions, models, times: a name and what it is.
    pub facts: Vec<(String, String)>,
    /// What a reader must know: warnings, checks that failed, values that a figure does not show.
    pub notes: Vec<String>,
    /// Activations that steps kept in files.
    pub activations: Vec<PathBuf>,
    /// What steps computed a second time.
    pub checks: Vec<SelfCheck>,
    /// In the spec's order.
    pub expectations: Vec<Compared>,
    /// Steps whose results were in the store.
    pub recalled: Vec<Recalled>,
    /// What could not be made.
    pub failed: Vec<Failed>,
}

/// A table in the report.
#[derive(Debug, Clone)]
pub struct ReportTable {
    /// Its name in the spec.
    pub name: String,
    /// Its heading; the name where there is none.
    pub title: Option<String>,
    /// The table.
    pub frame: DataFrame,
    /// Why it has no rows, where it has none and that is known.
    pub why_empty: Option<String>,
    /// Decimals shown.
    pub decimals: usize,
    /// Its files.
    pub files: Vec<PathBuf>,
    /// Where it stands in the spec: what has a smaller number is before it.
    pub place: usize,
}

/// A figure in the report.
#[derive(Debug, Clone)]
pub struct ReportFigure {
    /// Its name in the spec.
    pub name: String,
    /// Its title, which is also what a reader who does not see it reads.
    pub title: Option<String>,
    /// Its files. The first SVG is shown, or else the first PNG: pages show no PDF.
    pub files: Vec<PathBuf>,
    /// What it does not show.
    pub notes: Vec<String>,
    /// As of a table.
    pub place: usize,
}

/// A figure or a table of a report.
#[derive(Clone, Copy)]
enum ReportPart<'r> {
    Figure(&'r ReportFigure),
    Table(&'r ReportTable),
}

impl Report {
    /// Figures and tables in the order of the spec, those of one place figures first; each with whether its title is to be written: what
    /// has the title of the one before is another view of the same.
    fn parts(&self) -> Vec<(ReportPart<'_>, bool)> {
        let figures = self.figures.iter().map(|figure| (figure.place, ReportPart::Figure(figure)));
        let tables = self.tables.iter().map(|table| (table.place, ReportPart::Table(table)));
        let mut parts: Vec<(usize, ReportPart)> = figures.chain(tables).collect();
        parts.sort_by_key(|(place, _)| *place);
        let mut before = None;
        parts
            .into_iter()
            .map(|(_, part)| {
                let heading = match part {
                    ReportPart::Figure(figure) => figure.heading(),
                    ReportPart::Table(table) => table.heading(),
                };
                (part, before.replace(heading) != Some(heading))
            })
            .collect()
    }
}

impl ReportFigure {
    /// Its title, or else its name.
    fn heading(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }

    /// The file that a report shows.
    fn shown(&self) -> Option<&Path> {
        let of = |ending: &str| self.files.iter().find(|path| path.extension().is_some_and(|found| found == ending));
        of("svg").or_else(|| of("png")).map(PathBuf::as_path)
    }
}

impl ReportTable {
    /// That it has no rows, and why; none where it has some.
    fn without_rows(&self) -> Option<String> {
        let why = self.why_empty.as_ref().map(|why| format!(": {why}"));
        (self.frame.height() == 0).then(|| format!("No rows{}.", why.unwrap_or_default()))
    }

    /// Its title, or else its name.
    fn heading(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }
}

/// What a link to a file is called.
fn kind(path: &Path) -> String {
    let extension = path.extension().map_or("file".into(), |extension| extension.to_string_lossy());
    match extension.as_ref() {
        "csv" | "svg" | "png" | "pdf" => extension.to_uppercase(),
        "parquet" => "Parquet".to_string(),
        other => other.to_string(),
    }
}

/// The path from the folder as links have it: forward slashes, and every letter escaped that could end a link, begin a scheme
/// (a folder may be called `javascript:x`) or be read otherwise.
fn link(path: &Path, folder: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let part = |part: Component| match part {
        Component::RootDir | Component::Prefix(_) => String::new(),
        other => escaped_part(&other.as_os_str().to_string_lossy()),
    };
    relative.components().map(part).collect::<Vec<_>>().join("/")
}

fn escaped_part(part: &str) -> String {
    let mut link = String::new();
    for letter in part.chars() {
        if letter.is_alphanumeric() || "-._~".contains(letter) {
            link.push(letter);
        } else {
            let mut bytes = [0; 4];
            letter.encode_utf8(&mut bytes).bytes().for_each(|byte| link.push_str(&format!("%{byte:02X}")));
        }
    }
    link
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
