//! `rows = "capitals.csv"` and `pairs = "pairs.jsonl"`: words that go together, and prompts with their answers, from a file.

mod cells;
mod column_path;
mod csv;
mod json_lines;
mod kept;
mod nested;
mod pairs;
mod parquet;
mod read;

use super::Spec;
use super::error::SpecError;
use super::node::{Node, NodeContent, Origin};
use super::pairs::{ColumnNames, PairCell, PairItem, PairPart, PairRow, Pairs, PairsFile};
use super::source::Source;
use super::words::{Cells, RowsFile, no_slot};
use indexmap::IndexMap;
use kept::{KeptContent, KeptFiles, ending, other_file, text};
use read::{Unread, WordColumn};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a file that is no larger are in the record of a run, which then needs the file no more.
const RECORDED: usize = 1 << 16;

/// What prompt sets take from files, by the set's name, empty for `[prompts]`. Those of small files are in the spec as if they were
/// written there.
#[derive(Debug, Clone, Default)]
pub(super) struct RowsFiles {
    /// None where a file could not be read: which slots its columns are is not known.
    rows: IndexMap<String, Option<RowsFile>>,
    pairs: IndexMap<String, PairsFile>,
}

impl RowsFiles {
    /// The file of rows of a set.
    pub fn get(&self, set: &str) -> Option<&Option<RowsFile>> {
        self.rows.get(set)
    }
}

/// Reads the files that prompt sets name; they join the sources.
pub(super) fn read(spec: &mut Node, sources: &mut Vec<Arc<Source>>, errors: &mut Vec<SpecError>) -> RowsFiles {
    let mut files = RowsFiles::default();
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
        if let Some(node) = table.get_mut("rows")
            && let Some(read) = read_rows(node, &used, sources, errors)
        {
            files.rows.insert(name.clone(), read);
        }
        if let Some(node) = table.get_mut("pairs")
            && let Some(read) = read_pairs(node, sources, errors)
        {
            files.pairs.insert(name, read);
        }
    }
    files
}

/// Where a file is that a value names.
fn place(node: &Node, file: &str) -> PathBuf {
    match &node.origin {
        Origin::File { source, .. } => source.directory().join(file),
        _ => PathBuf::from(file),
    }
}

fn add_source(sources: &mut Vec<Arc<Source>>, path: &Path, sha256: &str) {
    let shown = path.display().to_string();
    if sources.iter().all(|source| source.name() != shown) {
        sources.push(Source::of_rows(&shown, sha256.to_string()));
    }
}

/// The rows of a set, where they are of a file that is not written into the spec.
fn read_rows(
    rows: &mut Node,
    used: &Used,
    sources: &mut Vec<Arc<Source>>,
    errors: &mut Vec<SpecError>,
) -> Option<Option<RowsFile>> {
    let (file, sha256) = named(rows)?;
    let path = place(rows, &file);
    match taken(&path, sha256.as_deref(), used) {
        Ok((words, columns)) => {
            add_source(sources, &path, &words.sha256);
            if words.bytes <= RECORDED && sha256.is_none() {
                rows.content = written(&columns, &rows.origin);
                return None;
            }
            let text = |text: &str| Node { content: NodeContent::Text(text.to_string()), origin: rows.origin.clone() };
            let content = [("file".to_string(), text(&file)), ("sha256".to_string(), text(&words.sha256))];
            rows.content = NodeContent::Table(content.into_iter().collect());
            Some(Some(RowsFile { file, sha256: words.sha256.clone(), columns }))
        }
        Err(Unread(problem)) => {
            errors.push(SpecError::about(&rows.origin, format!("rows from {}: {problem}", path.display())));
            rows.content = NodeContent::Unknown;
            Some(None)
        }
    }
}

/// The pairs of a set, where they are of a file that is not written into the spec.
fn read_pairs(node: &mut Node, sources: &mut Vec<Arc<Source>>, errors: &mut Vec<SpecError>) -> Option<PairsFile> {
    let (file, sha256) = named(node)?;
    let columns =
        PairPart::ALL.into_iter().filter_map(|part| Some((part.key().to_string(), columns_of(node.get(part.key())?)?)));
    let said =
        PairsFile { file, columns: columns.collect(), sha256: sha256.unwrap_or_default(), ..PairsFile::default() };
    let path = place(node, &said.file);
    match pairs::read(&path, &said) {
        Ok(read) => {
            add_source(sources, &path, &read.sha256);
            if read.bytes <= RECORDED && said.sha256.is_empty() {
                node.content = written_pairs(&read.rows, &node.origin);
                return None;
            }
            let text = |text: &str| Node { content: NodeContent::Text(text.to_string()), origin: node.origin.clone() };
            let (file, sha256) = (text(&said.file), text(&read.sha256));
            match &mut node.content {
                NodeContent::Table(table) => drop(table.insert("sha256".into(), sha256)),
                content => {
                    let keys = [("file".to_string(), file), ("sha256".to_string(), sha256)];
                    *content = NodeContent::Table(keys.into_iter().collect());
                }
            }
            Some(PairsFile { sha256: read.sha256, rows: read.rows.into(), ..said })
        }
        Err(Unread(problem)) => {
            errors.push(SpecError::about(&node.origin, format!("pairs from {}: {problem}", path.display())));
            node.content = NodeContent::Unknown;
            None
        }
    }
}

