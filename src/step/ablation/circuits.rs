//! Which components are named, for each k and, where each group has its own, each group.

use super::sets::UnitSet;
use crate::Error;
use crate::context::Context;
use crate::counted::{agreeing, counted};
use crate::model::facts::Facts;
use crate::prompt::PromptGroup;
use crate::spec::step::{Ablation, AblationMode, Listed, Ranked};
use crate::step::labels::RunLabels;
use crate::step::places::{self, Component};
use crate::step::ranking::{self, Of, Ranking};
use crate::step::{ModelRun, Scope, TemplateBatch};
use crate::table::{Holds, rows};
use polars::prelude::{DataFrame, PolarsResult};
use std::collections::HashMap;

/// The ablations on prompts of one group, or of all.
pub struct Circuits {
    /// The group; `None` where all have the same.
    pub group: Option<PromptGroup>,
    /// One for each k; without `ranked`, one.
    pub circuits: Vec<Circuit>,
    /// What the empty circuit ablates.
    pub empty: UnitSet,
}

/// The components that are named: with `keep` the circuit, with `ablate` what is ablated.
pub struct Circuit {
    /// How many are of the ranking; `None` without one.
    pub k: Option<usize>,
    /// The components.
    pub members: Vec<Member>,
    /// What is ablated.
    pub ablated: UnitSet,
    /// What is ablated of random sets in place of the members.
    pub controls: Vec<UnitSet>,
    /// Whether any of those can be other than the members.
    pub is_free: bool,
    /// Whether a hook, and which not all of is named, has fewer others than are named.
    pub is_short: bool,
}

/// A component that is named.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// The component.
    pub place: Component,
    /// Its rank, from 1, among those of the ranking that are not named otherwise; `None` for one of `components` or `listed`.
    pub rank: Option<usize>,
    /// What it is ranked by.
    pub effect: Option<f64>,
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

/// The circuits of a step on the prompts of a cell: one for all groups, or one for each of `groups`.
///
/// # Errors
/// Components that the model does not have, and a ranking that cannot be had, at their place in the spec.
pub fn circuits(
    step: &Ablation,
    groups: &[PromptGroup],
    cell: &TemplateBatch,
    subject: &ModelRun,
    context: &Context,
) -> Result<Vec<Circuits>, Error> {
    let facts = subject.model.facts();
    let target = Scope::of(subject, &cell.template);
    let components = places::components(&step.name, "components", &step.components, target, context)?;
    let universe = UnitSet::of(&places::components(&step.name, "among", &step.among, target, context)?, facts);
    let among = (step.mode == AblationMode::Keep).then_some(&universe);
    let build = |group: Option<&PromptGroup>| -> Result<Circuits, Error> {
        let mut named = UnitSet::default();
        let fixed = components.iter().map(|&place| (place, None)).chain(listed(step, group, cell, subject, context)?);
        let base: Vec<Member> = fixed
            .filter(|&(place, _)| named.add(place, facts))
            .map(|(place, effect)| Member { place, rank: None, effect })
            .collect();
        let mut circuits = Vec::new();
        let mut all = base.clone();
        match &step.ranked {
            None => circuits.push((None, base.clone())),
            Some(ranked) => {
                let path = ["step", step.name.as_str(), "ranked"];
                let group = group.filter(|_| ranked.per_operator);
                let effects = ranking(&ranked.into(), &path, group, cell, subject, context)?;
                let further = further(&effects, ranked, named, among, facts);
                check_k(ranked, effects.len(), &further, step, context)?;
                let top = |k: usize| further.iter().filter(move |member| member.rank.is_some_and(|rank| rank <= k));
                circuits.extend(ranked.k.iter().map(|&k| (Some(k), base.iter().chain(top(k)).copied().collect())));
                all.extend(&further);
            }
        }
        let ablated = |named: UnitSet| match among {
            Some(among) => among.without(&named),
            None => named,
        };
        let circuit = |(k, members): (Option<usize>, Vec<Member>)| {
            let named = UnitSet::of(members.iter().map(|member| &member.place), facts);
            let controls = named.controls(step.control, among, group);
            let others: Vec<(usize, usize)> = named.others(among).collect();
            let is_free = others.iter().any(|(_, others)| *others > 0);
            let is_short = others.iter().any(|(named, others)| *others > 0 && others < named);
            let controls = controls.into_iter().map(ablated).collect();
            Circuit { k, ablated: ablated(named), members, controls, is_free, is_short }
        };
        // With `ablate`, components may be named that are not among those.
        let mut empty = universe.clone();
        if among.is_none() {
            all.iter().for_each(|member| {
                empty.add(member.place, facts);
            });
        }
        Ok(Circuits { group: group.cloned(), empty, circuits: circuits.into_iter().map(circuit).collect() })
    };
    let per_operator = step.ranked.iter().map(|ranked| ranked.per_operator);
    match per_operator.chain(step.listed.iter().map(|listed| listed.per_operator)).any(|own| own) {
        true => groups.iter().map(|group| build(Some(group))).collect(),
        false => Ok(vec![build(None)?]),
    }
}

