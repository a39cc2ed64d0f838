//! Two results folders: file by file, tables and rows cell by cell.

use super::drawing;
use super::record::ResultsRecord;
use super::specs::{self, ValueChange};
use super::tables::{self, Likeness, TableDifference};
use super::tolerance::Tolerance;
use crate::manifest::SelfCheck;
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// How two results folders differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FolderDifference {
    /// Values of the resolved specs that are not the same.
    pub spec: Vec<ValueChange>,
    /// Every file of either, in the order they were written.
    pub files: Vec<FileDifference>,
    /// Self-checks and expectations that came out otherwise: what, and how in each.
    pub judged: Vec<(String, [String; 2])>,
}

/// A file of two results folders.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileDifference {
    /// Path in the folder.
    pub path: String,
    /// What the two make of each other.
    pub outcome: FileVerdict,
    /// The file in the first folder is not the one that its manifest lists: it was changed after the run.
    pub edited: bool,
}

/// What two files make of each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileVerdict {
    /// The same bytes.
    Identical,
    /// Other bytes; what the cells are like.
    Table(TableDifference),
    /// Other bytes, and the same drawing to the eye.
    SameDrawing,
    /// Another drawing, of rows that are the same within the tolerance.
    Redrawn,
    /// Another drawing, as the rows that it is drawn from differ.
    DrawnFromOthers,
    /// Other bytes, of which nothing else is known.
    Bytes,
    /// It cannot be read.
    Unreadable(String),
    /// A folder whose run made it has it no more, and need not: other files say the same, or it is too large to be kept.
    NotKept,
    /// Only one folder has it: 0 the first, 1 the second.
    Only(usize),
}

impl FileVerdict {
    /// What is made of it.
    pub fn verdict(&self) -> Likeness {
        match self {
            FileVerdict::Identical | FileVerdict::NotKept => Likeness::Identical,
            FileVerdict::Table(difference) => difference.verdict(),
            FileVerdict::SameDrawing | FileVerdict::Redrawn => Likeness::WithinTolerance,
            FileVerdict::DrawnFromOthers | FileVerdict::Bytes | FileVerdict::Unreadable(_) | FileVerdict::Only(_) => {
                Likeness::Differs
            }
        }
    }
}

impl FileDifference {
    /// What is made of it: a drawing that someone changed is not the one that was made.
    pub fn verdict(&self) -> Likeness {
        match self.outcome {
            FileVerdict::Redrawn if self.edited => Likeness::Differs,
            _ => self.outcome.verdict(),
        }
    }
}

impl FolderDifference {
    /// The worst of its files' and what was judged otherwise. That the specs differ is for the reader to weigh.
    pub fn verdict(&self) -> Likeness {
        let files = self.files.iter().map(FileDifference::verdict).max().unwrap_or(Likeness::Identical);
        if self.judged.is_empty() { files } else { Likeness::Differs }
    }
}

/// Compares what two runs left. Reports and manifests are not compared, as times and machines are in them, nor files that no
/// manifest lists.
pub fn folders(a: &ResultsRecord, b: &ResultsRecord, tolerance: Tolerance) -> FolderDifference {
    let paths: IndexSet<&str> =
        [a, b].iter().flat_map(|record| &record.manifest.files).map(|file| file.path.as_str()).collect();
    let (drawings, data): (Vec<&str>, Vec<&str>) =
        paths.into_iter().filter(|path| !is_about_the_run(path)).partition(|path| path.starts_with("figures/"));
    let mut done: IndexMap<&str, FileDifference> = IndexMap::new();
    for path in data {
        done.insert(path, file(a, b, path, |a_bytes, b_bytes| contents(path, a, b, a_bytes, b_bytes, tolerance)));
    }
    let rows: IndexMap<String, Likeness> = done.iter().fold(IndexMap::new(), |mut rows, (path, file)| {
        if !matches!(file.outcome, FileVerdict::NotKept | FileVerdict::Only(_)) {
            let verdict = rows.entry(stem(path).to_string()).or_insert(Likeness::Identical);
            *verdict = file.verdict().max(*verdict);
        }
        rows
    });
    for path in drawings {
        let name = stem(path).trim_start_matches("figures/");
        let from = b.drawn_from(name).or_else(|| a.drawn_from(name)).and_then(|from| rows.get(&from).copied());
        let svg = done.get(format!("{}.svg", stem(path)).as_str()).map(|file: &FileDifference| file.outcome.clone());
        done.insert(path, file(a, b, path, |a_bytes, b_bytes| drawn(path, a_bytes, b_bytes, from, svg)));
    }
    // Parquet says the same as CSV: once is enough.
    let twice = |path: &str, file: &FileDifference| {
        let csv = path.strip_suffix(".parquet").and_then(|stem| done.get(format!("{stem}.csv").as_str()));
        matches!(file.outcome, FileVerdict::Table(_)) && csv.is_some_and(|csv| csv.outcome == file.outcome)
    };
    let files = done.iter().filter(|(path, file)| !twice(path, file)).map(|(_, file)| file.clone()).collect();
    FolderDifference { spec: specs::specs(&a.resolved, &b.resolved), files, judged: judged(a, b) }
}

/// What is said of a self-check whose numbers agree, and of one that there is none of.
const PASSED: &str = "passed";
const NOT_THERE: &str = "not there";

/// Reports and the manifest.
fn is_about_the_run(path: &str) -> bool {
    !path.contains('/') && matches!(stem(path), "report" | "manifest")
}

fn stem(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}

/// Whether a folder can do without a file: the CSV of a table and the SVG of a figure say it all, rows are large.
pub(super) fn can_be_left_out(path: &str) -> bool {
    !(path.ends_with(".csv") || path.ends_with(".svg"))
}

