//! Which rows of another step rank components, and by what.

use crate::spec::Condition;
use indexmap::IndexMap;

/// Which rows count, and what orders the components in them.
#[derive(Debug, Clone, Copy)]
pub struct Ranking<'s> {
    /// Name of the rows.
    pub from: &'s str,
    /// What rows must meet.
    pub filter: &'s IndexMap<String, Condition>,
    /// Column to order by, the largest first; `None`: by layer and unit.
    pub by: Option<&'s str>,
    /// Measure whose rows count.
    pub measure: Option<&'s str>,
    /// Whether rows are told apart by group.
    pub per_group: bool,
    /// Whether the rows are of what was found, and a checkpoint or group may have none.
    pub found: bool,
}
