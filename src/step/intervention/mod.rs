//! Step `intervention`: edits written out, made together, on pairs of prompts.

pub(super) mod edits;
mod given;
mod random_units;
pub(super) mod reach;
mod tensor;
mod values;
pub(super) mod variations;

use super::foreseen_pairs::{self, TakenPairs};
use super::inference::Inference;
use super::model_run::{self, CellRun, ModelRun, TemplateBatch};
use super::pairing::{Other, PromptPairs};
use super::patching::{self, Runs};
use super::summary::MeasuredValues;
use super::{Outcome, RowsInfo, Scope, replays};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::intervene::{Change, Edit, EditedPrompt, HookPositions, Positions};
use crate::measure::Property;
use crate::prompt::{Prompt, PromptGroup};
use crate::spec::step::{Direction, EditSpec, EditValue, GivenUse, GivenValue, Intervention, MeanOperators, Placebos};
use crate::spec::{Loaded, SpecErrors};
use crate::step::dependent_key::DependentKey;
use crate::step::divided::parts;
use crate::step::kind::Kind;
use crate::table::{Frames, Holds};
use edits::{Written, resolve};
pub(super) use given::GivenValues;
use indexmap::IndexSet;
use reach::PromptReach;
use std::sync::Arc;
pub(super) use values::{MeanValues, over, placeholder};
use variations::variations;

pub use reach::check_prompts;
pub use variations::{InterventionColumns, Variation, VariationKey, columns_left_out, over_seeds};

impl Kind for Intervention {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each(self, context, |subject, outcome| {
            reach::check_prompts(self, subject, context)?;
            subject.each_cell(self, context, outcome, |run| intervene(self, run))
        })
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let rows = patching::rows::<InterventionColumns>(&self.measures, self.per_prompt);
        let without = |rows: RowsInfo| columns_left_out(self).into_iter().fold(rows, RowsInfo::without);
        let inference = Inference::from((self.bootstrap, self.test, self.correction));
        inference.declare(rows.into_iter().map(without).collect(), false)
    }

    fn check(&self, loaded: &Loaded, _frames: &Frames) -> Result<(), SpecErrors> {
        for intervention in &self.interventions {
            for (number, edit) in intervention.edits.iter().enumerate() {
                let number = number.to_string();
                let path = ["step", &self.name, "interventions", &intervention.name, "edits", &number];
                let refuse = |problem: &str, advice: &str| Err(loaded.refuse(&path, problem, Some(advice.to_string())));
                match (&edit.site, edit.cut.is_empty()) {
                    (Some(_), false) => return refuse("an edit cannot have both 'site' and 'cut'", "write two edits"),
                    (None, true) => {
                        return refuse(
                            "this edit does not say what it changes",
                            "write site = \"…\", or cut = [\"L0H1\"]",
                        );
                    }
                    _ => {}
                }
            }
        }
        given::check(self, loaded)?;
        reach::check(self, loaded, model_run::set(self.prompts.as_deref(), loaded))
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        let means =
            if self.writes_means() { over(self).foresee(survey, context)? } else { vec![0; survey.cells.len()] };
        foreseen_pairs::foresee(&self.counterfactual, TakenPairs::IfRead(reads(self)), self, survey, context)?;
        let mut whole = Workload::default();
        for (cell, means) in survey.cells.iter().zip(means) {
            let length = cell.positions.length;
            let target = Scope::planned(facts);
            let variations = variations(self, target, context)?;
            let written = Written { values: &placeholder, given: None, prompt: None, other: None };
            let all = resolve(self, &variations, target, cell.at(), context, written)?;
            // An edit that is of some prompts alone is counted for all.
            let all: Vec<Vec<Edit>> =
                all.into_iter().map(|edits| edits.into_iter().map(|(_, edit)| edit).collect()).collect();
            let replay =
                Workload::replay(all.iter().map(|edits| &edits[..]), cell.prompts, length, facts, survey.memory);
            let runs = Workload::forwards(2 * cell.prompts + means, length, facts).passing(1);
            let replays = cell.replays(self.measures.iter().any(|measure| measure.has(Property::Sequence)));
            let replay = replay.times(replays).measured(self.measures.len(), self.bootstrap);
            whole = whole.and(replay.and(runs.times(replays)));
        }
        Ok(Some(whole))
    }

    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        let mut keys = edit_keys(self);
        keys.push(DependentKey::correction(self.correction, self.test));
        for one in &self.interventions {
            for (number, edit) in one.edits.iter().enumerate() {
                let advice = "leave it out; only steps of kind \"generate\" write new tokens";
                let path = ["interventions", one.name.as_str(), "edits", &number.to_string()];
                keys.push(DependentKey::new("tokens", edit.tokens.is_some(), false, advice).below(&path));
            }
        }
        keys
    }
}

