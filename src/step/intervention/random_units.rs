//! Random heads and neurons in the place of those that an intervention names.

use crate::intervene::{Edit, Layout, Units};
use crate::model::facts::Facts;
use crate::model::hook::Hook;
use crate::step::matched::MatchedDraw;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Units that are one kind in a layer: the hooks of a layer that have as many, as heads at `z` and at `pattern`.
type KindInLayer = (Option<usize>, usize);

/// The edits with other units of the same kind in each layer, drawn. A unit that several edits name is the same other unit in all.
pub fn random_units(edits: Vec<(usize, Edit)>, draw: MatchedDraw, facts: &Facts) -> Vec<(usize, Edit)> {
    let kind = |hook: Hook| -> Option<KindInLayer> {
        let layer = match hook {
            Hook::Block(layer, _) => Some(layer),
            _ => None,
        };
        // How many units a hook has does not depend on the length of the prompt.
        Some((layer, Layout::of(hook, facts, 1)?.units()))
    };
    let mut named: BTreeMap<KindInLayer, BTreeSet<usize>> = BTreeMap::new();
    for (_, edit) in &edits {
        if let (Some(kind), Units::Of(units)) = (kind(edit.hook), &edit.units) {
            named.entry(kind).or_default().extend(units);
        }
    }
    let of_kind = |(kind, units): (KindInLayer, BTreeSet<usize>)| {
        let units: Vec<usize> = units.into_iter().collect();
        let place = format!("{:?} of {}", kind.0, kind.1);
        let drawn = draw.units(&place, &units, 0..kind.1);
        (kind, units.into_iter().zip(drawn).collect::<HashMap<usize, usize>>())
    };
    let drawn: BTreeMap<KindInLayer, HashMap<usize, usize>> = named.into_iter().map(of_kind).collect();
    let other = |(number, edit): (usize, Edit)| {
        let units = match (kind(edit.hook).and_then(|kind| drawn.get(&kind)), edit.units) {
            (Some(drawn), Units::Of(units)) => {
                let others: BTreeSet<usize> = units.iter().filter_map(|unit| drawn.get(unit).copied()).collect();
                Units::Of(others.into_iter().collect())
            }
            (_, units) => units,
        };
        (number, Edit { units, ..edit })
    };
    edits.into_iter().map(other).collect()
}
