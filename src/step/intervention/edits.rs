//! The edits that a spec writes, as a model's.

use super::given::{self, GivenPlace, GivenValues};
use super::random_units::random_units;
use super::variations::Variation;
use crate::Error;
use crate::context::Context;
use crate::intervene::{Change, Edit, Layout, Positions, Units, Value};
use crate::model::hook::{Hook, Site};
use crate::prompt::{Prompt, TemplatePositions};
use crate::spec::PositionName;
use crate::spec::step::{EditSpec, EditValue, Intervention, NamedIntervention};
use crate::step::Scope;
use crate::step::dependent_key::DependentKey;
use crate::step::matched::MatchedDraw;
use crate::step::places::{self, Component};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// What an edit of a hook at some positions writes.
pub type EditWriter<'w> = &'w dyn Fn(&EditValue, Hook, &Positions) -> Result<Value, Error>;

/// What edits write: values by `written`; directions, vectors and noise by what was taken, or stand-ins where nothing was.
#[derive(Clone, Copy)]
pub struct Written<'w> {
    /// Of numbers and runs.
    pub values: EditWriter<'w>,
    /// Of directions, vectors and noise.
    pub given: Option<&'w GivenValues>,
    /// The prompt that noise is of.
    pub prompt: Option<&'w Prompt>,
    /// The other prompt of its pair, whose class is written.
    pub other: Option<&'w Prompt>,
}

/// The positions of a template's prompts, and its name.
pub type At<'a> = (&'a TemplatePositions, &'a str);

/// The edits of each variation, each with the number of the spec's edit that it is from; `written` says what those of activations write.
///
/// # Errors
/// Sites, heads and positions that the model or the template has not, at their place in the spec, and what `written` returns.
pub fn resolve(
    step: &Intervention,
    variations: &[Variation],
    target: Scope,
    at: At,
    context: &Context,
    written: Written,
) -> Result<Vec<Vec<(usize, Edit)>>, Error> {
    let of = |variation: &Variation| {
        let intervention: &NamedIntervention = &step.interventions[variation.of];
        let each = intervention.edits.iter().enumerate().map(|(number, edit)| {
            let name = number.to_string();
            let path = ["step", step.name.as_str(), "interventions", intervention.name.as_str(), "edits", &name];
            let resolved = resolve_edit((&path, number), edit, variation, target, at, context, written)?;
            Ok(resolved.into_iter().map(|edit| (number, edit)).collect::<Vec<_>>())
        });
        let edits: Vec<(usize, Edit)> = Error::each(each)?.into_iter().flatten().collect();
        let edits = match variation.placebo.filter(|_| !intervention.has_placebos()) {
            Some(number) => {
                let seed = step.control.as_ref().map_or(0, |control| control.seed);
                random_units(edits, MatchedDraw { seed, number, group: "" }, target.facts)
            }
            None => edits,
        };
        match variation.layer.filter(|_| edits.is_empty()) {
            // Noise waits for its prompt.
            Some(layer)
                if !intervention
                    .edits
                    .iter()
                    .any(|edit| edit.value.given().is_some_and(|given| given.noise.is_some())) =>
            {
                let path = ["step", step.name.as_str(), "interventions", intervention.name.as_str(), "layers"];
                let problem = format!(
                    "intervention '{}' is to be made in layer {layer}, where none of its edits has a site or heads",
                    intervention.name
                );
                let advice =
                    "write sites that every layer has, such as site = \"resid_post\", or fewer layers".to_string();
                Err(context.loaded.refuse(&path, problem, Some(advice)).into())
            }
            _ => Ok(edits),
        }
    };
    Error::each(variations.iter().map(of))
}

/// The places in the layer of a variation, and those outside the blocks.
fn in_layer(places: Vec<Component>, variation: &Variation) -> Vec<Component> {
    let kept = |place: &Component| match (variation.layer, place.layer()) {
        (Some(layer), Some(own)) => layer == own,
        _ => true,
    };
    places.into_iter().filter(kept).collect()
}

