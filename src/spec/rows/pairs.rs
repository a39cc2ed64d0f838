//! Pairs from a file: which of its columns is the prompt, which its answers, and so on.

use super::cells::CellRows;
use super::column_path::{ColumnPath, shown};
use super::kept::{KeptContent, KeptFiles, ending, other_file};
use super::read::Unread;
use super::{csv, nested};
use crate::spec::pairs::{ColumnNames, PairCell, PairItem, PairPart, PairRow, PairsFile, fault};
use crate::spec::words::no_slot;
use indexmap::IndexMap;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// The last files that were read.
static LAST: KeptFiles<CellRows> = KeptFiles::new();

/// What a file says of prompts: a row for each, its size, and its checksum.
pub(super) struct Paired {
    pub rows: Vec<PairRow>,
    pub bytes: usize,
    pub sha256: String,
}

/// Reads a file of pairs; `said` are the columns that the spec names.
pub(super) fn read(path: &Path, said: &PairsFile) -> Result<Paired, Unread> {
    let file = cells(path)?;
    if !said.sha256.is_empty() && said.sha256 != file.sha256 {
        return Err(other_file(&file.sha256));
    }
    let cells = &file.content;
    let parts = parts(cells, &said.columns)?;
    let further = further(cells, &parts);
    let mut rows: Vec<PairRow> = Vec::with_capacity(cells.rows.len());
    for (number, place) in cells.places.iter().enumerate() {
        let here = |problem: String| Unread(format!("{} {place} {problem}", cells.unit));
        let row = row(cells, number, &parts, &further).map_err(here)?;
        if let Some((_, problem)) = fault(&row, rows.first().unwrap_or(&row)) {
            return Err(here(problem));
        }
        rows.push(row);
    }
    Ok(Paired { rows, bytes: file.bytes, sha256: file.sha256.clone() })
}

fn cells(path: &Path) -> Result<Arc<KeptContent<CellRows>>, Unread> {
    LAST.read(path, |bytes| match ending(path).as_str() {
        "parquet" | "pq" => nested::read(bytes),
        "jsonl" | "ndjson" => CellRows::of_json_lines(bytes),
        "json" => Err("it is JSON; write an object a line into a file NAME.jsonl".into()),
        "tsv" | "tab" => CellRows::of_csv(bytes, csv::Separator::Tab),
        _ => CellRows::of_csv(bytes, csv::Separator::Comma),
    })
}

/// A part and where it stands: in one column, or in several that make a list.
struct PartColumns {
    part: PairPart,
    columns: Vec<(String, ColumnPath)>,
}

/// Columns that are looked for where a spec names none, the first that is there. Those below `corrupted` are looked for in it where it
/// is an object: a prompt of its own, with its answers.
const CLEAN: [&str; 2] = ["clean", "prompt"];
const ANSWERS: [&str; 4] = ["answers", "answer", "choices[answerKey]", "choices.label[answerKey]"];
/// Two columns of ids that stand together alone: one of them has other meanings.
const INDICES: [(PairPart, &str); 2] =
    [(PairPart::AnswerTokens, "correct_idx"), (PairPart::WrongTokens, "incorrect_idx")];

/// Where the parts stand.
fn parts(cells: &CellRows, said: &IndexMap<String, ColumnNames>) -> Result<Vec<PartColumns>, Unread> {
    let mut found: Vec<PartColumns> = Vec::new();
    let path = |part: PairPart, text: &str| {
        ColumnPath::parse(text, &cells.names)
            .map_err(|problem| Unread(format!("{} = \"{text}\": {problem}", part.key())))
    };
    for part in PairPart::ALL {
        let Some(names) = said.get(part.key()) else { continue };
        let names = match names {
            ColumnNames::One(name) => std::slice::from_ref(name),
            ColumnNames::Several(names) => names.as_slice(),
        };
        let columns = names.iter().map(|name| Ok((name.clone(), path(part, name)?)));
        found.push(PartColumns { part, columns: columns.collect::<Result<_, Unread>>()? });
    }
    let within = |prefix: &str, wanted: &[&str]| {
        wanted.iter().map(|text| prefixed(prefix, text)).find(|text| has_values(cells, text))
    };
    // An object in place of the corrupted prompt is one with its own answers.
    let object =
        found.iter_mut().find(|one| one.part == PairPart::Corrupted).and_then(|one| match one.columns.as_slice() {
            [(name, path)] if is_object(cells, path) => {
                let prefix = format!("{name}.");
                let text = within(&prefix, &CLEAN)?;
                one.columns = vec![(text.clone(), ColumnPath::parse(&text, &cells.names).ok()?)];
                Some(prefix)
            }
            _ => None,
        });
    let is_said = |found: &[PartColumns], part: PairPart| {
        found.iter().any(|one| one.part == part || Some(one.part) == part.other_way())
    };
    let mut look = |part: PairPart, text: Option<String>| {
        if let Some(text) = text.filter(|_| !is_said(&found, part))
            && let Ok(path) = ColumnPath::parse(&text, &cells.names)
        {
            found.push(PartColumns { part, columns: vec![(text, path)] });
        }
    };
    let named = |part: PairPart| within("", &[part.key()]);
    look(PairPart::Clean, within("", &CLEAN));
    if let Some(prefix) = object {
        look(PairPart::CorruptedAnswers, within(&prefix, &ANSWERS));
    }
    look(PairPart::Answers, within("", &ANSWERS));
    if INDICES.iter().all(|(_, name)| has_values(cells, name)) {
        INDICES.iter().for_each(|(part, name)| look(*part, Some(name.to_string())));
    }
    PairPart::ALL.into_iter().for_each(|part| look(part, named(part)));
    for (part, tokens, what) in [
        (PairPart::Clean, PairPart::CleanTokens, "the prompt"),
        (PairPart::Answers, PairPart::AnswerTokens, "what the model should write"),
    ] {
        if !is_said(&found, part) {
            let (key, tokens) = (part.key(), tokens.key());
            let columns = shown(&cells.names);
            let text = format!(
                "it has no column '{key}', {what}; write {key} = \"…\", or of ids of tokens {tokens} = \"…\", with one of its columns: {columns}"
            );
            return Err(Unread(text));
        }
    }
    Ok(found)
}

