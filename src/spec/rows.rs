//! `rows = "capitals.csv"`: the rows of a CSV file, as if they were written in the spec.

use super::error::SpecError;
use super::node::{Content, Node, Origin};
use super::source::{LARGEST, Source};
use indexmap::IndexMap;
use polars::prelude::*;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc as Shared;

/// Puts the rows of the files that prompt sets name in place of their names; the files join the sources.
pub(super) fn read(spec: &mut Node, sources: &mut Vec<Shared<Source>>, errors: &mut Vec<SpecError>) {
    let Content::Table(table) = &mut spec.content else { return };
    let mut sets: Vec<&mut Node> = Vec::new();
    for (key, node) in table {
        match key.as_str() {
            "prompts" => sets.push(node),
            "prompt_sets" => {
                if let Content::Table(named) = &mut node.content {
                    sets.extend(named.values_mut());
                }
            }
            _ => {}
        }
    }
    for set in sets {
        let Content::Table(set) = &mut set.content else { continue };
        let Some(rows) = set.get_mut("rows") else { continue };
        let Some(file) = rows.text() else { continue };
        let path = match &rows.origin {
            Origin::File { source, .. } => source.directory().join(file),
            _ => PathBuf::from(file),
        };
        match text(&path).and_then(|text| Ok((table_of(&text, &rows.origin)?, text))) {
            Ok((content, text)) => {
                rows.content = content;
                let name = path.display().to_string();
                if sources.iter().all(|source| source.name() != name) {
                    sources.push(Source::from_text(&name, text));
                }
            }
            Err(problem) => errors.push(refused(&rows.origin, format!("rows from {}: {problem}", path.display()))),
        }
    }
}

fn refused(origin: &Origin, message: String) -> SpecError {
    match origin {
        Origin::File { source, value, .. } => SpecError::new(message).at(source, value.clone(), ""),
        Origin::Default => SpecError::new(message),
        origin => SpecError::new(format!("{origin}: {message}")),
    }
}

fn text(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_string(),
        _ => error.to_string(),
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err("it is larger than 1 MiB; write fewer rows".into());
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8; save it as UTF-8".into())
}

/// A CSV file with a line of names, every cell a text.
fn table_of(text: &str, origin: &Origin) -> Result<Content, String> {
    let options = CsvReadOptions::default().with_has_header(true).with_infer_schema_length(Some(0));
    let reader = options.into_reader_with_file_handle(Cursor::new(text.as_bytes()));
    let frame = reader.finish().map_err(|error| format!("{error}; write a line of names, and a line for each row"))?;
    let mut rows = Vec::with_capacity(frame.height());
    for row in 0..frame.height() {
        let mut cells = IndexMap::new();
        for column in frame.columns() {
            let cell = column.str().ok().and_then(|cells| cells.get(row)).filter(|cell| !cell.is_empty());
            let Some(cell) = cell else {
                return Err(format!("line {} has no '{}'; write a word in every cell", row + 2, column.name()));
            };
            let cell = Node { content: Content::Text(cell.to_string()), origin: origin.clone() };
            cells.insert(column.name().to_string(), cell);
        }
        rows.push(Node { content: Content::Table(cells), origin: origin.clone() });
    }
    if rows.is_empty() {
        return Err("it has no rows; write a line of names, and a line for each row".into());
    }
    Ok(Content::List(rows))
}
