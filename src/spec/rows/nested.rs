//! Pairs from a Parquet file: texts and whole numbers, lists of them, and objects of these, as data sets of prompts have them.

use super::cells::CellRows;
use super::read::Unread;
use arrow::array::{Array, BooleanArray, ListArray, PrimitiveArray, StructArray, Utf8Array, Utf8ViewArray};
use arrow::datatypes::{ArrowDataType, Field};
use polars_arrow as arrow;
use polars_buffer::Buffer;
use polars_parquet::read::{BasicDecompressor, PageReader, column_iter_to_arrays, infer_schema, read_metadata};
use serde_json::{Map, Value};
use std::io::Cursor;

/// Reads the whole file. Columns that hold anything else are empty.
pub(super) fn read(bytes: &[u8]) -> Result<CellRows, Unread> {
    if !bytes.starts_with(b"PAR1") {
        return Err("it is not a Parquet file".into());
    }
    let unread = |error: polars::error::PolarsError| Unread(format!("it cannot be read: {error}"));
    let metadata = read_metadata(&mut Cursor::new(bytes)).map_err(unread)?;
    let schema = infer_schema(&metadata).map_err(unread)?;
    if metadata.num_rows == 0 {
        return Err("it has no rows".into());
    }
    let buffer = Buffer::from(bytes.to_vec());
    let mut rows: Vec<Map<String, Value>> = vec![Map::new(); metadata.num_rows];
    let mut names = Vec::new();
    for field in schema.iter_values() {
        names.push(field.name.to_string());
        if !is_of_cells(&field.dtype) {
            continue;
        }
        let mut row = 0;
        for group in &metadata.row_groups {
            let columns: Vec<_> = group.columns_under_root_iter(&field.name).into_iter().flatten().collect();
            let pages = |column: &&polars_parquet::read::ColumnChunkMetadata| {
                let range = column.byte_range();
                let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
                // A file that was cut off says that it has more.
                let chunk = (start <= end && end <= bytes.len()).then(|| buffer.clone().sliced(start..end))?;
                Some(BasicDecompressor::new(PageReader::new(Cursor::new(chunk), column, vec![], usize::MAX), vec![]))
            };
            let types = columns.iter().map(|column| &column.descriptor().descriptor.primitive_type).collect();
            let chunks: Option<Vec<_>> = columns.iter().map(pages).collect();
            let chunks = chunks.ok_or_else(|| Unread("it is cut off".into()))?;
            let (arrays, _) = column_iter_to_arrays(chunks, types, field.clone(), None).map_err(unread)?;
            for array in &arrays {
                for index in 0..array.len() {
                    let value = value(&**array, index);
                    if let Some(own) = rows.get_mut(row).filter(|_| !value.is_null()) {
                        own.insert(field.name.to_string(), value);
                    }
                    row += 1;
                }
            }
        }
    }
    let places = (1..=rows.len()).collect();
    Ok(CellRows { names, rows, places, unit: "row", is_text: false })
}

/// Whether a column is of texts, whole numbers, and lists and objects of them.
fn is_of_cells(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as D;
    match dtype {
        D::Utf8 | D::LargeUtf8 | D::Utf8View | D::Boolean | D::Float32 | D::Float64 => true,
        D::Int8 | D::Int16 | D::Int32 | D::Int64 | D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64 => true,
        D::List(item) | D::LargeList(item) => is_of_cells(&item.dtype),
        D::Struct(fields) => fields.iter().all(|field: &Field| is_of_cells(&field.dtype)),
        _ => false,
    }
}

/// A value as JSON has it; null where there is none.
fn value(array: &dyn Array, index: usize) -> Value {
    if array.is_null(index) {
        return Value::Null;
    }
    let any = array.as_any();
    macro_rules! numbers {
        ($($type:ty),*) => {
            $(if let Some(numbers) = any.downcast_ref::<PrimitiveArray<$type>>() {
                return Value::from(numbers.value(index));
            })*
        };
    }
    numbers!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);
    if let Some(texts) = any.downcast_ref::<Utf8ViewArray>() {
        return texts.value(index).into();
    }
    if let Some(texts) = any.downcast_ref::<Utf8Array<i32>>() {
        return texts.value(index).into();
    }
    if let Some(texts) = any.downcast_ref::<Utf8Array<i64>>() {
        return texts.value(index).into();
    }
    if let Some(truths) = any.downcast_ref::<BooleanArray>() {
        return truths.value(index).into();
    }
    let list = match (any.downcast_ref::<ListArray<i32>>(), any.downcast_ref::<ListArray<i64>>()) {
        (Some(lists), _) => Some(lists.value(index)),
        (_, Some(lists)) => Some(lists.value(index)),
        (None, None) => None,
    };
    if let Some(items) = list {
        return (0..items.len()).map(|item| value(&*items, item)).collect();
    }
    match any.downcast_ref::<StructArray>() {
        Some(objects) => {
            let fields = objects.fields().iter().zip(objects.values());
            Value::Object(fields.map(|(field, values)| (field.name.to_string(), value(&**values, index))).collect())
        }
        None => Value::Null,
    }
}