/// A path below an object, with the column that numbers its list.
fn prefixed(prefix: &str, text: &str) -> String {
    match text.split_once('[') {
        Some((path, index)) => format!("{prefix}{path}[{prefix}{index}"),
        None => format!("{prefix}{text}"),
    }
}

/// Whether any row has something at a place.
fn has_values(cells: &CellRows, text: &str) -> bool {
    let Ok(path) = ColumnPath::parse(text, &cells.names) else { return false };
    cells.rows.iter().any(|row| matches!(path.of(row), Ok(Some(_))))
}

fn is_object(cells: &CellRows, path: &ColumnPath) -> bool {
    cells.rows.iter().find_map(|row| path.of(row).ok().flatten()).is_some_and(|value| value.is_object())
}

/// Columns that are columns of rows too, or positions: those that no part is of, every cell of which is a text, a whole number or a
/// place. Files often have more than prompts need: others are left out.
fn further<'c>(cells: &'c CellRows, parts: &[PartColumns]) -> Vec<&'c String> {
    let taken = |name: &String| parts.iter().flat_map(|one| &one.columns).any(|(text, _)| text == name);
    let fits = |name: &&String| {
        let each = || cells.rows.iter().map(|row| row.get(*name).and_then(|value| cell(value, false).ok()));
        let is_span = |cell: &PairCell| cell.span().is_some();
        let all_texts = each().all(|cell| matches!(cell, Some(PairCell::One(item)) if !item.text().trim().is_empty()));
        all_texts || each().all(|cell| cell.as_ref().is_some_and(is_span))
    };
    let own = |name: &&String| !taken(name) && no_slot(name).is_none() && PairPart::of(name).is_none();
    cells.names.iter().filter(own).filter(fits).collect()
}

/// A row as a spec would write it, or what is wrong with it.
fn row(cells: &CellRows, number: usize, parts: &[PartColumns], further: &[&String]) -> Result<PairRow, String> {
    let Some(own) = cells.rows.get(number) else { return Ok(PairRow::new()) };
    let mut row = PairRow::new();
    for PartColumns { part, columns } in parts {
        let mut items: Vec<PairItem> = Vec::new();
        let mut is_list = columns.len() > 1;
        for (text, path) in columns {
            let Some(value) = path.of(own)? else { continue };
            let in_cell = |problem: String| format!("has {problem} in '{text}'");
            match cell(&value, cells.is_text && part.is_list()).map_err(in_cell)? {
                PairCell::One(item) => items.push(item),
                PairCell::Several(several) => {
                    is_list = true;
                    items.extend(several);
                }
            }
        }
        let one = if is_list { None } else { items.pop() };
        match one {
            Some(item) => drop(row.insert(part.key().into(), PairCell::One(item))),
            None if is_list => drop(row.insert(part.key().into(), PairCell::Several(items))),
            None => {}
        }
    }
    for name in further {
        if let Some(cell) = own.get(*name).and_then(|value| cell(value, false).ok()) {
            row.insert((*name).clone(), cell);
        }
    }
    Ok(row)
}

/// A cell of texts and whole numbers, or what else it is. A text may be a list as JSON writes it.
fn cell(value: &Value, may_be_list: bool) -> Result<PairCell, String> {
    let item = |value: &Value| match value {
        Value::String(text) => Ok(PairItem::Text(text.clone())),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Ok(PairItem::Integer(number)),
            None => Err(format!("{number}, which is not a whole number,")),
        },
        Value::Bool(truth) => Err(truth.to_string()),
        Value::Null => Err("null".into()),
        Value::Array(_) => Err("a list within a list".into()),
        Value::Object(_) => Err("an object".into()),
    };
    match value {
        Value::Array(list) => list.iter().map(item).collect::<Result<_, _>>().map(PairCell::Several),
        Value::String(text) if may_be_list && text.starts_with('[') && text.trim_end().ends_with(']') => {
            match serde_json::from_str::<Vec<Value>>(text) {
                Ok(list) => list.iter().map(item).collect::<Result<_, _>>().map(PairCell::Several),
                Err(_) => Err(format!("{text:?}, which is not a list in JSON,")),
            }
        }
        value => item(value).map(PairCell::One),
    }
}
