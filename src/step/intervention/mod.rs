//! Step `intervention`: edits written out, made together, on pairs of prompts.

mod edits;
mod reach;
mod values;

use super::model_run::{self, CellRun};
use super::pairing::{self, Other, PromptPairs};
use super::patching::{self, Runs};
use super::summary::MeasuredValues;
use super::{Outcome, RowsInfo, Scope, replays};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::intervene::{Change, Edit, EditedPrompt, HookPositions, Positions};
use crate::measure::Property;
use crate::prompt::{Prompt, PromptGroup};
use crate::spec::step::{Direction, EditValue, Intervention, MeanOperators};
use crate::spec::{Loaded, SpecErrors};
use crate::step::dependent_key::DependentKey;
use crate::step::divided::parts;
use crate::step::kind::Kind;
use crate::table::{Frames, Holds, rows};
use edits::resolve;
use indexmap::IndexSet;
use reach::PromptReach;
use values::{MeanValues, over, placeholder};

impl Kind for Intervention {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each(self, context, |subject, outcome| {
            reach::check_prompts(self, subject, context)?;
            subject.each_cell(self, context, outcome, |run| intervene(self, run))
        })
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        patching::rows::<InterventionColumn>(&self.measures, self.per_prompt)
    }

    fn check(&self, loaded: &Loaded, _frames: &Frames) -> Result<(), SpecErrors> {
        for intervention in &self.interventions {
            for (number, edit) in intervention.edits.iter().enumerate() {
                let number = number.to_string();
                let path = ["step", &self.name, "interventions", &intervention.name, "edits", &number];
                let refuse = |problem: &str, advice: &str| Err(loaded.refuse(&path, problem, Some(advice.to_string())));
                match (&edit.site, edit.cut.is_empty()) {
                    (Some(_), false) => return refuse("an edit of a site and of attention", "write two edits"),
                    (None, true) => return refuse("an edit of nothing", "write site = \"…\" or cut = [\"L0H1\"]"),
                    _ => {}
                }
            }
        }
        reach::check(self, loaded, model_run::set(self.prompts.as_deref(), loaded))
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        let means =
            if self.writes_means() { over(self).foresee(survey, context)? } else { vec![0; survey.cells.len()] };
        pairing::foresee(&self.counterfactual, self, survey, context)?;
        let mut whole = Workload::default();
        for (cell, means) in survey.cells.iter().zip(means) {
            let length = cell.positions.length;
            let target = Scope::planned(facts);
            let all = resolve(self, target, cell.at(), context, &placeholder)?;
            // An edit that is of some prompts alone is counted for all.
            let all: Vec<Vec<Edit>> =
                all.into_iter().map(|edits| edits.into_iter().map(|(_, edit)| edit).collect()).collect();
            let replay =
                Workload::replay(all.iter().map(|edits| &edits[..]), cell.prompts, length, facts, survey.memory);
            let runs = Workload::forwards(2 * cell.prompts + means, length, facts);
            whole = whole.and(replay.measured(self.measures.len(), self.bootstrap).and(runs));
        }
        Ok(Some(whole))
    }

    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        let edits =
            || self.interventions.iter().flat_map(|one| one.edits.iter().enumerate().map(move |edit| (one, edit)));
        let means = edits().any(|(_, (_, edit))| edit.value == EditValue::Mean);
        let mut keys =
            vec![DependentKey::mean(&self.mean, means, "leave it out, or write value = \"mean\" in an edit")];
        for (intervention, (number, edit)) in edits() {
            let number = number.to_string();
            let path = ["interventions", intervention.name.as_str(), "edits", &number];
            keys.extend(edits::dependent_keys(edit).into_iter().map(|key| key.below(&path)));
        }
        keys
    }
}

