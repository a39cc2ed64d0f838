//! The rows that a step keeps, known before it runs: their columns, and what stands in them as far as the program itself says it.

use super::kind;
use super::labels::RunColumns;
use crate::prompt::PromptGroup;
use crate::spec::Step;
use crate::table::{ColumnInfo, ColumnSet, Frames};
use indexmap::IndexSet;

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

/// The rows of a step, as prompts of operands have them; `frames` are those of the steps that it reads.
pub fn rows(step: &Step, frames: &Frames) -> Vec<RowsInfo> {
    kind::of(step).rows(frames)
}

/// Every text that the column of a step's rows may have; none where they come from the spec, the model or the prompts. A condition
/// that asks for another is a misspelt one, and one that asks for a text that no row has is not.
pub fn words(step: &Step, column: &str) -> Option<Vec<&'static str>> {
    let all = rows(step, &Frames::default());
    let named = all.iter().flat_map(|rows| &rows.columns).filter(|one| one.name == column);
    let own: IndexSet<&str> = named.flat_map(|column| column.words.iter().copied()).collect();
    match column {
        // Also those that the prompts of a step do not have: a spec may be run on fewer.
        "operator" => Some(PromptGroup::labels().chain(own).collect()),
        _ => Some(own.into_iter().collect()).filter(|own: &Vec<_>| !own.is_empty()),
    }
}

/// What the rows of a step measure.
pub fn measured(step: &Step) -> Vec<&'static str> {
    rows(step, &Frames::default()).into_iter().next().map(|rows| rows.measured).unwrap_or_default()
}
