//! Columns of rows read back, whatever whole numbers and texts they are stored as.

use polars::prelude::*;

/// The texts of a column.
///
/// # Errors
/// No such column.
pub(crate) fn text(rows: &DataFrame, name: &str) -> PolarsResult<StringChunked> {
    Ok(rows.column(name)?.cast(&DataType::String)?.str()?.clone())
}

/// The indices that a column holds: of layers, heads, neurons.
///
/// # Errors
/// No such column.
pub(crate) fn indices(rows: &DataFrame, name: &str) -> PolarsResult<Vec<Option<usize>>> {
    Ok(rows.column(name)?.cast(&DataType::UInt32)?.u32()?.iter().map(|number| number.map(|n| n as usize)).collect())
}

/// The numbers of a column.
///
/// # Errors
/// No such column.
pub(crate) fn numbers(rows: &DataFrame, name: &str) -> PolarsResult<Vec<Option<f64>>> {
    Ok(rows.column(name)?.cast(&DataType::Float64)?.f64()?.iter().collect())
}
