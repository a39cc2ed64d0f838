//! A kind of figure: one implementation, in a file of its own; the list of kinds is in `spec/figure.rs`. Nothing else names a kind.

use super::drawing::{ColumnResult, Drawing, Keyed, at};
use super::error::FigureProblem;
use super::fold::{self, Averaged, Folded};
use crate::spec::{Figure, FigureFacts};
use polars::prelude::DataFrame;

/// What a kind of figure shows of rows.
pub(super) trait Plot {
    /// What it reads, a value per row.
    type Columns;

    /// What it shows a mean of, where several rows fall on one place; `None` where each row is shown.
    const AVERAGED: Option<Averaged> = None;

    /// Reads the rows, which are already filtered.
    ///
    /// # Errors
    /// What is wrong with each key.
    fn read(figure: &Figure, rows: &DataFrame) -> ColumnResult<Self::Columns>;

    /// The numbers before their means are taken, and where each goes.
    fn folded(_columns: &Self::Columns) -> Option<Folded<'_>> {
        None
    }

    /// Draws what was read.
    ///
    /// # Errors
    /// Nothing that can be drawn, or no room for it.
    fn draw(figure: &Figure, columns: Self::Columns) -> Keyed<Drawing>;
}

/// Reads what a kind of figure shows, where no key is left out that it needs.
pub(super) fn read<P: Plot>(figure: &Figure, rows: &DataFrame) -> ColumnResult<P::Columns> {
    let FigureFacts { name: kind, needs, .. } = figure.kind.facts();
    let missing = needs.iter().filter(|(key, _)| figure.column(key).is_none());
    let faults: Vec<_> = missing.map(|(key, column)| at(key)(FigureProblem::Missing { kind, key, column })).collect();
    if faults.is_empty() { P::read(figure, rows) } else { Err(faults) }
}

/// Places what a kind of figure shows, and notes what its means are over.
pub(super) fn laid_out<P: Plot>(figure: &Figure, rows: &DataFrame) -> ColumnResult<Drawing> {
    let one = |fault| vec![fault];
    let columns = read::<P>(figure, rows)?;
    let over = match (P::AVERAGED, P::folded(&columns)) {
        (Some(averaged), Some(folded)) => fold::over(figure, rows, &averaged, folded).map_err(one)?,
        _ => None,
    };
    let mut drawing = P::draw(figure, columns).map_err(one)?;
    drawing.notes.extend(over);
    Ok(drawing)
}
