//! Rows of a Parquet file.

use super::read::{Unread, WordColumns};
use polars::prelude::*;
use std::io::Cursor;

/// Reads the columns of texts and integers; others, which polars may not be able to read, are none of words.
pub(super) fn read(bytes: &[u8]) -> Result<WordColumns, Unread> {
    if !bytes.starts_with(b"PAR1") {
        return Err("it is not a Parquet file".into());
    }
    let unread = |error: PolarsError| format!("it cannot be read: {error}");
    let schema = ParquetReader::new(Cursor::new(bytes)).schema().map_err(unread)?;
    let readable: Vec<String> =
        schema.iter_values().filter(|field| is_of_words(field.dtype())).map(|field| field.name.to_string()).collect();
    let mut reader = ParquetReader::new(Cursor::new(bytes)).with_columns(Some(readable.clone()));
    let height = reader.num_rows().map_err(unread)?;
    if height == 0 {
        return Err("it has no rows".into());
    }
    let frame = if readable.is_empty() { DataFrame::empty() } else { reader.finish().map_err(unread)? };
    let names: Vec<&str> = schema.iter_values().map(|field| field.name.as_str()).collect();
    let mut read = WordColumns::new(&names)?;
    for (place, field) in schema.iter_values().enumerate() {
        let name = &field.name;
        let texts = frame.column(name).and_then(|column| column.cast(&DataType::String));
        let Some(texts) = texts.as_ref().ok().and_then(|texts| texts.str().ok()) else {
            let problem = format!("'{name}' holds values of type {:?}; write texts or integers", field.dtype());
            (0..height).for_each(|_| read.no_word(place, problem.clone()));
            continue;
        };
        for (row, text) in texts.iter().enumerate() {
            match text.filter(|text| !text.trim().is_empty()) {
                Some(text) => read.word(place, text.into()),
                None => read.no_word(place, format!("row {} has no '{name}'; write a word in every cell", row + 1)),
            }
        }
    }
    Ok(read)
}

fn is_of_words(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as D;
    let texts = matches!(dtype, D::Utf8 | D::LargeUtf8 | D::Utf8View);
    texts || matches!(dtype, D::Int8 | D::Int16 | D::Int32 | D::Int64 | D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64)
}
