//! A step's parameters as they count for its results: names replaced by what they name.

use crate::Error;
use crate::spec::references::{self, ANY, ReferringKey, RefersTo};
use crate::spec::{Step, Table};
use toml::Value;

/// What names in a spec stand for.
pub trait NameResolver {
    /// The content of a prompt set, `[prompts]` without a name.
    fn prompts(&self, set: Option<&str>) -> Option<Value>;
    /// What tells the rows of a step or table from others.
    ///
    /// # Errors
    /// What stands in the way of knowing them.
    fn rows(&self, name: &str) -> Result<String, Error>;
}

/// Keys of a step that change no number: how it is called, and what is to be done before it. The models that it names are
/// told apart from these by what they are (see [`super::Keys`]).
const STEP_LEFT_OUT: [&str; 3] = ["name", "needs", "models"];
/// Keys of a table that change no row of it.
const TABLE_LEFT_OUT: [&str; 3] = ["name", "title", "decimals"];
/// Tables whose order of keys says nothing.
const UNORDERED: &str = "where";

/// The parameters of a step, with its prompts and the rows that it reads in place of their names.
///
/// # Errors
/// Parameters that TOML cannot write, and what `named` returns.
pub fn of_step(step: &Step, named: &dyn NameResolver) -> Result<Value, Error> {
    let mut value = Value::try_from(step).map_err(Error::failed(format!("step '{}'", step.name())))?;
    let keys = references::of_step(step.kind());
    let embedded: Vec<String> = step.needs().iter().map(ToString::to_string).collect();
    let unwritten = unwritten(step, &value);
    leave_out(&mut value, &STEP_LEFT_OUT);
    replace(&mut value, keys, named)?;
    for name in &embedded {
        let written = format!("{{{name}}}");
        if contains(&value, &written) {
            let rows = format!("{{{}}}", named.rows(name)?);
            each_text(&mut value, &mut |text| *text = text.replace(&written, &rows));
        }
    }
    if let Value::Table(table) = &mut value {
        let prompts = keys.iter().any(|key| key.path == ["prompts"] && key.to == RefersTo::Prompts);
        if prompts && let Some(content) = named.prompts(step.common().prompts()) {
            table.insert("prompts".into(), content);
        }
        let rows = unwritten.iter().map(|name| named.rows(name).map(Value::String)).collect::<Result<Vec<_>, _>>()?;
        if !rows.is_empty() {
            table.insert("also reads".into(), Value::Array(rows));
        }
    }
    sort_unordered(&mut value);
    Ok(value)
}

/// A table as it counts for its rows.
///
/// # Errors
/// As [`of_step`].
pub fn of_table(table: &Table, named: &dyn NameResolver) -> Result<Value, Error> {
    let mut value = Value::try_from(table).map_err(Error::failed(format!("table '{}'", table.name)))?;
    leave_out(&mut value, &TABLE_LEFT_OUT);
    replace(&mut value, references::of_table(), named)?;
    sort_unordered(&mut value);
    Ok(value)
}

/// The steps and tables whose rows a step may read: those that its parameters name, and no others. What it only `needs` to
/// come before it is not among them.
pub fn reads(step: &Step) -> Vec<String> {
    let Ok(value) = Value::try_from(step) else { return Vec::new() };
    let mut names = written(&value, references::of_step(step.kind()));
    names.extend(step.needs().iter().filter(|name| contains(&value, &format!("{{{name}}}"))).map(ToString::to_string));
    names.extend(unwritten(step, &value));
    names.iter_mut().for_each(|name| name.truncate(name.find('.').unwrap_or(name.len())));
    names.sort();
    names.dedup();
    names
}

/// The prompt sets of a step, by name; none for `[prompts]`.
pub fn prompt_sets(step: &Step) -> Vec<Option<String>> {
    let Ok(mut value) = Value::try_from(step) else { return Vec::new() };
    let mut sets = vec![step.common().prompts().map(String::from)];
    for key in references::of_step(step.kind()).iter().filter(|key| key.to == RefersTo::Prompts) {
        at(&mut value, &key.path, &mut |name| sets.push(name.as_str().map(String::from)));
    }
    sets
}

