//! Tidy polars frames: what a `[[table]]` says, and CSV, Parquet and Markdown of it.
//!
//! The operators of a prompt (`+ - * /`) come in that order wherever rows are grouped, pivoted or sorted; everything
//! else keeps the order in which it is first seen. Nulls are left out of every aggregate; a NaN is a value and stays one.

mod aggregate;
mod condition;
mod error;
mod markdown;
pub mod operator;
mod order;
mod pivot;
mod write;

pub use condition::filter;
pub use error::{Problem, TableError};
pub use markdown::{cell, markdown, markdown_head};
pub use write::{Files, write, write_parquet};

pub(crate) use error::{column, holds};
pub(crate) use markdown::{escaped, plain};

use crate::spec;
use polars::prelude::DataFrame;

/// Makes a `[[table]]` from the rows of its step: `where`, `group_by` and `aggregate`, `pivot`, `sort`, `select`, `head`.
///
/// # Errors
/// Names the table, the key of the spec and the column, with the nearest column there is and all of them.
pub fn build(spec: &spec::Table, rows: &DataFrame) -> Result<DataFrame, TableError> {
    let at = |key: &str| {
        let (table, key) = (spec.name.clone(), key.to_string());
        move |problem: Problem| TableError { table, key, problem: Box::new(problem) }
    };
    let mut frame = filter(rows, &spec.filter).map_err(|(column, problem)| at(&format!("where.{column}"))(problem))?;
    if !spec.group_by.is_empty() || !spec.aggregate.is_empty() {
        frame =
            aggregate::group(&frame, &spec.group_by, &spec.aggregate).map_err(|(key, problem)| at(&key)(problem))?;
    }
    if let Some(pivot) = &spec.pivot {
        frame = pivot::pivot(&frame, pivot).map_err(|(key, problem)| at(&format!("pivot.{key}"))(problem))?;
    }
    if !spec.sort.is_empty() {
        frame = order::sort(&frame, &spec.sort).map_err(at("sort"))?;
    }
    if !spec.select.is_empty() {
        for column in &spec.select {
            error::column(&frame, column).map_err(at("select"))?;
        }
        frame = frame.select(spec.select.iter().map(String::as_str)).map_err(|error| at("select")(error.into()))?;
    }
    Ok(match spec.head {
        Some(rows) => frame.head(Some(rows)),
        None => frame,
    })
}