/// One edit of the spec, as an edit of each hook that it is of.
fn resolve_edit(
    (path, number): (&[&str], usize),
    edit: &EditSpec,
    variation: &Variation,
    target: Scope,
    (of, template): At,
    context: &Context,
    written: Written,
) -> Result<Vec<Edit>, Error> {
    let below = |key: &'static str| [path, &[key]].concat();
    let groups = places::positions_at(&below("positions"), &edit.positions, of, template, context)?;
    let positions = places::together(&groups);
    let strength = edit.strength * variation.strength.unwrap_or(1.0);
    if let Some(site) = &edit.site {
        let places = in_layer(places::site(&below("site"), site, target, of.length, context)?, variation);
        let Some(given) = edit.value.given() else {
            let resolved = |(hook, units)| {
                let value = (written.values)(&edit.value, hook, &positions)?;
                let change = match edit.add {
                    true => Change::Add { value, strength },
                    false => Change::Replace { value, strength },
                };
                Ok(Edit { hook, positions: positions.clone(), units, change })
            };
            return by_hook(places).map(resolved).collect();
        };
        let mut edits = Vec::new();
        for (hook, units) in by_hook(places) {
            if given.noise.is_some() && hook != Hook::Embed {
                let problem = format!("noise can be added to embeddings only, and not at {hook}");
                let advice = "write site = \"embed\"".to_string();
                return Err(context.loaded.refuse(&below("site"), problem, Some(advice)).into());
            }
            let Some(layout) = Layout::of(hook, target.facts, of.length) else { continue };
            let place = GivenPlace { path, number, edit, hook, units: &units, layout, positions: &groups };
            match written.given {
                None => edits.push(given::placeholder(&place)),
                Some(taken) => {
                    edits.extend(taken.edits(variation, &place, given, (written.prompt, written.other), context)?)
                }
            }
        }
        // What does not fit is said where the spec is, before anything is computed.
        if let Some(fault) = edits.iter().find_map(|edit| edit.validate(target.facts, of.length).err()) {
            return Err(context.loaded.refuse(&below("value"), fault.to_string(), None).into());
        }
        return Ok(edits);
    }
    let heads = places::components_at(&below("cut"), &edit.cut, target, context)?;
    if let Some(other) = heads.iter().position(|place| !matches!(place.hook, Hook::Block(_, Site::Z))) {
        let problem = format!(
            "'{}' is not a head, and only attention of heads can be cut; write heads, such as 'L{}H0'",
            heads[other].component(target.facts),
            0
        );
        return Err(context.loaded.refuse(&below("cut"), problem, None).into());
    }
    let edges = edges(&below("to"), &edit.to, positions, of, template, context)?;
    let last_reads = |(queries, keys): &(Positions, Positions)| {
        keys.iter(of.length).min().is_some_and(|key| queries.iter(of.length).max() >= Some(key))
    };
    // Before the first position there is nothing to read, in one model and not in another that begins with a token of its own.
    if edit.to != [PositionName::before()] && !edges.iter().any(last_reads) {
        let problem = format!(
            "nothing is cut: every position of 'to' comes after all of 'positions', which do not read it (template '{template}')"
        );
        let advice = "write positions into 'to' that come before one of 'positions', or are the same".to_string();
        return Err(context.loaded.refuse(&below("to"), problem, Some(advice)).into());
    }
    let mut cut = Vec::new();
    for (hook, heads) in by_hook(in_layer(heads, variation)) {
        let Hook::Block(layer, _) = hook else { continue };
        let edit =
            |(queries, keys): &(Positions, Positions)| Edit::cut(layer, heads.clone(), queries.clone(), keys.clone());
        cut.extend(edges.iter().map(edit));
    }
    Ok(cut)
}

/// The edges that are cut: from which positions to which. The positions `before` differ for each that reads.
fn edges(
    path: &[&str],
    to: &[PositionName],
    queries: Positions,
    of: &TemplatePositions,
    template: &str,
    context: &Context,
) -> Result<Vec<(Positions, Positions)>, Error> {
    if to == [PositionName::before()] {
        let earlier = |query: usize| {
            let keys = Positions::At((0..query).collect());
            (Positions::At(vec![query]), keys)
        };
        return Ok(queries.iter(of.length).map(earlier).collect());
    }
    let keys = places::positions_at(path, to, of, template, context)?;
    Ok(vec![(queries, places::together(&keys))])
}

/// The units of each hook together.
fn by_hook(places: Vec<Component>) -> impl Iterator<Item = (Hook, Units)> {
    let mut hooks: IndexMap<Hook, Option<BTreeSet<usize>>> = IndexMap::new();
    for Component { hook, unit } in places {
        let units = hooks.entry(hook).or_insert_with(|| Some(BTreeSet::new()));
        match (unit, units.as_mut()) {
            (Some(unit), Some(units)) => {
                units.insert(unit);
            }
            _ => *units = None,
        }
    }
    hooks
        .into_iter()
        .map(|(hook, units)| (hook, units.map_or(Units::All, |units| Units::Of(units.into_iter().collect()))))
}

/// The keys of an edit that change something only beside others.
pub fn dependent_keys(edit: &EditSpec) -> Vec<DependentKey> {
    let (of_site, of_attention) = (edit.site.is_some(), !edit.cut.is_empty());
    let advice = "leave it out, or write site = \"…\" in place of 'cut'";
    // An edit of nothing is refused as such.
    let site = of_site || !of_attention;
    let to = edit.to != [PositionName::all()];
    vec![
        DependentKey::new("to", to, of_attention || !of_site, "leave it out, or write cut = [\"L0H1\"]"),
        DependentKey::new("value", edit.value != EditValue::default(), site, advice),
        DependentKey::new("strength", edit.strength != 1.0, site, advice),
        DependentKey::new("add", edit.add, site, advice),
    ]
}
