//! Tidy polars frames: what a `[[table]]` says, and CSV, Parquet and Markdown of it.
//!
//! Labels that have an order of their own ([`palette`]: operators, `+ - * /`) come in it wherever rows are grouped, pivoted or
//! sorted; everything else keeps the order in which it is first seen. Nulls are left out of every aggregate; what is made of a NaN is NaN.

mod aggregate;
mod condition;
mod declare;
mod derive;
mod error;
pub(crate) mod identity;
mod join;
mod markdown;
mod order;
#[doc(hidden)]
pub mod palette;
mod pivot;
pub(crate) mod read;
mod rows;
mod selected;
mod undefined;
mod write;

pub use error::{TableError, TableFault, TableProblem};
pub use markdown::markdown;
pub use write::{TableFiles, read_parquet, to_parquet, write};

#[doc(hidden)]
pub use declare::{ColumnInfo, ColumnSet, Holds};
#[doc(hidden)]
pub use rows::{Frames, MissingRows};

pub(crate) use condition::{mask_of_all, meeting, never, texts};
pub(crate) use declare::{rows, without_rows};
pub(crate) use derive::reckon;
pub(crate) use error::{at, column, holds, listed};
pub(crate) use markdown::{cell, escaped, markdown_head, plain, some_values};
pub(crate) use write::write_parquet;

use crate::spec::{self, Condition};
use indexmap::IndexMap;
use polars::prelude::DataFrame;
use selected::all_there;

/// A table, and what a reader of it should know.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// Its rows.
    pub frame: DataFrame,
    /// Short sentences without a full stop: which numbers are NaN, and why.
    pub notes: Vec<String>,
    /// Of a table without rows the key that left none, in such a sentence.
    pub why_empty: Option<String>,
}

/// Makes a `[[table]]` from the rows of its step: `where`, `join` (with the rows that it names), `derive`, `group_by` and
/// `aggregate`, `pivot`, `sort`, `select`, `head`.
///
/// # Errors
/// Names the table and, for everything that is wrong, the key of the spec and the column, with the nearest column there is
/// and all of them.
pub fn build(spec: &spec::Table, rows: &DataFrame, with: Option<&DataFrame>) -> Result<Built, TableError> {
    made(spec, rows, with).map_err(|faults| TableError { table: spec.name.clone(), faults })
}

/// The columns of a table before there are rows to make it from: the table itself, made of none. `None` where its columns are
/// values of others (a pivot).
///
/// # Errors
/// As [`build`].
pub fn check(
    spec: &spec::Table,
    columns: &DataFrame,
    with: Option<&DataFrame>,
) -> Result<Option<DataFrame>, TableError> {
    let with = with.map(DataFrame::clear);
    if spec.pivot.is_none() {
        return build(spec, &columns.clear(), with.as_ref()).map(|built| Some(built.frame));
    }
    // What follows a pivot reads columns that are not there yet.
    let known = spec::Table { sort: Vec::new(), select: Vec::new(), ..spec.clone() };
    build(&known, &columns.clear(), with.as_ref()).map(|_| None)
}

fn made(
    spec: &spec::Table,
    rows: &DataFrame,
    with: Option<&DataFrame>,
) -> Result<Built, Vec<TableFault<TableProblem>>> {
    let mut frame = rows.clone();
    let mut faults = Vec::new();
    let mut why_empty = (frame.height() == 0).then(|| format!("'{}' has none", spec.from));
    for (index, (column, condition)) in spec.filter.iter().enumerate() {
        match meeting(&frame, column, condition) {
            Ok(kept) => {
                if kept.height() == 0 && frame.height() > 0 {
                    why_empty = Some(never_there(&frame, &spec.filter, index));
                }
                frame = kept;
            }
            Err(problem) => faults.push(at(&["where", column])(problem)),
        }
    }
    let met = frame.height();
    // Conditions change no columns: whatever is wrong with them, what comes after can be looked at.
    let rest = widened(spec, frame, with).and_then(|frame| {
        if let (Some(join), 1.., 0) = (&spec.join, met, frame.height()) {
            why_empty = Some(format!("none has the {} of a row of '{}'", join.on.join(" and "), join.with));
        }
        shaped(spec, frame)
    });
    match rest.map_err(|more| faults.extend(more)) {
        Ok(built) if faults.is_empty() => {
            let why_empty = why_empty.filter(|_| built.frame.height() == 0);
            Ok(Built { why_empty, ..built })
        }
        _ => Err(faults),
    }
}

/// That no row which meets the conditions before it meets one of `where`, and which values these rows have instead.
fn never_there(rows: &DataFrame, conditions: &IndexMap<String, Condition>, index: usize) -> String {
    let is = |(column, condition): (&String, &Condition)| format!("'{column}' is {condition}");
    let before: Vec<String> = conditions.iter().take(index).map(is).collect();
    let (there, before) = match before.is_empty() {
        true => ("", String::new()),
        false => (" there", format!(" where {}", before.join(" and "))),
    };
    let Some((column, condition)) = conditions.get_index(index) else { return String::new() };
    let values = rows.column(column).map(some_values).unwrap_or_default();
    format!("'{column}' is never {condition}{before}; its values{there} are {values}")
}

/// `join` and `derive`: more columns.
fn widened(
    spec: &spec::Table,
    mut frame: DataFrame,
    with: Option<&DataFrame>,
) -> Result<DataFrame, Vec<TableFault<TableProblem>>> {
    if let Some(join) = &spec.join {
        let with = with.ok_or_else(|| vec![at(&["join", "with"])(TableProblem::NoRows { from: join.with.clone() })])?;
        frame = join::join(&frame, with, join)?;
    }
    if spec.derive.is_empty() { Ok(frame) } else { derive::derive(&frame, &spec.derive) }
}

/// All that follows.
fn shaped(spec: &spec::Table, mut frame: DataFrame) -> Result<Built, Vec<TableFault<TableProblem>>> {
    let mut notes = Vec::new();
    if !spec.group_by.is_empty() || !spec.aggregate.is_empty() {
        (frame, notes) = aggregate::group(&frame, &spec.group_by, &spec.aggregate)?;
    }
    if let Some(pivot) = &spec.pivot {
        frame = pivot::pivot(&frame, pivot)?;
    }
    let sorted = if spec.sort.is_empty() { Ok(frame.clone()) } else { order::sort(&frame, &spec.sort) };
    let selected = all_there(&frame, "select", &spec.select);
    frame = match (sorted, selected) {
        (Ok(frame), Ok(())) => frame,
        (sorted, selected) => return Err([sorted.err(), selected.err()].into_iter().flatten().flatten().collect()),
    };
    if !spec.select.is_empty() {
        let select = frame.select(spec.select.iter().map(String::as_str));
        frame = select.map_err(|error| vec![at(&["select"])(error)])?;
    }
    let frame = match spec.head {
        Some(rows) => frame.head(Some(rows)),
        None => frame,
    };
    Ok(Built { frame, notes, why_empty: None })
}
