//! A table's files: CSV that reads back to the same numbers, and Parquet that keeps the types.

use super::error::Problem;
use crate::run::atomic::write_atomic;
use polars::prelude::*;
use std::io;
use std::path::{Path, PathBuf};

/// Where a table was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Shortest decimals that read back to the same `f64`.
    pub csv: PathBuf,
    /// The same table with its types.
    pub parquet: PathBuf,
}

/// Writes `NAME.csv` and `NAME.parquet` into the folder, each whole or not at all; the same table gives the same bytes.
///
/// # Errors
/// Names the file.
pub fn write(frame: &DataFrame, folder: &Path, name: &str) -> Result<Files, Problem> {
    let files = Files { csv: folder.join(format!("{name}.csv")), parquet: folder.join(format!("{name}.parquet")) };
    // One chunk, so that how the rows were put together does not show in the files.
    let mut frame = frame.clone();
    frame.rechunk_mut();
    write_atomic(&files.csv, |out| CsvWriter::new(out).finish(&mut frame).map_err(io_error))?;
    write_parquet(&frame, &files.parquet)?;
    Ok(files)
}

/// A table as Parquet: what [`write_parquet`] writes.
///
/// # Errors
/// None of its own.
pub fn to_parquet(frame: &DataFrame) -> PolarsResult<Vec<u8>> {
    let mut frame = frame.clone();
    frame.rechunk_mut();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame)?;
    Ok(bytes)
}

/// Writes a Parquet file, whole or not at all.
///
/// # Errors
/// Names the file.
pub fn write_parquet(frame: &DataFrame, path: &Path) -> Result<(), Problem> {
    let mut frame = frame.clone();
    frame.rechunk_mut();
    write_atomic(path, |out| ParquetWriter::new(out).finish(&mut frame).map(|_| ()).map_err(io_error))?;
    Ok(())
}

fn io_error(error: PolarsError) -> io::Error {
    match error {
        PolarsError::IO { error, .. } => io::Error::new(error.kind(), error.to_string()),
        other => io::Error::other(other),
    }
}