/// The steps and tables whose rows a table reads.
pub fn table_reads(table: &Table) -> Vec<String> {
    Value::try_from(table).map(|value| written(&value, references::of_table())).unwrap_or_default()
}

/// Steps that a step needs for a reason of its own which no key shows by its schema.
fn unwritten(step: &Step, value: &Value) -> Vec<String> {
    let mut asked: Vec<&str> = step.common().needs().iter().map(String::as_str).collect();
    let written = written(value, references::of_step(step.kind()));
    let mut names = Vec::new();
    for name in step.needs() {
        if let Some(at) = asked.iter().position(|asked| *asked == name) {
            asked.remove(at);
        } else if !written.iter().any(|written| root(written) == name) && !contains(value, &format!("{{{name}}}")) {
            names.push(name.to_string());
        }
    }
    names
}

fn root(rows: &str) -> &str {
    rows.split_once('.').map_or(rows, |(root, _)| root)
}

/// The names of steps and tables at these keys.
fn written(value: &Value, keys: &[ReferringKey]) -> Vec<String> {
    let mut value = value.clone();
    let mut names = Vec::new();
    for key in rows_of(keys) {
        at(&mut value, &key.path, &mut |name| names.extend(name.as_str().map(String::from)));
    }
    names
}

fn rows_of(keys: &[ReferringKey]) -> impl Iterator<Item = &ReferringKey> {
    keys.iter().filter(|key| matches!(key.to, RefersTo::Step | RefersTo::Rows) && key.path != ["needs"])
}

fn leave_out(value: &mut Value, keys: &[&str]) {
    if let Value::Table(table) = value {
        table.retain(|key, _| !keys.contains(&key));
    }
}

/// Puts what is named in place of the names: rows and prompt sets.
fn replace(value: &mut Value, keys: &[ReferringKey], named: &dyn NameResolver) -> Result<(), Error> {
    let mut failed = None;
    for key in rows_of(keys) {
        at(value, &key.path, &mut |name| match named.rows(name.as_str().unwrap_or_default()) {
            Ok(rows) => *name = rows.into(),
            Err(error) => failed = Some(error),
        });
    }
    for key in keys.iter().filter(|key| key.to == RefersTo::Prompts) {
        at(value, &key.path, &mut |name| {
            if let Some(content) = named.prompts(name.as_str()) {
                *name = content;
            }
        });
    }
    failed.map_or(Ok(()), Err)
}

/// Visits the texts at a path, those of a list one by one.
fn at(value: &mut Value, path: &[String], visit: &mut dyn FnMut(&mut Value)) {
    match (path, value) {
        ([], text @ Value::String(_)) => visit(text),
        ([], Value::Array(list)) => list.iter_mut().for_each(|item| at(item, &[], visit)),
        ([any, rest @ ..], Value::Array(list)) if any == ANY => list.iter_mut().for_each(|item| at(item, rest, visit)),
        ([any, rest @ ..], Value::Table(table)) if any == ANY => {
            table.iter_mut().for_each(|(_, item)| at(item, rest, visit));
        }
        ([key, rest @ ..], Value::Table(table)) => {
            if let Some(below) = table.get_mut(key) {
                at(below, rest, visit);
            }
        }
        _ => {}
    }
}

fn each_text(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(list) => list.iter_mut().for_each(|item| each_text(item, visit)),
        Value::Table(table) => table.iter_mut().for_each(|(_, item)| each_text(item, visit)),
        _ => {}
    }
}

fn contains(value: &Value, part: &str) -> bool {
    match value {
        Value::String(text) => text.contains(part),
        Value::Array(list) => list.iter().any(|item| contains(item, part)),
        Value::Table(table) => table.iter().any(|(_, item)| contains(item, part)),
        _ => false,
    }
}

fn sort_unordered(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(sort_unordered),
        Value::Table(table) => {
            for (key, below) in table.iter_mut() {
                if let (UNORDERED, Value::Table(conditions)) = (key.as_str(), &mut *below) {
                    let mut sorted: Vec<(String, Value)> = std::mem::take(conditions).into_iter().collect();
                    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
                    conditions.extend(sorted);
                }
                sort_unordered(below);
            }
        }
        _ => {}
    }
}