/// The keys of edits, and of what they write, that change something only beside others.
pub(super) fn edit_keys(step: &Intervention) -> Vec<DependentKey> {
    let edits = || step.interventions.iter().flat_map(|one| one.edits.iter().enumerate().map(move |edit| (one, edit)));
    let means = edits().any(|(_, (_, edit))| edit.value == EditValue::Mean);
    let mut keys = vec![DependentKey::mean(&step.mean, means, "leave it out, or write value = \"mean\" in an edit")];
    let placebos = step.interventions.iter().any(|named| named.has_placebos() || named.names_units());
    let set = step.control.as_ref().is_some_and(|control| *control != Placebos::default());
    let advice =
        "leave it out: no edit writes a direction, or names heads or neurons, for which a control could be drawn";
    keys.push(DependentKey::new("control", set, placebos, advice));
    for intervention in &step.interventions {
        let sites = intervention.edits.iter().any(|edit| edit.site.is_some());
        let advice = "leave it out: a cut edge has no strength";
        let strengths = DependentKey::new("strengths", !intervention.strengths.is_empty(), sites, advice);
        keys.push(strengths.below(&["interventions", intervention.name.as_str()]));
    }
    for (intervention, (number, edit)) in edits() {
        let number = number.to_string();
        let path = ["interventions", intervention.name.as_str(), "edits", &number];
        keys.extend(edits::dependent_keys(edit).into_iter().map(|key| key.below(&path)));
    }
    keys
}

/// What it reads of the other prompt of each pair: edits that write its values, and measures that compare with it.
pub(super) fn reads(step: &Intervention) -> Other {
    let edits = || step.interventions.iter().flat_map(|one| &one.edits);
    let interchanged = |edit: &EditSpec| {
        edit.value.given().and_then(|given| given.says()).is_some_and(|(_, used)| used == GivenUse::Interchange)
    };
    let other_values = |edit: &EditSpec| edit.value == EditValue::Counterfactual || interchanged(edit);
    // A class that the other prompt names is none of its values, but there is none without such a prompt.
    let names_class = |edit: &EditSpec| edit.value.given().is_some_and(|given| given.class_of.is_some());
    let reads_values = edits().any(|edit| edit.site.is_some() && (other_values(edit) || names_class(edit)));
    let any = |property| step.measures.iter().any(|measure| measure.has(property));
    Other::of(reads_values || any(Property::OtherRun), any(Property::OtherAnswer))
}

/// How many runs of each prompt a step's edits are.
///
/// # Errors
/// Layers that the model has not, at their place in the spec.
pub fn edited_runs(step: &Intervention, target: Scope, context: &Context) -> Result<usize, Error> {
    Ok(variations(step, target, context)?.len())
}

/// What a step edits in the prompts of one cell.
pub struct EditedCell {
    /// The hooks whose values are written or read.
    pub hooks: HookPositions,
    /// The prompts that are edited, and the others that values come from.
    pub pairs: PromptPairs,
    /// The ways in which the step's interventions are made.
    pub variations: Vec<Variation>,
    /// The edits of each of them on each prompt, `[variation][pair]`.
    pub edits: Vec<Vec<Arc<[Edit]>>>,
}

