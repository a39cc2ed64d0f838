//! A table's files: CSV that reads back to the same numbers, and Parquet that keeps the types.

use super::error::TableProblem;
use crate::system::atomic::write_atomic;
use polars::prelude::*;
use polars_parquet::write::schema_to_metadata_key;
use std::io;
use std::path::{Path, PathBuf};

/// Where a table was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFiles {
    /// Shortest decimals that read back to the same `f64`.
    pub csv: PathBuf,
    /// The same table with its types.
    pub parquet: PathBuf,
}

/// Writes `NAME.csv` and `NAME.parquet` into the folder, each whole or not at all; the same table gives the same bytes.
///
/// # Errors
/// Names the file.
pub fn write(frame: &DataFrame, folder: &Path, name: &str) -> Result<TableFiles, TableProblem> {
    let files = TableFiles { csv: folder.join(format!("{name}.csv")), parquet: folder.join(format!("{name}.parquet")) };
    // One chunk, so that how the rows were put together does not show in the files.
    let mut frame = frame.clone();
    frame.rechunk_mut();
    write_atomic(&files.csv, |out| CsvWriter::new(out).finish(&mut frame).map_err(io_error))?;
    write_parquet(&frame, &files.parquet)?;
    Ok(files)
}

/// A table as Parquet: what `write_parquet` writes.
///
/// # Errors
/// None of its own.
pub fn to_parquet(frame: &DataFrame) -> PolarsResult<Vec<u8>> {
    let mut bytes = Vec::new();
    parquet(frame, &mut bytes)?;
    Ok(bytes)
}

/// Writes a Parquet file, whole or not at all.
///
/// # Errors
/// Names the file.
pub fn write_parquet(frame: &DataFrame, path: &Path) -> Result<(), TableProblem> {
    write_atomic(path, |out| parquet(frame, out).map_err(io_error))?;
    Ok(())
}

fn parquet(frame: &DataFrame, out: impl io::Write) -> PolarsResult<()> {
    let mut frame = frame.clone();
    frame.rechunk_mut();
    // polars declares its texts as views, which many readers cannot compare or sort, and older ones not open. What is in the
    // file is the same either way: only the declaration is another.
    let level = CompatLevel::oldest();
    let schema = frame.schema().iter().map(|(name, dtype)| (name.clone(), dtype.to_arrow_field(name.clone(), level)));
    let declared = schema_to_metadata_key(&schema.collect());
    let metadata = KeyValueMetadata::Static(vec![declared]);
    ParquetWriter::new(out).with_key_value_metadata(Some(metadata)).finish(&mut frame)?;
    Ok(())
}

fn io_error(error: PolarsError) -> io::Error {
    match error {
        PolarsError::IO { error, .. } => io::Error::new(error.kind(), error.to_string()),
        other => io::Error::other(other),
    }
}

/// Rows from the bytes of a Parquet file.
///
/// # Errors
/// Bytes that are no such file.
pub fn read_parquet(bytes: Vec<u8>) -> PolarsResult<DataFrame> {
    ParquetReader::new(std::io::Cursor::new(bytes)).finish()
}
