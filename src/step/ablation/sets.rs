//! Sets of components: heads at `attn.hook_z`, neurons at `mlp.hook_post`; an MLP is all of its neurons, or with experts what it
//! writes.

use crate::intervene::{Layout, Units};
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};
use crate::prompt::PromptGroup;
use crate::spec::step::Control;
use crate::step::matched::MatchedDraw;
use crate::step::places::{Component, whole_mlp};
use std::collections::BTreeMap;

/// Units by hook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitSet(BTreeMap<Hook, Vec<bool>>);

impl UnitSet {
    /// These components.
    pub fn of<'p>(places: impl IntoIterator<Item = &'p Component>, facts: &Facts) -> Self {
        let mut set = Self::default();
        for &place in places {
            set.add(place, facts);
        }
        set
    }

    /// Every head and MLP of a model.
    pub fn all(facts: &Facts) -> Self {
        let hooks = (0..facts.n_layers).flat_map(|layer| [Hook::Block(layer, Site::Z), whole_mlp(layer, facts)]);
        Self::of(&hooks.map(|hook| Component { hook, unit: None }).collect::<Vec<_>>(), facts)
    }

    /// Adds a component; whether any of it is new.
    pub fn add(&mut self, place: Component, facts: &Facts) -> bool {
        // Neither hook depends on the length of the prompt.
        let Some(layout) = Layout::of(place.hook, facts, 1) else { return false };
        let units = self.0.entry(place.hook).or_insert_with(|| vec![false; layout.units()]);
        let added = match place.unit {
            Some(unit) => units.get_mut(unit..unit + 1),
            None => Some(units.as_mut_slice()),
        };
        let new = |unit: &mut bool| !std::mem::replace(unit, true);
        added.is_some_and(|units| units.iter_mut().filter_map(|unit| new(unit).then_some(())).count() > 0)
    }

    /// Whether any of a component is in it.
    pub fn meets(&self, place: Component) -> bool {
        let Some(units) = self.0.get(&place.hook) else { return false };
        place.unit.map_or(units.contains(&true), |unit| units.get(unit) == Some(&true))
    }

    /// What is in it and not in `other`.
    pub fn without(&self, other: &UnitSet) -> Self {
        let left = |(hook, units): (&Hook, &Vec<bool>)| {
            let Some(gone) = other.0.get(hook) else { return (*hook, units.clone()) };
            (*hook, units.iter().zip(gone).map(|(unit, gone)| *unit && !gone).collect())
        };
        Self(self.0.iter().map(left).filter(|(_, units): &(Hook, Vec<bool>)| units.contains(&true)).collect())
    }

    /// As many units at each hook, drawn: among those of `among`, or all that the hook has. What is not in `among` is left out.
    fn matched(&self, among: Option<&UnitSet>, draw: MatchedDraw) -> Self {
        let drawn = self.places(among).map(|(hook, named, all)| {
            let mut units = vec![false; self.0[&hook].len()];
            draw.units(&hook.to_string(), &named, all).into_iter().for_each(|unit| units[unit] = true);
            (hook, units)
        });
        Self(drawn.collect())
    }

    /// The sets that are drawn for it, within `among` where there is one; as many as the step says, each it itself where there are no others.
    pub fn controls(&self, control: Control, among: Option<&UnitSet>, group: Option<&PromptGroup>) -> Vec<Self> {
        let Control::RandomMatched { draws, seed } = control else { return Vec::new() };
        let group = group.map_or("", PromptGroup::label);
        (0..draws).map(|number| self.matched(among, MatchedDraw { seed, number, group })).collect()
    }

    /// Of each hook, how many units are in it, and how many others there are that could be.
    pub fn others<'s>(&'s self, among: Option<&'s UnitSet>) -> impl Iterator<Item = (usize, usize)> + 's {
        self.places(among).map(|(_, named, all)| (named.len(), all.len() - named.len()))
    }

    /// Its hooks, with the units that are in it and in `among`, and those that are in `among` or, without it, all.
    fn places<'s>(&'s self, among: Option<&'s UnitSet>) -> impl Iterator<Item = (Hook, Vec<usize>, Vec<usize>)> + 's {
        self.0.iter().filter_map(move |(&hook, units)| {
            let all: Vec<usize> = match among {
                None => (0..units.len()).collect(),
                Some(among) => indices(among.0.get(&hook)?).collect(),
            };
            let named: Vec<usize> = all.iter().copied().filter(|&unit| units[unit]).collect();
            (!named.is_empty()).then_some((hook, named, all))
        })
    }

    /// Its hooks, with the units of each, in the order of the layers.
    pub fn units(&self) -> impl Iterator<Item = (Hook, Units)> {
        self.0.iter().map(|(hook, units)| {
            let all = units.iter().all(|unit| *unit);
            (*hook, if all { Units::All } else { Units::Of(indices(units).collect()) })
        })
    }
}

/// Which units are in a set.
fn indices(units: &[bool]) -> impl Iterator<Item = usize> + '_ {
    units.iter().enumerate().filter_map(|(unit, held)| held.then_some(unit))
}
