//! The four operators: one order, one sign and (in the figures) one colour everywhere.

use polars::prelude::{Column, DataType};

/// As prompts write them, in the order in which tables and figures show them.
pub const ORDER: [&str; 4] = ["+", "-", "*", "/"];
const SIGNS: [&str; 4] = ["+", "−", "×", "÷"];

/// Place in [`ORDER`] of an operator, as a prompt writes it or as mathematics does.
pub fn rank(text: &str) -> Option<usize> {
    ORDER.iter().position(|known| *known == text).or_else(|| SIGNS.iter().position(|sign| *sign == text))
}

/// The sign mathematics uses: `−` for `-`, `×` for `*`, `÷` for `/`; any other text unchanged.
pub fn sign(text: &str) -> &str {
    rank(text).and_then(|rank| SIGNS.get(rank)).copied().unwrap_or(text)
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
