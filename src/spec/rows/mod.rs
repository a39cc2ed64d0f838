//! `rows = "capitals.csv"`: words that go together, from a file.

mod csv;
mod json_lines;
mod parquet;
mod read;

use super::Spec;
use super::error::SpecError;
use super::node::{Node, NodeContent, Origin};
use super::source::Source;
use super::words::{Cells, RowsFile, no_slot};
use indexmap::IndexMap;
use read::{Unread, WordColumn};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// The largest file that is read: all of it is kept in memory.
const LARGEST: u64 = 1 << 30;
/// Rows of a file that is no larger are in the record of a run, which then needs the file no more.
const RECORDED: usize = 1 << 16;

/// The rows that prompt sets take from files, by the set's name, empty for `[prompts]`; none where a file could not be read.
/// Those of small files are in the spec as if they were written there.
pub(super) type RowsFiles = IndexMap<String, Option<RowsFile>>;

/// Reads the files that prompt sets name; they join the sources.
pub(super) fn read(spec: &mut Node, sources: &mut Vec<Arc<Source>>, errors: &mut Vec<SpecError>) -> RowsFiles {
    let mut files = RowsFiles::new();
    let NodeContent::Table(table) = &mut spec.content else { return files };
    let mut sets: Vec<(String, &mut Node)> = Vec::new();
    for (key, node) in table {
        match key.as_str() {
            "prompts" => sets.push((String::new(), node)),
            "prompt_sets" => {
                if let NodeContent::Table(named) = &mut node.content {
                    sets.extend(named.iter_mut().map(|(name, set)| (name.clone(), set)));
                }
            }
            _ => {}
        }
    }
    for (name, set) in sets {
        let used = used(set);
        let NodeContent::Table(table) = &mut set.content else { continue };
        let Some(rows) = table.get_mut("rows") else { continue };
        let Some((file, sha256)) = named(rows) else { continue };
        let path = match &rows.origin {
            Origin::File { source, .. } => source.directory().join(&file),
            _ => PathBuf::from(&file),
        };
        match taken(&path, sha256.as_deref(), &used) {
            Ok((words, columns)) => {
                let shown = path.display().to_string();
                if sources.iter().all(|source| source.name() != shown) {
                    sources.push(Source::of_rows(&shown, words.sha256.clone()));
                }
                if words.bytes <= RECORDED && sha256.is_none() {
                    rows.content = written(&columns, &rows.origin);
                    continue;
                }
                let text =
                    |text: &str| Node { content: NodeContent::Text(text.to_string()), origin: rows.origin.clone() };
                let content = [("file".to_string(), text(&file)), ("sha256".to_string(), text(&words.sha256))];
                rows.content = NodeContent::Table(content.into_iter().collect());
                files.insert(name, Some(RowsFile { file, sha256: words.sha256.clone(), columns }));
            }
            Err(Unread(problem)) => {
                errors.push(SpecError::about(&rows.origin, format!("rows from {}: {problem}", path.display())));
                rows.content = NodeContent::Unknown;
                files.insert(name, None);
            }
        }
    }
    files
}

/// Puts the rows of files in their places.
pub(super) fn fill(spec: &mut Spec, files: RowsFiles) {
    for (name, file) in files {
        let set = if name.is_empty() { spec.prompts.as_mut() } else { spec.prompt_sets.get_mut(&name) };
        if let (Some(set), Some(file)) = (set, file) {
            set.rows = super::Rows::File(file);
        }
    }
}

/// The file of rows, and the checksum that it must have: `"capitals.csv"`, or `{ file = "capitals.csv", sha256 = "…" }`.
fn named(rows: &Node) -> Option<(String, Option<String>)> {
    let text = |key: &str| rows.get(key).and_then(Node::text).map(String::from);
    match rows.text() {
        Some(file) => Some((file.to_string(), None)),
        None => Some((text("file")?, text("sha256"))),
    }
}

/// The texts that a set writes words into.
struct Used {
    texts: Vec<String>,
    different: Vec<String>,
}

impl Used {
    fn has(&self, name: &str) -> bool {
        let slot = format!("{{{name}}}");
        self.texts.iter().any(|text| text.contains(&slot)) || self.different.iter().any(|other| other == name)
    }
}

fn used(set: &Node) -> Used {
    let template = set.get("template");
    let templates = template.and_then(Node::table).into_iter().flatten().map(|(_, node)| node);
    let after = ["completion", "contrast"].into_iter().filter_map(|key| set.get(key));
    let texts = template.into_iter().chain(templates).chain(after).filter_map(Node::text).map(String::from);
    let different = set.entries("different").iter().filter_map(Node::text).map(String::from);
    Used { texts: texts.collect(), different: different.collect() }
}

