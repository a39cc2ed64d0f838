//! What an edit of one layer leaves to be computed of its attention or its MLP: not the units that it replaces.

use super::activation::Layout;
use super::edit::{Change, Edit, Positions, Value};
use super::entry::order;
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};

/// Computing this share of the units or more is left as it is: choosing weights costs something too.
const WORTHWHILE: (usize, usize) = (3, 4);

/// The heads (`site` is `z`) or neurons (`mlp_post`) of a layer that edits leave to be computed at the positions from `first`
/// on; `None` where all are: the edits do not replace them by given values, or something within is edited too.
pub(super) fn left(
    site: Site,
    layer: usize,
    edits: &[Edit],
    facts: &Facts,
    first: usize,
    length: usize,
) -> Option<Vec<usize>> {
    let within: &[Site] = match site {
        Site::Z => &[
            Site::Q,
            Site::K,
            Site::V,
            Site::QNormed,
            Site::KNormed,
            Site::RotQ,
            Site::RotK,
            Site::AttnScores,
            Site::Pattern,
            Site::Result,
        ],
        _ => &[Site::MlpPre, Site::MlpPreLinear],
    };
    let here = || edits.iter().filter(|edit| order(edit.hook, facts).0 == layer);
    if here().any(|edit| matches!(edit.hook, Hook::Block(_, other) if within.contains(&other))) {
        return None;
    }
    let hook = Hook::Block(layer, site);
    let units = Layout::of(hook, facts, length)?.units();
    let mut replaced = vec![false; units];
    for edit in here().filter(|edit| edit.hook == hook) {
        let Change::Replace { value, strength: 1.0 } = &edit.change else { return None };
        let given = match value {
            Value::Source => false,
            Value::Constant(_) => true,
            Value::Fixed(values) => values.positions.is_empty() || holds(&values.positions, first, length),
        };
        let everywhere = match &edit.positions {
            Positions::All => true,
            Positions::At(positions) => holds(positions, first, length),
        };
        if !given || !everywhere {
            return None;
        }
        edit.units.iter(units).for_each(|unit| replaced[unit] = true);
    }
    let left: Vec<usize> = (0..units).filter(|&unit| !replaced[unit]).collect();
    (left.len() * WORTHWHILE.1 < units * WORTHWHILE.0).then_some(left)
}

/// Whether positions, ascending, are all from `first` on, or more.
fn holds(positions: &[usize], first: usize, length: usize) -> bool {
    (first..length).all(|position| positions.binary_search(&position).is_ok())
}