/// What it reads of the other prompt of each pair: edits that write its values, and measures that compare with it.
fn reads(step: &Intervention) -> Other {
    let edits = || step.interventions.iter().flat_map(|one| &one.edits);
    let reads_values = edits().any(|edit| edit.site.is_some() && edit.value == EditValue::Counterfactual);
    let any = |property| step.measures.iter().any(|measure| measure.has(property));
    match (reads_values || any(Property::OtherRun), any(Property::OtherAnswer)) {
        (true, true) => Other::RunAndAnswer,
        (true, false) => Other::Run,
        (false, true) => Other::Answer,
        (false, false) => Other::Nothing,
    }
}

rows! {
    /// What names an intervention.
    InterventionColumn<'r>(name: &'r str) {
        intervention: String = name, "Name of the intervention.";
    }
}

fn intervene(step: &Intervention, CellRun { cell, subject, context, outcome }: CellRun) -> Result<(), Error> {
    let (name, facts) = (step.name.as_str(), subject.model.facts());
    let target = Scope::of(subject, &cell.template);
    let at = cell.at();
    let planned = resolve(step, target, at, context, &placeholder)?;
    let edited: HookPositions = planned
        .iter()
        .flat_map(|edits| edits.iter().map(|(_, edit)| edit))
        .filter(|edit| !matches!(edit.change, Change::Cut { .. }))
        .map(|edit| (edit.hook, Positions::All))
        .collect();
    let means = MeanValues::take(step, (target, at), cell, subject, context, outcome)?;
    // Prompts of all groups are edited alike, unless each group has means of its own.
    let apart = !means.is_empty() && step.mean.operators == MeanOperators::Same;
    let mut groups: IndexSet<&PromptGroup> = cell.prompts.iter().map(|prompt| &prompt.group).collect();
    groups.truncate(if apart { groups.len() } else { 1 });
    let arms: Vec<Vec<Vec<(usize, Edit)>>> = groups
        .iter()
        .map(|group| resolve(step, target, at, context, &means.of(group, over(step), context)))
        .collect::<Result<_, Error>>()?;
    let arm = |prompt: &Prompt| groups.get_index_of(&prompt.group).unwrap_or(0);
    let pairs = PromptPairs::draw_if_read(reads(step), (cell, subject), &step.counterfactual, step, context)?;
    pairs.record(name, cell, subject, outcome)?;

    let prompts: Vec<&Prompt> = pairs.clean.iter().map(|&index| cell.prompts[index]).collect();
    let edits = PromptReach::of(step, &prompts, context)?
        .edits(prompts.len(), |number, prompt| &arms[arm(prompts[prompt])][number]);
    let total = planned.len() * prompts.len();
    let task = context.progress.begin(&format!("{name}: {}", subject.name), total as u64, "rows");
    let block = replays::prompts_at_once(context, facts, cell.positions.length, &edited, (2, planned.len()));
    let divided = subject.divided(name, &cell.template, parts(prompts.len(), block), context);
    let data = divided.values(step.measures.len(), (&task, planned.len()), outcome, |range, checks| {
        let first = range.start;
        let (cell, pairs) = pairs.part(range, cell);
        let runs = Runs::of(&step.measures, Direction::Noising, &cell, &pairs, &edited, subject, context)?;
        let edits = &edits;
        let each = |number: usize| pairs.rows(Direction::Noising, move |clean| edits[number][first + clean].clone());
        let rows: Vec<EditedPrompt> = (0..planned.len()).flat_map(each).collect();
        let readouts = runs.read(name, &rows, (context, &task), subject, checks)?;
        Ok(runs.unpatched_and_effects(&step.measures, &readouts))
    })?;

    let measures: Vec<&'static str> = step.measures.iter().map(|measure| measure.name()).collect();
    let (baseline, data) = data.split_at(prompts.len() * measures.len());
    let names = step.interventions.iter().map(|intervention| intervention.name.as_str());
    let keys = InterventionColumn::frame(names)?;
    let values = MeasuredValues { keys: &keys, measures: &measures, prompts: &prompts, data, baseline: Some(baseline) };
    outcome.add_values(name, subject.labels(), &cell.template, &values, step.bootstrap, step.per_prompt)?;
    Ok(())
}
