//! The operators in tables and figures: one order, one sign and (in the figures) one colour everywhere.

use crate::spec::Operator;
use polars::prelude::{Column, DataType};

/// Place in [`Operator::ALL`] of an operator, as a prompt writes it or as mathematics does.
pub fn rank(text: &str) -> Option<usize> {
    Operator::ALL.iter().position(|operator| operator.symbol() == text || operator.sign() == text)
}

/// The sign mathematics uses: `−` for `-`, `×` for `*`, `÷` for `/`; any other text unchanged.
pub fn sign(text: &str) -> &str {
    rank(text).and_then(|rank| Operator::ALL.get(rank)).map_or(text, |operator| operator.sign())
}

/// Whether every text is an operator (and there is one).
pub fn all<'t>(texts: impl IntoIterator<Item = &'t str>) -> bool {
    let mut texts = texts.into_iter().peekable();
    texts.peek().is_some() && texts.all(|text| rank(text).is_some())
}

/// Whether a column holds operators and nothing else.
pub fn column(column: &Column) -> bool {
    column.dtype() == &DataType::String && column.str().is_ok_and(|texts| all(texts.iter().flatten()))
}