/// The words of a file, and those of its columns that a set can take. Tables often have more than one set of prompts needs: of a
/// column that is none of words only the use is refused.
fn taken(path: &Path, sha256: Option<&str>, used: &Used) -> Result<(Arc<WordsFile>, IndexMap<String, Cells>), Unread> {
    let words = WordsFile::read(path)?;
    if sha256.is_some_and(|wanted| wanted != words.sha256) {
        let problem =
            format!("it is not the file with the sha256 that is written beside it, but one with {}", words.sha256);
        return Err(problem.into());
    }
    let mut columns = IndexMap::new();
    for WordColumn { name, words } in &words.columns {
        match words {
            // One that is called as nothing can be: that is said where it is used.
            Ok(_) if no_slot(name).is_some() && !used.has(name) => {}
            Ok(words) => drop(columns.insert(name.clone(), words.clone())),
            Err(problem) if used.has(name) => return Err(problem.clone().into()),
            Err(_) => {}
        }
    }
    match (columns.is_empty(), words.columns.first()) {
        (true, Some(WordColumn { words: Err(problem), .. })) => Err(problem.clone().into()),
        _ => Ok((words, columns)),
    }
}

/// Rows as a spec writes them.
fn written(columns: &IndexMap<String, Cells>, origin: &Origin) -> NodeContent {
    let rows = columns.first().map_or(0, |(_, words)| words.len());
    let node = |content: NodeContent| Node { content, origin: origin.clone() };
    let cell = |row: usize, words: &Cells| Some(node(NodeContent::Text(words.get(row)?.to_string())));
    let row = |row: usize| {
        let cells = columns.iter().filter_map(|(name, words)| Some((name.clone(), cell(row, words)?)));
        node(NodeContent::Table(cells.collect()))
    };
    NodeContent::List((0..rows).map(row).collect())
}

/// A file of words.
#[derive(Debug)]
struct WordsFile {
    columns: Vec<WordColumn>,
    bytes: usize,
    sha256: String,
}

/// What tells a file that has been read from one that has changed since.
type FileStamp = (PathBuf, u64, Option<SystemTime>);

/// The last files that were read: the variants of a spec read the same ones.
static LAST: Mutex<Vec<(FileStamp, Arc<WordsFile>)>> = Mutex::new(Vec::new());
const KEPT: usize = 4;

impl WordsFile {
    fn read(path: &Path) -> Result<Arc<Self>, Unread> {
        let unreadable = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => "no such file".to_string(),
            _ => error.to_string(),
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err("it is a folder; name a file in it".into());
        }
        if metadata.len() > LARGEST {
            return Err("it is larger than 1 GiB; write fewer rows".into());
        }
        let seen: FileStamp = (path.canonicalize().map_err(unreadable)?, metadata.len(), metadata.modified().ok());
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, words)) = last.iter().find(|(other, _)| *other == seen) {
            return Ok(words.clone());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        let words = Arc::new(Self {
            columns: columns(path, &bytes)?,
            bytes: bytes.len(),
            sha256: format!("{:x}", Sha256::digest(&bytes)),
        });
        if last.len() == KEPT {
            last.remove(0);
        }
        last.push((seen, words.clone()));
        Ok(words)
    }
}

fn columns(path: &Path, bytes: &[u8]) -> Result<Vec<WordColumn>, Unread> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let read = match ending.as_deref().unwrap_or_default() {
        "parquet" | "pq" => parquet::read(bytes)?,
        "jsonl" | "ndjson" => json_lines::read(text(bytes)?)?,
        "json" => return Err("it is JSON; write an object a line into a file NAME.jsonl".into()),
        "tsv" | "tab" => csv::read(text(bytes)?, csv::Separator::Tab)?,
        _ => csv::read(text(bytes)?, csv::Separator::Comma)?,
    };
    Ok(read.columns())
}

/// The text of a file, without a byte-order mark.
fn text(bytes: &[u8]) -> Result<&str, Unread> {
    let starts: [(&[u8], &str); 5] = [
        (b"PAR1", "it is Parquet; call it NAME.parquet"),
        (&[0x1f, 0x8b], "it is compressed; unpack it first"),
        (b"PK\x03\x04", "it is a spreadsheet or an archive; save it as CSV"),
        (&[0xff, 0xfe], "it is UTF-16; save it as UTF-8"),
        (&[0xfe, 0xff], "it is UTF-16; save it as UTF-8"),
    ];
    if let Some((_, problem)) = starts.into_iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(problem.into());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8; save the file as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
