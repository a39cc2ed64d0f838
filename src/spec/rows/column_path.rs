//! Where a part of a pair stands in the columns of a file: a column, one within objects (`metadata.subject`), one of a list by the
//! column that numbers it (`choices[answerKey]`), or all others of the list (`choices[not answerKey]`).

use serde_json::{Map, Value};

/// A place in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnPath {
    keys: Vec<String>,
    chosen: Option<ListChoice>,
}

/// Which values of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ListChoice {
    /// Whether it is all others.
    others: bool,
    by: ListNumber,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ListNumber {
    Number(usize),
    Column(Vec<String>),
}

impl ColumnPath {
    /// Reads a path; a text that is a column's name as it stands is that column.
    pub fn parse(text: &str, names: &[String]) -> Result<Self, String> {
        if names.iter().any(|name| name == text) {
            return Ok(Self { keys: vec![text.to_string()], chosen: None });
        }
        let keys = |text: &str| text.split('.').map(|key| key.trim().to_string()).collect::<Vec<_>>();
        let (path, chosen) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
            None => (text, None),
            Some((path, index)) => {
                let (others, index) = match index.trim().strip_prefix("not ") {
                    Some(index) => (true, index.trim()),
                    None => (false, index.trim()),
                };
                let by = index.parse().map_or_else(|_| ListNumber::Column(keys(index)), ListNumber::Number);
                (path, Some(ListChoice { others, by }))
            }
        };
        let path = Self { keys: keys(path), chosen };
        let columns = std::iter::once(&path.keys).chain(match &path.chosen {
            Some(ListChoice { by: ListNumber::Column(keys), .. }) => Some(keys),
            _ => None,
        });
        for keys in columns {
            if !keys.first().is_some_and(|first| names.contains(first)) {
                let first = keys.first().map_or("", String::as_str);
                let near = crate::spec::nearest(first, names.iter().map(String::as_str));
                let advice = match near {
                    Some(near) => format!("write \"{near}\""),
                    None => format!("its columns: {}", shown(names)),
                };
                return Err(format!("it has no column '{first}'; {advice}"));
            }
        }
        Ok(path)
    }

    /// What stands there in a row, if anything does.
    ///
    /// # Errors
    /// A list where an object should be and the like, in words that go on after the place of the row.
    pub fn of(&self, row: &Map<String, Value>) -> Result<Option<Value>, String> {
        let Some(found) = within(row, &self.keys)? else { return Ok(None) };
        let Some(ListChoice { others, by }) = &self.chosen else { return Ok(Some(found.clone())) };
        let path = self.keys.join(".");
        let Value::Array(list) = found else { return Err(format!("has no list in '{path}'")) };
        let number = match by {
            ListNumber::Number(number) => *number,
            ListNumber::Column(keys) => {
                let name = keys.join(".");
                let Some(value) = within(row, keys)? else {
                    return Err(format!("has no '{name}', which numbers '{path}'"));
                };
                let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
                number.ok_or_else(|| format!("has {value} in '{name}', which numbers '{path}' from 0"))?
            }
        };
        if number >= list.len() {
            return Err(format!("has no value {number} in '{path}', a list of {} from 0", list.len()));
        }
        Ok(Some(match others {
            false => list[number].clone(),
            true => {
                list.iter().enumerate().filter(|(index, _)| *index != number).map(|(_, value)| value.clone()).collect()
            }
        }))
    }
}

/// What stands in a row under keys that lead through objects; none where one of them is empty.
fn within<'r>(row: &'r Map<String, Value>, keys: &[String]) -> Result<Option<&'r Value>, String> {
    let Some((first, rest)) = keys.split_first() else { return Ok(None) };
    let mut found = row.get(first);
    for (depth, key) in rest.iter().enumerate() {
        found = match found {
            None | Some(Value::Null) => None,
            Some(Value::Object(object)) => object.get(key),
            Some(_) => return Err(format!("has no object in '{}'", keys[..=depth].join("."))),
        };
    }
    Ok(found.filter(|value| !value.is_null()))
}

/// Names in a sentence, not all of very many.
pub(super) fn shown(names: &[String]) -> String {
    const MOST: usize = 16;
    let more = if names.len() > MOST { ", …" } else { "" };
    format!("{}{more}", names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", "))
}
