//! What stands in the columns of a step's rows, as far as the program itself says it.

use super::{RowsInfo, kind};
use crate::prompt::PromptGroup;
use crate::spec::Step;
use crate::table::Frames;
use indexmap::IndexSet;

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
