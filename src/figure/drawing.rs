//! What kinds of figure have in common: what is read of rows, and what is drawn of it.

use super::data;
use super::data::Categories;
use super::error::{FigureError, FigureProblem};
use super::labels;
use super::scene::Scene;
use crate::spec::{self};
use crate::table::TableFault;
use polars::prelude::DataFrame;
use std::path::PathBuf;

/// A figure in place, and what a reader should know that it does not show.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Shapes and texts.
    pub scene: Scene,
    /// Short sentences without a full stop: how many values were not finite, which cells are missing.
    pub notes: Vec<String>,
}

/// Files of a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// One per format, in the order asked for.
    pub files: Vec<PathBuf>,
    /// See [`Drawing::notes`].
    pub notes: Vec<String>,
}

/// What is made of some keys, or what is wrong with the first that is.
pub(super) type Keyed<T> = Result<T, TableFault<FigureProblem>>;

/// What is read for all keys, or what is wrong with each.
pub(super) type ColumnResult<T> = Result<T, Vec<TableFault<FigureProblem>>>;

/// The categories of a column and each row's place among them.
pub(super) type CategoryColumn = (Categories, Vec<Option<usize>>);

pub(super) fn named(figure: &spec::Figure, faults: Vec<TableFault<FigureProblem>>) -> FigureError {
    FigureError { figure: figure.name.clone(), faults }
}

/// The categories of the column that a key names, at most so many; one without a label where the key is left out.
pub(super) fn categories(
    rows: &DataFrame,
    key: &'static str,
    name: Option<&str>,
    most: usize,
) -> Keyed<CategoryColumn> {
    let Some(name) = name else {
        return Ok((Categories { labels: vec![String::new()], numbers: None }, vec![Some(0); rows.height()]));
    };
    let column = data::plain(rows, name, "").map_err(at(key))?;
    let (mut found, places) = Categories::of(column).map_err(at(key))?;
    too_many(name, found.len(), most).map_err(at(key))?;
    found.labels = labels::spelled(&found.labels);
    Ok((found, places))
}

/// What is read for several keys, or what is wrong with each of them.
macro_rules! all_read {
    ($($read:ident),+) => {
        match ($($read,)+) {
            ($(Ok($read),)+) => Ok(($($read,)+)),
            ($($read,)+) => Err([$($read.err(),)+].into_iter().flatten().collect::<Vec<_>>()),
        }
    };
}
pub(super) use all_read;

/// The panels, labelled with their titles.
pub(super) fn facets(figure: &spec::Figure, rows: &DataFrame) -> Keyed<CategoryColumn> {
    let (mut panels, places) = categories(rows, "facet", figure.facet.as_deref(), PANELS)?;
    // A number alone does not say what it is.
    if let (Some(name), Some(_)) = (&figure.facet, &panels.numbers) {
        panels.labels.iter_mut().for_each(|label| *label = format!("{name} {label}"));
    }
    Ok((panels, places))
}

/// The least and the largest of the numbers that a column has.
pub(super) fn ends(
    numbers: impl Iterator<Item = f64>,
    log: bool,
    (key, column): (&'static str, &str),
) -> Keyed<(f64, f64)> {
    let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), n| (low.min(n), high.max(n)));
    if low > high {
        let because = if log { " above zero, where a logarithmic axis begins" } else { "" };
        return Err(at(key)(FigureProblem::NoNumbers { column: column.to_string(), because }));
    }
    Ok((low, high))
}

pub(super) fn at<P: Into<FigureProblem>>(key: &'static str) -> impl Fn(P) -> TableFault<FigureProblem> {
    move |problem| (vec![key.to_string()], problem.into())
}

/// Most panels of a figure.
pub const PANELS: usize = 48;

/// Refuses what a reader could not tell apart.
pub fn too_many(column: &str, found: usize, most: usize) -> Result<(), FigureProblem> {
    match found > most {
        true => Err(FigureProblem::TooMany { column: column.to_string(), found, most }),
        false => Ok(()),
    }
}
