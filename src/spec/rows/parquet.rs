//! Rows of a Parquet file.

use super::read::{Read, Unread};
use polars::prelude::*;
use std::io::Cursor;

/// Reads the whole file.
pub(super) fn read(bytes: &[u8]) -> Result<Read, Unread> {
    if !bytes.starts_with(b"PAR1") {
        return Err("it is no Parquet file".into());
    }
    let frame =
        ParquetReader::new(Cursor::new(bytes)).finish().map_err(|error| format!("it cannot be read: {error}"))?;
    if frame.height() == 0 {
        return Err("it has no rows".into());
    }
    let names: Vec<&str> = frame.get_column_names().into_iter().map(|name| name.as_str()).collect();
    let mut read = Read::new(&names)?;
    for (place, column) in frame.columns().iter().enumerate() {
        let name = column.name();
        let texts = match column.dtype() {
            dtype if dtype.is_integer() || *dtype == DataType::String => column.cast(&DataType::String).ok(),
            _ => None,
        };
        let Some(texts) = texts.as_ref().and_then(|texts| texts.str().ok()) else {
            let problem = format!("'{name}' holds values of type {}; write texts or integers", column.dtype());
            (0..frame.height()).for_each(|_| read.no_word(place, problem.clone()));
            continue;
        };
        for (row, text) in texts.iter().enumerate() {
            match text.filter(|text| !text.is_empty()) {
                Some(text) => read.word(place, text.into()),
                None => read.no_word(place, format!("row {} has no '{name}'; write a word in every cell", row + 1)),
            }
        }
    }
    Ok(read)
}
