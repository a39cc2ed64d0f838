//! Which rows of another step rank components, and by what.

use crate::spec::Condition;
use crate::spec::step::{Listed, NeuronOverlap, Ranked, RankedNeurons};
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

impl<'s> From<&'s Ranked> for Ranking<'s> {
    fn from(ranked: &'s Ranked) -> Self {
        let Ranked { from, filter, by, measure, per_operator, .. } = ranked;
        Self { from, filter, by: Some(by), measure: measure.as_deref(), per_group: *per_operator, found: false }
    }
}

impl<'s> From<&'s Listed> for Ranking<'s> {
    fn from(listed: &'s Listed) -> Self {
        let Listed { from, filter, by, measure, per_operator, .. } = listed;
        // Without a number of them, they need no order.
        let by = (listed.top.is_some() || listed.share.is_some()).then_some(by.as_str());
        Self { from, filter, by, measure: measure.as_deref(), per_group: *per_operator, found: true }
    }
}

impl<'s> From<&'s RankedNeurons> for Ranking<'s> {
    fn from(ranked: &'s RankedNeurons) -> Self {
        let RankedNeurons { from, filter, by, measure, per_operator, .. } = ranked;
        Self { from, filter, by: Some(by), measure: measure.as_deref(), per_group: *per_operator, found: false }
    }
}

impl<'s> From<&'s NeuronOverlap> for Ranking<'s> {
    fn from(step: &'s NeuronOverlap) -> Self {
        let NeuronOverlap { from, filter, by, measure, .. } = step;
        Self { from, filter, by: Some(by), measure: measure.as_deref(), per_group: true, found: false }
    }
}
