//! Step `intervention`: edits written out, made together, on pairs of prompts.

use super::pairing::{Pairs, pair_rows};
use super::patching::Runs;
use super::places::{self, Place};
use super::replays;
use super::subject::{self, Cell, Subject};
use super::summary::Values;
use super::{Context, Outcome, Target};
use crate::Error;
use crate::intervene::{Change, Edit, Positions as Where, Row, Units, Value, Wanted};
use crate::model::hook::{Hook, Site};
use crate::plan::{Survey, Workload};
use crate::prompt::{Positions, Prompt};
use crate::spec::step::{Direction, EditSpec, EditValue, Intervention};
use crate::spec::{Loaded, PositionName, SpecErrors};
use indexmap::IndexMap;
use polars::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Runs the step on each of its models.
pub(super) fn run(step: &Intervention, context: &Context) -> Result<Outcome, Error> {
    subject::each(step, context, |subject, outcome| {
        let cells =
            subject.cells().map_err(|error| context.refuse_prompts(step.prompts.as_deref(), &subject.name, error))?;
        cells.iter().try_for_each(|cell| intervene(step, cell, subject, context, outcome))
    })
}

/// Its frames without rows.
pub(super) fn empty_frames(step: &Intervention) -> PolarsResult<Vec<(String, DataFrame)>> {
    let mut frames = Outcome::empty_values(&step.name, &keys(&[])?, step.per_prompt)?;
    let mut pairs = Outcome::default();
    let labels = super::accuracy::Labels { model: "", checkpoint: "" };
    pairs.add_rows(&format!("{}.pairs", step.name), labels, pair_rows("", &[], &[]))?;
    frames.extend(pairs.frames);
    Ok(frames)
}

/// What is wrong with it that its schema can not say: an edit that is of an activation and of attention, or of neither.
pub(super) fn check(step: &Intervention, loaded: &Loaded) -> Result<(), SpecErrors> {
    for intervention in &step.interventions {
        for (number, edit) in intervention.edits.iter().enumerate() {
            let number = number.to_string();
            let path = ["step", &step.name, "interventions", &intervention.name, "edits", &number];
            let refuse = |problem: &str, advice: &str| Err(loaded.refuse(&path, problem, Some(advice.to_string())));
            match (&edit.site, edit.cut.is_empty()) {
                (Some(_), false) => return refuse("an edit of a site and of attention", "write two edits"),
                (None, true) => return refuse("an edit of nothing", "write site = \"…\" or cut = [\"L0H1\"]"),
                _ => {}
            }
        }
    }
    Ok(())
}

/// What it would compute.
pub(super) fn workload(step: &Intervention, survey: &Survey, context: &Context) -> Result<Workload, Error> {
    let facts = &survey.sketch.card.facts;
    let mut whole = Workload::default();
    for cell in &survey.cells {
        let length = cell.positions.length;
        let target = Target::planned(facts);
        let all = resolve(step, target, &cell.positions, &cell.template, context)?;
        let replay = Workload::replay(all.iter().map(|edits| &edits[..]), cell.prompts, length, facts, survey.memory);
        let runs = Workload::forwards(2 * cell.prompts + cell.asked, length, facts);
        whole = whole.and(replay.and(runs, facts), facts);
    }
    Ok(whole)
}

/// The key column: `intervention`.
fn keys(step: &[&str]) -> PolarsResult<DataFrame> {
    df!("intervention" => step)
}

fn intervene(
    step: &Intervention,
    cell: &Cell,
    subject: &Subject,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let (name, facts) = (step.name.as_str(), subject.model.facts());
    let target = Target::of(subject, &cell.template);
    let all = resolve(step, target, &cell.positions, &cell.template, context)?;
    let pairs = Pairs::draw(cell, subject, &step.counterfactual, step, context)?;
    pairs.record(name, cell, subject, outcome)?;
    let edited: Wanted = all
        .iter()
        .flat_map(|edits| edits.iter())
        .filter(|edit| !matches!(edit.change, Change::Cut { .. }))
        .map(|edit| (edit.hook, Where::All))
        .collect();

    let prompts: Vec<&Prompt> = pairs.clean.iter().map(|&index| cell.prompts[index]).collect();
    let total = all.len() * prompts.len();
    let task = context.progress.begin(&format!("{name}: {}", subject.name), total as u64, "rows");
    let block = replays::prompts_at_once(context, facts, cell.positions.length, &edited, (2, all.len()));
    let divided = subject.divided(name, &cell.template, replays::parts(prompts.len(), block), context);
    let data = divided.values(step.measures.len(), (&task, all.len()), outcome, |range, checks| {
        let (cell, pairs) = pairs.part(range, cell);
        let runs = Runs::of(&step.measures, Direction::Noising, &cell, &pairs, &edited, subject, context)?;
        let rows: Vec<Row> = all.iter().flat_map(|edits| pairs.rows(Direction::Noising, edits.clone())).collect();
        let readouts = runs.read(name, &rows, (context, &task), subject, checks)?;
        Ok(runs.effects(&step.measures, &readouts))
    })?;

    let names: Vec<&str> = step.interventions.iter().map(|intervention| intervention.name.as_str()).collect();
    let measures: Vec<&'static str> = step.measures.iter().map(|measure| measure.name()).collect();
    let values = Values { keys: &keys(&names)?, measures: &measures, prompts: &prompts, data: &data };
    outcome.add_values(name, subject.labels(), &cell.template, &values, step.bootstrap, step.per_prompt)?;
    Ok(())
}