/// What rows of earlier steps say of components.
fn ranking(
    ranking: &Ranking,
    path: &[&str],
    group: Option<&PromptGroup>,
    cell: &TemplateBatch,
    subject: &ModelRun,
    context: &Context,
) -> Result<Vec<ranking::Effect>, Error> {
    let refused = |fault| Error::from(ranking::refused(path, fault, context.loaded));
    let rows = context.frames.get(ranking.from).map_err(|problem| refused(ranking::fault("from", problem)))?;
    let RunLabels { model, checkpoint } = subject.labels();
    let group = group.map(PromptGroup::label);
    let of = Of { model, checkpoint: Some(checkpoint), template: &cell.template, group };
    ranking::rank(ranking, rows, of, Some(subject.model.facts())).map_err(refused)
}

/// The components of `listed`, in its order.
fn listed(
    step: &Ablation,
    group: Option<&PromptGroup>,
    cell: &TemplateBatch,
    subject: &ModelRun,
    context: &Context,
) -> Result<Vec<ranking::Effect>, Error> {
    let mut all = Vec::new();
    for (number, listed) in step.listed.iter().enumerate() {
        let number = number.to_string();
        let path = ["step", step.name.as_str(), "listed", &number];
        let group = group.filter(|_| listed.per_operator);
        let effects = ranking(&listed.into(), &path, group, cell, subject, context)?;
        all.extend(
            ranking::top(&effects, listed.per_layer, |count| taken(listed, count)).into_iter().map(|(_, one)| one),
        );
    }
    Ok(all)
}

/// How many of `count` components a listing takes.
fn taken(listed: &Listed, count: usize) -> usize {
    let share = listed.share.map(|share| ((share * count as f64).round() as usize).max(1));
    listed.top.or(share).unwrap_or(count)
}

/// The ranking without what is named already and, with `keep`, without what is never ablated; ranks count from 1 over all or
/// within each layer.
pub(super) fn further(
    effects: &[ranking::Effect],
    ranked: &Ranked,
    mut named: UnitSet,
    among: Option<&UnitSet>,
    facts: &Facts,
) -> Vec<Member> {
    let mut new = |place| among.is_none_or(|among| among.meets(place)) && named.add(place, facts);
    let effects: Vec<ranking::Effect> = effects.iter().copied().filter(|&(place, _)| new(place)).collect();
    let ranks = ranking::top(&effects, ranked.per_layer, |count| count);
    ranks.into_iter().map(|(rank, (place, effect))| Member { place, rank: Some(rank), effect }).collect()
}