/// Resolves the edits of a step on the prompts of one cell, takes the means that they write, and draws the other prompts.
///
/// # Errors
/// Edits that the model cannot have, prompts that cannot be had, and Ctrl-C.
pub fn edited(
    step: &Intervention,
    cell: &TemplateBatch,
    subject: &ModelRun,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<EditedCell, Error> {
    let name = step.name.as_str();
    let target = Scope::of(subject, &cell.template);
    let at = cell.at();
    let variations = variations(step, target, context)?;
    let planned = resolve(
        step,
        &variations,
        target,
        at,
        context,
        Written { values: &placeholder, given: None, prompt: None, other: None },
    )?;
    let edited: HookPositions = planned
        .iter()
        .flat_map(|edits| edits.iter().map(|(_, edit)| edit))
        .filter(|edit| !matches!(edit.change, Change::Cut { .. }))
        .map(|edit| (edit.hook, Positions::All))
        .collect();
    let means = MeanValues::take((step, &variations), (target, at), cell, subject, context, outcome)?;
    let given = GivenValues::take(step, &cell.template, subject, context)?;
    // Prompts of all groups are edited alike, unless each group has means of its own.
    let apart = !means.is_empty() && step.mean.operators == MeanOperators::Same;
    let mut groups: IndexSet<&PromptGroup> = cell.prompts.iter().map(|prompt| &prompt.group).collect();
    groups.truncate(if apart { groups.len() } else { 1 });
    let pairs = PromptPairs::draw_if_read(reads(step), (cell, subject), &step.counterfactual, step, context)?;
    pairs.record(name, cell, subject, outcome)?;
    let prompts: Vec<&Prompt> = pairs.clean.iter().map(|&index| cell.prompts[index]).collect();
    // Each prompt has noise of its own, and each pair a class.
    let mut given_values = step.interventions.iter().flat_map(|one| &one.edits).filter_map(|edit| edit.value.given());
    let apiece = given_values.any(GivenValue::is_of_prompt);
    let each: Vec<(&PromptGroup, Option<(&Prompt, &Prompt)>)> = match apiece {
        false => groups.iter().map(|&group| (group, None)).collect(),
        true => {
            let others = pairs.other.iter().map(|&other| &pairs.others[other]);
            prompts.iter().zip(others).map(|(&prompt, other)| (&prompt.group, Some((prompt, other)))).collect()
        }
    };
    let arms: Vec<Vec<Vec<(usize, Edit)>>> = each
        .into_iter()
        .map(|(group, pair)| {
            let values = means.of(group, over(step), context);
            let (prompt, other) = pair.unzip();
            let written = Written { values: &values, given: Some(&given), prompt, other };
            resolve(step, &variations, target, at, context, written)
        })
        .collect::<Result<_, Error>>()?;
    let arm = |pair: usize| match apiece {
        true => pair,
        false => groups.get_index_of(&prompts[pair].group).unwrap_or(0),
    };
    let edits = PromptReach::of(step, &prompts, context)?
        .edits(&variations, prompts.len(), |number, pair| &arms[arm(pair)][number]);
    Ok(EditedCell { hooks: edited, pairs, variations, edits })
}

impl EditedCell {
    /// What names the interventions in rows, each once for all seeds of its noise.
    pub fn keys(&self, step: &Intervention) -> Vec<VariationKey> {
        self.variations.iter().filter(|variation| variation.seed == 0).map(|variation| variation.key(step)).collect()
    }
}

fn intervene(step: &Intervention, CellRun { cell, subject, context, outcome }: CellRun) -> Result<(), Error> {
    let name = step.name.as_str();
    let edited = self::edited(step, cell, subject, context, outcome)?;
    let named = edited.keys(step);
    let EditedCell { hooks: edited, pairs, variations, edits } = edited;
    let planned = &variations;
    let prompts: Vec<&Prompt> = pairs.clean.iter().map(|&index| cell.prompts[index]).collect();
    let total = planned.len() * prompts.len();
    let task = context.progress.begin(&subject.task_label(name, &cell.template), total as u64, "rows");
    let runs = patching::runs_at_once(&step.measures);
    let block =
        replays::prompts_at_once(context, &subject.model, cell.positions.length, &edited, (runs, planned.len()));
    let divided = subject.divided(name, &cell.template, parts(prompts.len(), block), context);
    let data = divided.values(step.measures.len(), (&task, planned.len()), outcome, |range, checks| {
        let first = range.start;
        let (cell, pairs) = pairs.part(range, cell);
        let runs = Runs::of(&step.measures, Direction::Noising, &cell, &pairs, &edited, subject, context)?;
        let edits = &edits;
        let each = |number: usize| pairs.rows(Direction::Noising, move |clean| edits[number][first + clean].clone());
        let rows: Vec<EditedPrompt> = (0..planned.len()).flat_map(each).collect();
        let width = cell.prompts.len() * step.measures.len();
        let values = runs.unpatched_and_effects(&step.measures, name, &rows, (context, &task), subject, checks)?;
        Ok(over_seeds(&values, &variations, width))
    })?;

    let measures: Vec<&'static str> = step.measures.iter().map(|measure| measure.name()).collect();
    let (baseline, data) = data.split_at(prompts.len() * measures.len());
    let keys = InterventionColumns::frame(named.iter())?.drop_many(columns_left_out(step));
    let values = MeasuredValues { keys: &keys, measures: &measures, prompts: &prompts, data, baseline: Some(baseline) };
    let inference = (step.bootstrap, step.test, step.correction);
    outcome.add_values(name, subject.labels(), &cell.template, &values, inference, step.per_prompt)?;
    Ok(())
}
