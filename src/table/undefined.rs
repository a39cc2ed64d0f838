//! What is undefined: a NaN, such as 0 / 0. One rule for all that reads numbers, in tables, rankings, expectations and figures.
//!
//! A null is nothing: every statistic leaves it out. A NaN is a number that is not defined, neither large nor small: what is
//! computed of one is NaN too, it meets no comparison, equals nothing (no NaN either), and comes after all numbers in every
//! order, before the nulls.

use polars::prelude::*;

/// Which values are NaN; none where no value can be.
pub(super) fn undefined(values: &Series) -> PolarsResult<Option<BooleanChunked>> {
    if !values.dtype().is_float() {
        return Ok(None);
    }
    let undefined = values.is_nan()?;
    undefined.any().then(|| undefined.fill_null_with_values(false)).transpose()
}

/// The rows that a comparison may hold of: neither null nor NaN.
pub(super) fn comparable(values: &Series) -> PolarsResult<BooleanChunked> {
    let there = values.is_not_null();
    Ok(match undefined(values)? {
        Some(undefined) => there & !undefined,
        None => there,
    })
}
