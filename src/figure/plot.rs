//! A kind of figure: one implementation, in a file of its own; the list of kinds is in `spec/figure.rs`. Nothing else names a kind.

use super::drawing::{Drawing, Keyed, Read};
use super::fold::{self, Averaged, Folded};
use crate::spec::Figure;
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
    fn read(figure: &Figure, rows: &DataFrame) -> Read<Self::Columns>;

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

/// Places what a kind of figure shows, and notes what its means are over.
pub(super) fn laid_out<P: Plot>(figure: &Figure, rows: &DataFrame) -> Read<Drawing> {
    let one = |fault| vec![fault];
    let columns = P::read(figure, rows)?;
    let over = match (P::AVERAGED, P::folded(&columns)) {
        (Some(averaged), Some(folded)) => fold::over(figure, rows, &averaged, folded).map_err(one)?,
        _ => None,
    };
    let mut drawing = P::draw(figure, columns).map_err(one)?;
    drawing.notes.extend(over);
    Ok(drawing)
}