/// The edits of each intervention.
fn resolve(
    step: &Intervention,
    target: Target,
    of: &Positions,
    template: &str,
    context: &Context,
) -> Result<Vec<Arc<[Edit]>>, Error> {
    let mut all = Vec::with_capacity(step.interventions.len());
    for intervention in &step.interventions {
        let mut edits = Vec::new();
        for (number, edit) in intervention.edits.iter().enumerate() {
            let number = number.to_string();
            let path = ["step", step.name.as_str(), "interventions", intervention.name.as_str(), "edits", &number];
            edits.extend(resolve_edit(&path, edit, target, of, template, context)?);
        }
        all.push(Arc::from(edits));
    }
    Ok(all)
}

/// One edit of the spec, as an edit of each hook that it is of.
fn resolve_edit(
    path: &[&str],
    edit: &EditSpec,
    target: Target,
    of: &Positions,
    template: &str,
    context: &Context,
) -> Result<Vec<Edit>, Error> {
    let below = |key: &'static str| [path, &[key]].concat();
    let positions = places::positions_at(&below("positions"), &edit.positions, of, template, context)?;
    let positions = places::together(&positions);
    if let Some(site) = &edit.site {
        let places = places::site(&below("site"), site, target, of.length, context)?;
        let value = match edit.value {
            EditValue::Counterfactual => Value::Source,
            EditValue::Constant(constant) => Value::Constant(constant),
        };
        let change = match edit.add {
            true => Change::Add { value, strength: edit.strength },
            false => Change::Replace { value, strength: edit.strength },
        };
        let edit = |(hook, units)| Edit { hook, positions: positions.clone(), units, change: change.clone() };
        return Ok(by_hook(places).map(edit).collect());
    }
    let heads = places::components_at(&below("cut"), &edit.cut, target, context)?;
    if let Some(other) = heads.iter().position(|place| !matches!(place.hook, Hook::Block(_, Site::Z))) {
        let problem =
            format!("'{}' has no attention; write heads, such as 'L{}H0'", heads[other].component(target.facts), 0);
        return Err(context.loaded.refuse(&below("cut"), problem, None).into());
    }
    let edges = edges(&below("to"), &edit.to, positions, of, template, context)?;
    let mut cut = Vec::new();
    for (hook, heads) in by_hook(heads) {
        let Hook::Block(layer, _) = hook else { continue };
        let edit = |(queries, keys): &(Where, Where)| Edit::cut(layer, heads.clone(), queries.clone(), keys.clone());
        cut.extend(edges.iter().map(edit));
    }
    Ok(cut)
}

/// The edges that are cut: from which positions to which. The positions `before` differ for each that reads.
fn edges(
    path: &[&str],
    to: &[PositionName],
    queries: Where,
    of: &Positions,
    template: &str,
    context: &Context,
) -> Result<Vec<(Where, Where)>, Error> {
    if to == [PositionName::before()] {
        let earlier = |query: usize| {
            let keys = Where::At((0..query).collect());
            (Where::At(vec![query]), keys)
        };
        return Ok(queries.iter(of.length).map(earlier).collect());
    }
    let keys = places::positions_at(path, to, of, template, context)?;
    Ok(vec![(queries, places::together(&keys))])
}

/// The units of each hook together.
fn by_hook(places: Vec<Place>) -> impl Iterator<Item = (Hook, Units)> {
    let mut hooks: IndexMap<Hook, Option<BTreeSet<usize>>> = IndexMap::new();
    for Place { hook, unit } in places {
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