/// The columns that a value names, where it is one that does.
fn columns_of(node: &Node) -> Option<ColumnNames> {
    match (node.text(), node.list()) {
        (Some(text), _) => Some(ColumnNames::One(text.to_string())),
        (_, Some(list)) => Some(ColumnNames::Several(list.iter().filter_map(Node::text).map(String::from).collect())),
        _ => None,
    }
}

/// Puts the rows of files in their places.
pub(super) fn fill(spec: &mut Spec, files: RowsFiles) {
    for (name, file) in files.rows {
        if let (Some(set), Some(file)) = (set_of(spec, &name), file) {
            set.rows = super::Rows::File(file);
        }
    }
    for (name, file) in files.pairs {
        if let Some(set) = set_of(spec, &name) {
            set.pairs = Some(Pairs::File(file));
        }
    }
}

fn set_of<'s>(spec: &'s mut Spec, name: &str) -> Option<&'s mut super::Prompts> {
    if name.is_empty() { spec.prompts.as_mut() } else { spec.prompt_sets.get_mut(name) }
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
    let sets = ["right", "wrong"].into_iter().flat_map(|key| set.entries(key)).filter_map(Node::text).map(String::from);
    let texts = texts.chain(sets);
    let tables = ["right", "wrong"].into_iter().filter_map(|key| set.get(key)?.table());
    let named = tables.flat_map(|table| table.values()).filter_map(Node::text).map(String::from);
    let different = set.entries("different").iter().filter_map(Node::text).map(String::from).chain(named);
    // What is computed of a column needs words there, as what is different does.
    let computed = set.get("computed").and_then(Node::table).into_iter().flatten();
    let read = computed.flat_map(|(_, word)| ["of", "plus"].into_iter().filter_map(|key| word.get(key)?.text()));
    let different = different.chain(read.map(String::from));
    Used { texts: texts.collect(), different: different.collect() }
}

/// The columns of a file of words.
type KeptWords = KeptContent<Vec<WordColumn>>;

/// The words of a file, and those of its columns that a set can take. Tables often have more than one set of prompts needs: of a
/// column that is none of words only the use is refused.
fn taken(path: &Path, sha256: Option<&str>, used: &Used) -> Result<(Arc<KeptWords>, IndexMap<String, Cells>), Unread> {
    let words = LAST.read(path, |bytes| columns(path, bytes))?;
    if sha256.is_some_and(|wanted| wanted != words.sha256) {
        return Err(other_file(&words.sha256));
    }
    let mut columns = IndexMap::new();
    for WordColumn { name, words } in &words.content {
        match words {
            // One that is called as nothing can be: that is said where it is used.
            Ok(_) if no_slot(name).is_some() && !used.has(name) => {}
            Ok(words) => drop(columns.insert(name.clone(), words.clone())),
            Err(problem) if used.has(name) => return Err(problem.clone().into()),
            Err(_) => {}
        }
    }
    match (columns.is_empty(), words.content.first()) {
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

/// Pairs as a spec writes them.
fn written_pairs(rows: &[PairRow], origin: &Origin) -> NodeContent {
    let node = |content: NodeContent| Node { content, origin: origin.clone() };
    let item = |item: &PairItem| match item {
        PairItem::Integer(number) => node(NodeContent::Integer(*number)),
        PairItem::Text(text) => node(NodeContent::Text(text.clone())),
    };
    let cell = |cell: &PairCell| match cell {
        PairCell::One(one) => item(one),
        PairCell::Several(several) => node(NodeContent::List(several.iter().map(item).collect())),
    };
    let row = |row: &PairRow| node(NodeContent::Table(row.iter().map(|(key, own)| (key.clone(), cell(own))).collect()));
    NodeContent::List(rows.iter().map(row).collect())
}

/// The last files of words that were read.
static LAST: KeptFiles<Vec<WordColumn>> = KeptFiles::new();

fn columns(path: &Path, bytes: &[u8]) -> Result<Vec<WordColumn>, Unread> {
    let read = match ending(path).as_str() {
        "parquet" | "pq" => parquet::read(bytes)?,
        "jsonl" | "ndjson" => json_lines::read(text(bytes)?)?,
        "json" => return Err("it is JSON; write an object a line into a file NAME.jsonl".into()),
        "tsv" | "tab" => csv::read(text(bytes)?, csv::Separator::Tab)?,
        _ => csv::read(text(bytes)?, csv::Separator::Comma)?,
    };
    Ok(read.columns())
}
