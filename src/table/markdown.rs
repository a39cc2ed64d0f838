//! A table as Markdown, for the report and the terminal.

use super::palette::{self, Palette};
use crate::counted::counted;
use polars::prelude::*;

/// The whole table: numbers to the right, `decimals` of a float shown, labels as readers see them.
pub fn markdown(frame: &DataFrame, decimals: usize) -> String {
    markdown_head(frame, decimals, usize::MAX)
}

/// The first `rows` of the table.
pub fn markdown_head(frame: &DataFrame, decimals: usize, rows: usize) -> String {
    let columns = frame.columns();
    // A pivot's columns may be the labels themselves.
    let header = columns.iter().map(|column| escaped(palette::shown(column.name())));
    let mut text = line(header);
    text.push_str(&line(columns.iter().map(|column| {
        let right = column.dtype().is_primitive_numeric();
        if right { "---:".to_string() } else { "---".to_string() }
    })));
    let labels: Vec<bool> = columns.iter().map(|column| Palette::of_column(column).is_some()).collect();
    for row in 0..frame.height().min(rows) {
        text.push_str(&line(columns.iter().zip(&labels).map(|(column, &is_label)| {
            let value = cell(column, row, decimals);
            escaped(if is_label { palette::shown(&value) } else { &value })
        })));
    }
    text
}

/// One value as a reader sees it: a float with that many decimals (or as a power of ten where they would show nothing of
/// it), `–` for null.
pub fn cell(column: &Column, row: usize, decimals: usize) -> String {
    match column.get(row) {
        Ok(AnyValue::Float64(number)) => float(number, decimals),
        Ok(AnyValue::Float32(number)) => float(f64::from(number), decimals),
        Ok(AnyValue::Null) | Err(_) => "–".to_string(),
        Ok(_) => plain(column, row),
    }
}

fn float(number: f64, decimals: usize) -> String {
    let size = number.abs();
    if !number.is_finite() {
        return number.to_string();
    }
    let rounded = format!("{number:.decimals$}");
    let vanishes = size > 0.0 && rounded.parse::<f64>().is_ok_and(|shown| shown == 0.0);
    if vanishes || size >= 1e9 {
        return format!("{number:.decimals$e}");
    }
    match rounded.strip_prefix('-') {
        Some(digits) => format!("−{digits}"),
        None => rounded,
    }
}

/// One value in full, without quotes around text.
pub(crate) fn plain(column: &Column, row: usize) -> String {
    match column.get(row) {
        Ok(AnyValue::String(text)) => text.to_string(),
        Ok(AnyValue::StringOwned(text)) => text.to_string(),
        Ok(AnyValue::Null) | Err(_) => "null".to_string(),
        Ok(AnyValue::Float64(number)) => number.to_string(),
        Ok(AnyValue::Float32(number)) => number.to_string(),
        Ok(value) => value.to_string(),
    }
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let mut text = String::from("|");
    for cell in cells {
        text.push(' ');
        text.push_str(&cell);
        text.push_str(" |");
    }
    text.push('\n');
    text
}

/// Text that Markdown shows as it is, on one line.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push('↵'),
            '|' | '*' | '_' | '`' | '<' | '[' | ']' | '\\' | '~' | '&' | '$' => escaped.extend(['\\', character]),
            other if other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The first different values of a column and how many others there are, for a message.
pub(crate) fn some_values(column: &Column) -> String {
    const SHOWN: usize = 8;
    let mut seen: Vec<String> = Vec::new();
    for row in 0..column.len() {
        let value = plain(column, row);
        if seen.contains(&value) {
            continue;
        }
        if seen.len() == SHOWN {
            let more = column.n_unique().unwrap_or_default().saturating_sub(SHOWN).max(1);
            return format!("{} and {}", seen.join(", "), counted(more, "other"));
        }
        seen.push(value);
    }
    seen.join(", ")
}
