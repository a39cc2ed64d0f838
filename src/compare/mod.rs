//! Compares results with results, and specs with specs: what is the same, and what differs by how much.
//!
//! [`tables()`] joins two tables and compares every cell, [`folders()`] two results folders file by file, [`specs()`] two specs value by
//! value; [`verify`] runs specs again and compares what comes out with what was kept.

mod drawing;
mod folders;
mod kept;
mod pairs;
mod picture;
mod record;
mod report;
mod specs;
mod tables;
mod text;
mod tolerance;
mod values;
pub mod verify;

pub use folders::{FileDifference, FileVerdict, FolderDifference, folders};
pub use kept::{FolderIntegrity, kept};
pub use picture::{Panel, draw, panels};
pub use record::ResultsRecord;
pub use report::write as write_report;
pub use specs::{ResolvedSpec, ValueChange, specs};
pub use tables::{CellDifference, CellPair, ColumnDifference, Likeness, RowKey, TableDifference, numbers, tables};
pub use text::{folder as folder_text, values as values_text};
pub use tolerance::Tolerance;
