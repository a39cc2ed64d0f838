//! Columns of rows as vectors.

use polars::prelude::*;

/// A column of numbers; NaN where there is none.
#[track_caller]
pub fn numbers(frame: &DataFrame, column: &str) -> Vec<f64> {
    let column = frame.column(column).expect(column).cast(&DataType::Float64).expect("numbers");
    column.f64().expect("numbers").iter().map(|number| number.unwrap_or(f64::NAN)).collect()
}

/// A column of texts; empty where there is none.
#[track_caller]
pub fn texts(frame: &DataFrame, column: &str) -> Vec<String> {
    let column = frame.column(column).expect(column);
    column.str().expect("texts").iter().map(|text| text.unwrap_or_default().to_string()).collect()
}
