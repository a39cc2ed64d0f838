//! Which units of which hooks are kept: a hook that several sites name is kept once, with the units of all of them.

use crate::intervene::Layout;
use crate::model::facts::Facts;
use crate::model::hook::Hook;
use crate::step::places::Component;
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// Units of one hook.
pub struct Chosen {
    /// The hook.
    pub hook: Hook,
    /// Its units, ascending.
    pub units: Vec<usize>,
    /// Whether they are all.
    pub whole: bool,
    /// Values of a unit at a position.
    width: usize,
}

impl Chosen {
    /// Values at one position of one prompt.
    pub fn values(&self) -> usize {
        self.units.len() * self.width
    }
}

/// What places name, for prompts of `length` tokens.
pub fn of(places: &[Component], facts: &Facts, length: usize) -> Vec<Chosen> {
    let mut hooks: IndexMap<Hook, (Layout, BTreeSet<usize>)> = IndexMap::new();
    for place in places {
        let Some(layout) = Layout::of(place.hook, facts, length) else { continue };
        let (_, units) = hooks.entry(place.hook).or_insert((layout, BTreeSet::new()));
        match place.unit {
            Some(unit) => drop(units.insert(unit)),
            None => units.extend(0..layout.units()),
        }
    }
    let chosen = |(hook, (layout, units)): (Hook, (Layout, BTreeSet<usize>))| Chosen {
        hook,
        whole: units.len() == layout.units(),
        units: units.into_iter().collect(),
        width: layout.unit_width(),
    };
    hooks.into_iter().map(chosen).collect()
}

/// The units of the hooks of which not all are kept, as JSON: `{"blocks.0.attn.hook_z":[0,3]}`.
pub fn units_json(chosen: &[Chosen]) -> String {
    let some = chosen.iter().filter(|chosen| !chosen.whole);
    let units: serde_json::Map<String, serde_json::Value> =
        some.map(|chosen| (chosen.hook.to_string(), chosen.units.clone().into())).collect();
    serde_json::Value::from(units).to_string()
}
