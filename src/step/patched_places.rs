//! The places that a step of patching writes down, for the steps that read its rows before these are there.

use crate::measure::EffectMeasure;
use crate::spec::step::ActivationPatching;
use crate::spec::{Layers, Loaded, Parsed, PositionName, SitePattern, Step};
use indexmap::IndexSet;
use std::borrow::Cow;

/// What a step writes down whose rows are of nothing else.
pub struct PatchedPlaces<'s> {
    /// Its sites.
    pub sites: Cow<'s, [Parsed<SitePattern>]>,
    /// The text that the sites are made of, where it writes layers alone.
    pub layers: Option<&'s Parsed<Layers>>,
    /// Its positions.
    pub positions: &'s [PositionName],
    /// What it measures, each once.
    pub measures: Vec<&'static str>,
    /// The step of exact patching that it is; `None` where it approximates one.
    pub exact: Option<Cow<'s, ActivationPatching>>,
}

/// The names of measures, each once.
pub fn each_once(measures: &[EffectMeasure]) -> Vec<&'static str> {
    let names: IndexSet<&'static str> = measures.iter().map(|measure| measure.name()).collect();
    names.into_iter().collect()
}

/// The step whose own rows are named, if there is one.
pub fn step_of<'l>(from: &str, loaded: &'l Loaded) -> Option<&'l Step> {
    loaded.spec.steps.iter().find(|step| step.name() == from)
}
