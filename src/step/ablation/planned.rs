//! The ablations as far as they are known before the rows that name their components are there, for the plan.

use super::circuits::{check_k, further};
use super::sets::UnitSet;
use crate::Error;
use crate::context::Context;
use crate::intervene::Layout;
use crate::measure::Property;
use crate::model::ModelName;
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};
use crate::spec::step::{Ablation, AblationMode, Ranked};
use crate::step::dry_ranking::{self, RankingReader};
use crate::step::kind;
use crate::step::places::{self, Component};
use crate::step::{Scope, model_run};

/// What each run of a prompt ablates, at most.
///
/// # Errors
/// Components that the model does not have, at their place in the spec.
pub fn ablated(step: &Ablation, facts: &Facts, context: &Context) -> Result<Vec<UnitSet>, Error> {
    let target = Scope::planned(facts);
    let (named, among) = Error::both(
        places::components(&step.name, "components", &step.components, target, context),
        places::components(&step.name, "among", &step.among, target, context),
    )?;
    let among = UnitSet::of(&among, facts);
    if step.mode == AblationMode::Keep {
        check_kept(step, &among, target, context)?;
    }
    let circuits: Vec<UnitSet> = match &step.ranked {
        Some(ranked) => {
            let others = others(ranked, &named, &among, facts, context);
            let circuit = |&k: &usize| UnitSet::of(named.iter().chain(best(&others, k, ranked.per_layer)), facts);
            ranked.k.iter().map(circuit).collect()
        }
        None => vec![UnitSet::of(&named, facts)],
    };
    let empty = step.measures.iter().any(|measure| measure.has(Property::EmptyRun)).then(|| among.clone());
    let of = |circuit: UnitSet| match step.mode {
        AblationMode::Keep => among.without(&circuit),
        // How many the rows name is not known.
        AblationMode::Ablate if !step.listed.is_empty() => UnitSet::all(facts),
        AblationMode::Ablate => circuit,
    };
    let within = (step.mode == AblationMode::Keep).then_some(&among);
    let with_controls = |circuit: UnitSet| {
        let is_free = !step.listed.is_empty() || circuit.others(within).any(|(_, others)| others > 0);
        let drawn = if is_free { circuit.controls(step.control, within, None) } else { Vec::new() };
        std::iter::once(circuit).chain(drawn).map(of).collect::<Vec<UnitSet>>()
    };
    Ok(circuits.into_iter().flat_map(with_controls).chain(empty).collect())
}

/// Refuses rankings that will have no components, or fewer than a k, as far as that shows before their rows are there.
///
/// # Errors
/// That, at its place in the spec.
pub fn check(step: &Ablation, name: &ModelName, facts: &Facts, template: &str, context: &Context) -> Result<(), Error> {
    let groups = &model_run::groups(step, context)?;
    let reader = RankingReader { name, facts, template, groups };
    for (number, listed) in step.listed.iter().enumerate() {
        dry_ranking::ranked(&listed.into(), &["step", &step.name, "listed", &number.to_string()], reader, context)?;
    }
    let Some(ranked) = &step.ranked else { return Ok(()) };
    let target = Scope::planned(facts);
    // Which of them `listed` names besides is not known.
    let named = UnitSet::of(&places::components(&step.name, "components", &step.components, target, context)?, facts);
    let universe = UnitSet::of(&places::components(&step.name, "among", &step.among, target, context)?, facts);
    let among = (step.mode == AblationMode::Keep).then_some(&universe);
    for effects in dry_ranking::ranked(&ranked.into(), &["step", &step.name, "ranked"], reader, context)? {
        let further = further(&effects, ranked, named.clone(), among, facts);
        check_k(ranked, effects.len(), &further, step, context)?;
    }
    Ok(())
}

/// The components that a ranking may have, in an order in which neighbours lie in different layers, as in rankings.
fn others(ranked: &Ranked, named: &[Component], among: &UnitSet, facts: &Facts, context: &Context) -> Vec<Component> {
    let from = ranked.from.split('.').next().unwrap_or_default();
    let written = kind::patched_places(from, context.loaded);
    let heads = written.is_some_and(|written| written.sites.iter().any(|site| site.text().contains("[head]")));
    let (site, units) = if heads { (Site::Z, facts.n_heads) } else { (Site::MlpPost, facts.d_mlp) };
    let named = UnitSet::of(named, facts);
    let mut places: Vec<Component> = (0..facts.n_layers)
        .flat_map(|layer| (0..units).map(move |unit| Component { hook: Hook::Block(layer, site), unit: Some(unit) }))
        .filter(|&place| Layout::of(place.hook, facts, 1).is_some() && among.meets(place) && !named.meets(place))
        .collect();
    let mut scattered: Vec<(u64, Component)> =
        places.drain(..).enumerate().map(|(index, place)| (scatter(index), place)).collect();
    scattered.sort_by_key(|&(key, _)| key);
    scattered.into_iter().map(|(_, place)| place).collect()
}

/// A number that orders indices without a pattern, always in the same way.
fn scatter(index: usize) -> u64 {
    (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The first k, or the first k of each layer.
fn best(places: &[Component], k: usize, per_layer: bool) -> impl Iterator<Item = &Component> {
    let mut taken = std::collections::HashMap::new();
    places.iter().filter(move |place| {
        let count = taken.entry(place.layer().filter(|_| per_layer)).or_insert(0);
        *count += 1;
        *count <= k
    })
}

/// Refuses components that are kept and would not be ablated anyway.
fn check_kept(step: &Ablation, among: &UnitSet, target: Scope, context: &Context) -> Result<(), Error> {
    for (index, text) in step.components.iter().enumerate() {
        let places = places::components(&step.name, "components", std::slice::from_ref(text), target, context)?;
        if !places.into_iter().any(|place| among.meets(place)) {
            let problem = format!("'{text}' is never ablated, because it is not in 'among'");
            let advice = "leave it out, or add it to 'among'".to_string();
            let path = ["step", &step.name, "components", &index.to_string()];
            return Err(context.loaded.refuse(&path, problem, Some(advice)).into());
        }
    }
    Ok(())
}
