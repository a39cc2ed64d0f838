//! The cells of two columns of one name, read as the same kind of thing.

use crate::table;
use polars::prelude::*;

/// A column's cells; none is a null.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ColumnValues {
    /// Numbers that are computed: they may differ by a tolerance.
    Floats(Vec<Option<f64>>),
    /// Whole numbers: they are the same or not.
    Integers(Vec<Option<i128>>),
    /// Everything else, as it is written.
    Texts(Vec<Option<String>>),
}

/// The cells of a column on both sides: floats where either side has them and both are numbers, text where they are of
/// different kinds.
pub(super) fn both(a: &Column, b: &Column) -> PolarsResult<[ColumnValues; 2]> {
    let kind = |column: &Column| match column.dtype() {
        dtype if dtype.is_float() => ValueKind::Float,
        dtype if dtype.is_integer() => ValueKind::Integer,
        DataType::String => as_written(column).unwrap_or(ValueKind::Text),
        DataType::Null => ValueKind::Nothing,
        _ => ValueKind::Text,
    };
    let kind = match (kind(a), kind(b)) {
        (ValueKind::Nothing, other) | (other, ValueKind::Nothing) => other,
        (one, other) if one == other => one,
        (ValueKind::Float, ValueKind::Integer) | (ValueKind::Integer, ValueKind::Float) => ValueKind::Float,
        _ => ValueKind::Text,
    };
    Ok([kind.read(a)?, kind.read(b)?])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueKind {
    Float,
    Integer,
    Text,
    /// No value but nulls: whatever the other side is.
    Nothing,
}

/// What a column of text (all of CSV is text) holds. Whole numbers only where reading and writing gives the same text, so that
/// `007` stays apart from `7`.
fn as_written(column: &Column) -> Option<ValueKind> {
    let mut kind = ValueKind::Nothing;
    for text in column.str().ok()?.iter().flatten() {
        let found = match () {
            () if is_integer(text) => ValueKind::Integer,
            () if is_float(text) => ValueKind::Float,
            () => return Some(ValueKind::Text),
        };
        if kind != ValueKind::Float {
            kind = found;
        }
    }
    Some(kind)
}

fn is_integer(text: &str) -> bool {
    text.parse::<i128>().is_ok_and(|number| number.to_string() == text)
}

fn is_float(text: &str) -> bool {
    let marked = text.contains(['.', 'e', 'E']) || matches!(text.trim_start_matches('-'), "NaN" | "inf");
    marked && text.parse::<f64>().is_ok()
}

impl ValueKind {
    fn read(self, column: &Column) -> PolarsResult<ColumnValues> {
        Ok(match (self, column.dtype()) {
            (ValueKind::Float, DataType::String) => ColumnValues::Floats(parsed(column)?),
            (ValueKind::Integer, DataType::String) => ColumnValues::Integers(parsed(column)?),
            (ValueKind::Float, _) => ColumnValues::Floats(column.cast(&DataType::Float64)?.f64()?.iter().collect()),
            (ValueKind::Integer, DataType::UInt64) => {
                ColumnValues::Integers(column.u64()?.iter().map(|number| number.map(i128::from)).collect())
            }
            (ValueKind::Integer, _) => {
                let numbers = column.cast(&DataType::Int64)?;
                ColumnValues::Integers(numbers.i64()?.iter().map(|number| number.map(i128::from)).collect())
            }
            (ValueKind::Text | ValueKind::Nothing, _) => {
                let nulls = column.is_null();
                let text = |(row, null): (usize, Option<bool>)| (null != Some(true)).then(|| table::plain(column, row));
                ColumnValues::Texts(nulls.iter().enumerate().map(text).collect())
            }
        })
    }
}

fn parsed<T: std::str::FromStr>(column: &Column) -> PolarsResult<Vec<Option<T>>> {
    Ok(column.str()?.iter().map(|text| text?.parse().ok()).collect())
}

impl ColumnValues {
    /// Whether rows can be told apart by it: not by computed numbers.
    pub fn tells_apart(&self) -> bool {
        !matches!(self, ColumnValues::Floats(_))
    }

    /// A cell's number.
    pub fn number(&self, row: usize) -> Option<f64> {
        match self {
            ColumnValues::Floats(values) => values.get(row).copied().flatten(),
            ColumnValues::Integers(values) => values.get(row).copied().flatten().map(|number| number as f64),
            ColumnValues::Texts(_) => None,
        }
    }

    /// Whether the cells are numbers.
    pub fn are_numbers(&self) -> bool {
        !matches!(self, ColumnValues::Texts(_))
    }

    /// A cell as it is shown; `null` is a null.
    pub fn shown(&self, row: usize) -> String {
        self.text(row).unwrap_or_else(|| "null".into())
    }

    fn text(&self, row: usize) -> Option<String> {
        match self {
            ColumnValues::Floats(values) => values.get(row).copied().flatten().map(in_full),
            ColumnValues::Integers(values) => values.get(row).copied().flatten().map(|number| number.to_string()),
            ColumnValues::Texts(values) => values.get(row).cloned().flatten(),
        }
    }

    /// Appends a cell to the key of its row, so that different cells make different keys.
    pub fn append(&self, row: usize, key: &mut String) {
        match self.text(row) {
            Some(text) => key.push_str(&format!("+{}:{text}", text.len())),
            None => key.push_str("-0:"),
        }
    }
}

/// The shortest decimals that read back to the same number.
fn in_full(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-4..1e15).contains(&size) || !number.is_finite() {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}
