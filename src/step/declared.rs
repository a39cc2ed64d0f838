//! Rows that a step keeps, as they are known before it runs.

use super::labels::RunColumns;
use crate::table::{ColumnInfo, ColumnSet};

/// Rows that a step keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct RowsInfo {
    /// What stands after the step's name: `prompts` of `NAME.prompts`; nothing of its own rows.
    pub part: &'static str,
    /// Their columns.
    pub columns: Vec<ColumnInfo>,
    /// What they measure, each row one of these: of every place all of them. None where it is one alone, or not the spec that says so.
    pub measured: Vec<&'static str>,
}

impl RowsInfo {
    /// Rows of a model's prompts of one template, which the first columns say.
    pub fn of<C: ColumnSet>(part: &'static str) -> Self {
        Self::alone::<(RunColumns, C)>(part)
    }

    /// Rows of these columns alone.
    pub fn alone<C: ColumnSet>(part: &'static str) -> Self {
        Self { part, columns: C::declared("", ""), measured: Vec::new() }
    }

    /// The same without a column.
    pub fn without(mut self, name: &str) -> Self {
        self.columns.retain(|column| column.name != name);
        self
    }

    /// As `from` names them.
    pub fn name(&self, step: &str) -> String {
        if self.part.is_empty() { step.to_string() } else { format!("{step}.{}", self.part) }
    }
}
