//! Whole numbers, which are of one type everywhere.

use polars::prelude::*;

/// The rows with every whole number as a signed one of 64 bits, so that the difference of two is what it should be in whatever
/// reads them: of unsigned ones 1 − 2 is not −1.
///
/// # Errors
/// A number that is not one of these.
pub fn whole(rows: DataFrame) -> PolarsResult<DataFrame> {
    let other = |column: &Column| column.dtype().is_integer() && *column.dtype() != DataType::Int64;
    if !rows.columns().iter().any(other) {
        return Ok(rows);
    }
    let height = rows.height();
    let signed = |column: Column| if other(&column) { column.strict_cast(&DataType::Int64) } else { Ok(column) };
    DataFrame::new(height, rows.into_columns().into_iter().map(signed).collect::<PolarsResult<_>>()?)
}
