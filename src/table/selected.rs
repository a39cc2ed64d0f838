//! Columns that a table names.

use super::error::{self, TableFault, TableProblem, at};
use polars::prelude::DataFrame;

/// Every column of a list that a key holds is there.
pub(super) fn all_there(frame: &DataFrame, key: &str, names: &[String]) -> Result<(), Vec<TableFault<TableProblem>>> {
    let missing = names
        .iter()
        .enumerate()
        .filter_map(|(index, name)| error::column(frame, name).err().map(at(&[key, &index.to_string()])));
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}
