//! What a file of pairs holds: cells of any kind, row by row.

use super::kept::text;
use super::read::Unread;
use super::{csv, json_lines};
use serde_json::{Map, Value};

/// Rows of cells, each with its place in the file.
#[derive(Debug, Default)]
pub(super) struct CellRows {
    /// Names of the columns, each once, in the order in which they are met.
    pub names: Vec<String>,
    /// The cells of each row by column; of an empty cell none.
    pub rows: Vec<Map<String, Value>>,
    /// The line of each row, or its number where the file has no lines.
    pub places: Vec<usize>,
    /// What the places count: `line` or `row`.
    pub unit: &'static str,
    /// Whether cells are texts alone, so that a list stands in one as JSON writes it.
    pub is_text: bool,
}

impl CellRows {
    /// Of a file with a line of names.
    pub fn of_csv(bytes: &[u8], separator: csv::Separator) -> Result<Self, Unread> {
        let mut read = Self { unit: "line", is_text: true, ..Self::default() };
        csv::each(text(bytes)?, separator, |names, line, cells| {
            if read.names.is_empty() {
                read.names = names.to_vec();
            }
            let cells = names.iter().cloned().zip(cells).filter(|(_, cell)| !cell.trim().is_empty());
            read.rows.push(cells.map(|(name, cell)| (name, Value::String(cell))).collect());
            read.places.push(line);
            Ok(())
        })?;
        Ok(read)
    }

    /// Of a file with an object a line.
    pub fn of_json_lines(bytes: &[u8]) -> Result<Self, Unread> {
        let mut read = Self { unit: "line", ..Self::default() };
        let mut known = std::collections::HashSet::new();
        json_lines::each(text(bytes)?, |line, cells| {
            for (name, _) in &cells {
                if known.insert(name.clone()) {
                    read.names.push(name.clone());
                }
            }
            read.rows.push(cells.into_iter().filter(|(_, cell)| !cell.is_null()).collect());
            read.places.push(line);
            Ok(())
        })?;
        Ok(read)
    }
}