/// Refuses a k that is more than there are, of `all` that are ranked; with `per_layer`, than the layer with the fewest has.
pub(super) fn check_k(
    ranked: &Ranked,
    all: usize,
    further: &[Member],
    step: &Ablation,
    context: &Context,
) -> Result<(), Error> {
    let mut counts: HashMap<Option<usize>, usize> = HashMap::new();
    for member in further {
        *counts.entry(member.place.layer().filter(|_| ranked.per_layer)).or_default() += 1;
    }
    let most = counts.values().copied().min().unwrap_or(0);
    let Some(index) = ranked.k.iter().position(|&k| k > most) else { return Ok(()) };
    let k = ranked.k[index];
    if further.is_empty() {
        let (keys, problem, advice): (&[&str], _, _) = match (all, ranked.filter.is_empty()) {
            (0, false) => {
                (&["where"], "no row meets this condition".to_string(), "write a condition that some rows meet")
            }
            (0, true) => {
                (&["from"], "none of its rows is about a component of this model".to_string(), "write another step")
            }
            (all, _) => {
                let outside = if step.mode == AblationMode::Keep { " or not in 'among'" } else { "" };
                let problem = format!(
                    "its {} {} named in 'components' or 'listed'{outside}",
                    counted(all, "component"),
                    agreeing(all, "is", "are all")
                );
                (&["k"], problem, "write k = [0], or name fewer components")
            }
        };
        let problem = format!("k = {k}: '{}' ranks nothing: {problem}", ranked.from);
        let path = [&["step", step.name.as_str(), "ranked"][..], keys].concat();
        return Err(context.loaded.refuse(&path, problem, Some(advice.to_string())).into());
    }
    let already =
        if step.components.is_empty() && step.listed.is_empty() { "" } else { " besides the components named" };
    let each = if ranked.per_layer { " in each layer" } else { "" };
    let problem =
        format!("k = {k}: '{}' ranks {}{each}{already}; write 0 to {most}", ranked.from, counted(most, "component"));
    Err(context.loaded.refuse(&["step", &step.name, "ranked", "k", &index.to_string()], problem, None).into())
}

/// The keys of the step's rows, one for each k.
pub fn keys(all: &[Circuits]) -> PolarsResult<DataFrame> {
    let first = all.first().map_or(&[][..], |circuits| &circuits.circuits);
    let count = |index: usize| {
        let mut counts = all.iter().filter_map(|circuits| circuits.circuits.get(index)).map(|one| one.members.len());
        let first = counts.next()?;
        counts.all(|other| other == first).then_some(first)
    };
    CircuitColumns::frame(first.iter().enumerate().map(|(index, circuit)| (circuit.k, count(index))))
}

/// The rows `NAME.components`, one per circuit and component.
pub fn member_rows(template: &str, all: &[Circuits], facts: &Facts) -> PolarsResult<DataFrame> {
    let each = all.iter().flat_map(|circuits| circuits.circuits.iter().map(move |circuit| (circuits, circuit)));
    MemberColumns::frame(each.flat_map(|(of, circuit)| {
        circuit.members.iter().map(move |member| ((template, of.group.as_ref(), circuit.k), member, facts))
    }))
}

/// Template, group, where each has its own circuits, and k.
type CircuitKey<'r> = (&'r str, Option<&'r PromptGroup>, Option<usize>);

rows! {
    /// What names a circuit.
    pub CircuitColumns((k, components): (Option<usize>, Option<usize>)) {
        k: Option<i64> = *k, "Size of the circuit, as far as it is of a ranking.";
        components: Option<i64> = *components, "How many components are named; null where operators differ in that.";
    }

    /// A component of a circuit.
    pub MemberColumns<'r>(((template, group, k), member, facts): (CircuitKey<'r>, &'r Member, &'r Facts)) {
        template: String = template;
        operator: Option<String> = group.map(PromptGroup::label), "The operator; null where all have the same circuits.";
        k: Option<i64> = *k;
        rank: Option<i64> = member.rank, "Place by effect, from 1; null for what was named without order.";
        component: String = member.place.component(facts);
        layer: Option<i64> = member.place.layer();
        head: Option<i64> = member.place.head();
        neuron: Option<i64> = member.place.neuron();
        effect: Option<f64> = member.effect, "The effect that it was ranked by; null for what was named without order.";
    }
}