fn file(
    a: &ResultsRecord,
    b: &ResultsRecord,
    path: &str,
    differing: impl FnOnce(&[u8], &[u8]) -> FileVerdict,
) -> FileDifference {
    let [one, other] = [a, b].map(|record| fs::read(record.folder.join(path)));
    let missing = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    // It was made, and is not there any more.
    let left_out = |record: &ResultsRecord| can_be_left_out(path) && record.manifest.checksum(path).is_some();
    let mut edited = false;
    let outcome = match (one, other) {
        (Ok(one), Ok(other)) if one == other => FileVerdict::Identical,
        (Ok(one), Ok(other)) => {
            let listed = a.manifest.checksum(path);
            edited = listed.is_some_and(|sha256| sha256 != format!("{:x}", Sha256::digest(&one)));
            differing(&one, &other)
        }
        (Err(one), Err(other)) if missing(&one) && missing(&other) => FileVerdict::NotKept,
        (Err(error), Ok(_)) if missing(&error) && left_out(a) => FileVerdict::NotKept,
        (Ok(_), Err(error)) if missing(&error) && left_out(b) => FileVerdict::NotKept,
        (Err(error), Ok(_)) if missing(&error) => FileVerdict::Only(1),
        (Ok(_), Err(error)) if missing(&error) => FileVerdict::Only(0),
        (Err(error), _) | (_, Err(error)) => FileVerdict::Unreadable(error.to_string()),
    };
    FileDifference { path: path.to_string(), outcome, edited }
}

/// Files whose bytes differ: tables by their cells.
fn contents(
    path: &str,
    a: &ResultsRecord,
    b: &ResultsRecord,
    one: &[u8],
    other: &[u8],
    tolerance: Tolerance,
) -> FileVerdict {
    let read = match path.rsplit_once('.') {
        Some((_, "csv")) => csv,
        Some((_, "parquet")) => parquet,
        _ => return FileVerdict::Bytes,
    };
    let name = stem(path).rsplit('/').next().unwrap_or_default();
    let keys = [b.keys(name), a.keys(name)].concat();
    let compared = read(one).and_then(|one| tables::tables(&one, &read(other)?, &keys, tolerance));
    compared.map_or_else(|error| FileVerdict::Unreadable(error.to_string()), FileVerdict::Table)
}

/// Drawings whose bytes differ; `from` is what the rows behind them make of each other, `svg` the SVG of the same figure.
fn drawn(path: &str, one: &[u8], other: &[u8], from: Option<Likeness>, svg: Option<FileVerdict>) -> FileVerdict {
    let texts = || Some((std::str::from_utf8(one).ok()?, std::str::from_utf8(other).ok()?));
    if path.ends_with(".svg") && texts().is_some_and(|(one, other)| drawing::alike(one, other)) {
        return FileVerdict::SameDrawing;
    }
    match (from, svg) {
        (Some(Likeness::Differs), _) => FileVerdict::DrawnFromOthers,
        (Some(_), _) => FileVerdict::Redrawn,
        // Of a PNG without its rows, what its SVG says.
        (None, Some(FileVerdict::Identical | FileVerdict::SameDrawing)) => FileVerdict::SameDrawing,
        (None, _) => FileVerdict::Bytes,
    }
}

/// A table from CSV, every column as text.
///
/// # Errors
/// What is no CSV.
pub(super) fn csv(bytes: &[u8]) -> PolarsResult<DataFrame> {
    let options = CsvReadOptions::default().with_infer_schema_length(Some(0)).with_has_header(true);
    options.into_reader_with_file_handle(Cursor::new(bytes)).finish()
}

/// A table from Parquet.
///
/// # Errors
/// What is no Parquet.
pub(super) fn parquet(bytes: &[u8]) -> PolarsResult<DataFrame> {
    ParquetReader::new(Cursor::new(bytes)).finish()
}

/// A table of a results folder by its path.
///
/// # Errors
/// What cannot be read.
pub(super) fn table(folder: &Path, path: &str) -> PolarsResult<DataFrame> {
    let bytes = fs::read(folder.join(path))?;
    if path.ends_with(".csv") { csv(&bytes) } else { parquet(&bytes) }
}

/// Expectations that one has and the other not, or with another verdict, and self-checks that one has passed and the other not: how
/// many interventions a version recomputes, and of which steps, is no result.
fn judged(a: &ResultsRecord, b: &ResultsRecord) -> Vec<(String, [String; 2])> {
    let all = |record: &ResultsRecord| -> IndexMap<String, String> {
        let mut checks: IndexMap<String, String> = IndexMap::new();
        for check in &record.manifest.self_checks {
            let SelfCheck { step, model, .. } = check;
            let verdict =
                checks.entry(format!("self-check of step '{step}', model '{model}'")).or_insert(PASSED.into());
            if !check.passed() {
                *verdict = "failed".into();
            }
        }
        let expectations = record.manifest.expectations.iter();
        let expectations = expectations
            .map(|compared| (format!("expectation '{}'", compared.expected.name), compared.verdict.to_string()));
        checks.into_iter().chain(expectations).collect()
    };
    let [one, other] = [a, b].map(all);
    let names: IndexSet<&String> = one.keys().chain(other.keys()).collect();
    let judged = names.into_iter().map(|name| {
        let of = |record: &IndexMap<String, String>| record.get(name).cloned().unwrap_or_else(|| NOT_THERE.into());
        (name.clone(), [of(&one), of(&other)])
    });
    let same = |one: &str, other: &str| one == other || (one == PASSED && other == NOT_THERE);
    judged.filter(|(_, [one, other])| !same(one, other) && !same(other, one)).collect()
}
