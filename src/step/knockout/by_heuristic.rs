//! Step `heuristic-knockout`: all neurons of a heuristic out, and what that does to prompts it holds for and to others (paper
//! §4.2, figure 7).

use super::bag::{self, Bag, Known};
use super::runs::{self, Answers, Job, Knock};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::intervene::Edit;
use crate::measure::{Accuracy, Resamples};
use crate::prompt::{Operator, Prompt, Random};
use crate::spec::Loaded;
use crate::spec::SpecErrors;
use crate::spec::step::HeuristicKnockout;
use crate::spec::step::HeuristicType;
use crate::step::kind::Kind;
use crate::step::labels::Labels;
use crate::step::means::Over;
use crate::step::summary::{BOOTSTRAP_SEED, prompt_columns};
use crate::step::{ModelRun, Outcome, TemplateBatch, model_run, places};
use crate::table::Frames;
use indexmap::IndexMap;
use polars::prelude::*;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// The prompts that a heuristic holds for, and those that it does not.
pub const GROUPS: [&str; 2] = ["related", "unrelated"];

impl Kind for HeuristicKnockout {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each(self, context, |subject, outcome| {
            let refuse = |error| context.refuse_prompts(self.prompts.as_deref(), &subject.name, error);
            subject.cells().map_err(refuse)?.iter().try_for_each(|cell| knock(self, cell, subject, context, outcome))
        })
    }

    fn empty_frames(&self, _frames: &Frames) -> PolarsResult<Vec<(String, DataFrame)>> {
        let mut outcome = Outcome::default();
        record(self, Labels { model: "", checkpoint: "" }, "", &[], &mut outcome)?;
        Ok(outcome.frames)
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        super::check(&self.name, &self.from, loaded, frames)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        let operators = context.prompts(self.prompts.as_deref(), &self.name)?.operators.len().max(1);
        let (each, layers) = bag::expected(&self.from, facts, context);
        let neurons = each * layers.len();
        let means = runs::mean_prompts(self.value, over(self), survey, context)?;
        let mut whole = Workload::default();
        for (cell, means) in survey.cells.iter().zip(means) {
            let length = cell.positions.length;
            let at = places::positions(&self.name, &self.positions, &cell.positions, &cell.template, context)?;
            let own = cell.prompts.div_ceil(operators);
            let heuristics = (neurons / self.at_least.max(1)).min(own);
            let tried = own.min(GROUPS.len() * self.sample * self.seeds.len());
            let edits = runs::largest(&places::together(&at), &layers);
            let rows = operators * heuristics * tried;
            let replay = Workload::replay([&edits[..]].into_iter(), rows, length, facts, survey.memory);
            let forwards = Workload::forwards(cell.prompts + means, length, facts);
            whole = whole.and(replay.and(forwards));
        }
        Ok(Some(whole))
    }

    fn words(&self, column: &str) -> Option<Vec<&'static str>> {
        match column {
            "type" | "best_type" => Some(HeuristicType::ALL.into_iter().map(HeuristicType::name).collect()),
            "group" => Some(GROUPS.to_vec()),
            _ => None,
        }
    }
}

fn over(step: &HeuristicKnockout) -> Over<'_> {
    Over { step: &step.name, prompts: step.prompts.as_deref(), mean: &step.mean }
}

/// A heuristic's neurons out in the prompts of one group.
struct Draw<'t> {
    operator: &'static Operator,
    known: &'t Known,
    group: &'static str,
    edits: Arc<[Edit]>,
    /// Indices of the prompts, ascending.
    prompts: Vec<usize>,
    /// Number of the first one's job.
    first: usize,
}

/// What became of them.
struct Trial<'t> {
    operator: &'static Operator,
    known: &'t Known,
    group: &'static str,
    prompts: Vec<&'t Prompt>,
    /// Whether each is answered correctly with nothing out, and with the neurons out.
    clean: Vec<bool>,
    after: Vec<bool>,
}

impl<'t> Draw<'t> {
    /// Its jobs of a block of prompts.
    fn jobs(&self, range: &Range<usize>) -> impl Iterator<Item = Job> + '_ {
        let place = |end: usize| self.prompts.partition_point(|&prompt| prompt < end);
        (place(range.start)..place(range.end)).map(move |index| Job {
            number: self.first + index,
            prompt: self.prompts[index],
            edits: self.edits.clone(),
        })
    }

    fn trial(&self, prompts: &[&'t Prompt], answers: &Answers) -> Trial<'t> {
        let Self { operator, known, group, first, .. } = *self;
        Trial {
            operator,
            known,
            group,
            prompts: self.prompts.iter().map(|&prompt| prompts[prompt]).collect(),
            clean: self.prompts.iter().map(|&prompt| answers.clean[prompt]).collect(),
            after: answers.after[first..first + self.prompts.len()].to_vec(),
        }
    }
}

/// Every heuristic, on the prompts of one cell.
fn knock(
    step: &HeuristicKnockout,
    cell: &TemplateBatch,
    subject: &ModelRun,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let name = step.name.as_str();
    let prompts = super::distinct(&cell.prompts);
    let operators = super::operators(&prompts);
    let bags = bag::bags(name, &step.from, operators.iter().copied(), cell, subject, context)?;
    let at = places::positions(name, &step.positions, &cell.positions, &cell.template, context)?;
    let positions = places::together(&at);
    let knock = Knock::new(step.value, over(step), positions, &bags, cell, (subject, context, outcome))?;

    let mut draws: Vec<Draw> = Vec::new();
    let mut count = 0;
    for &operator in &operators {
        let bag = &bags[operator.symbol];
        let own: Vec<usize> = (0..prompts.len()).filter(|&index| prompts[index].operator == operator).collect();
        let before = draws.len();
        for known in bag.heuristics.iter().filter(|known| known.neurons.len() >= step.at_least) {
            let edits = knock.edits(&bag.by_layer(known.neurons.iter().copied()), operator, context)?;
            for (group, members) in GROUPS.into_iter().zip(groups(known, &own, &prompts)) {
                let prompts = draw(step, members, [operator.symbol, &known.text, group]);
                let first = count;
                count += prompts.len();
                draws.push(Draw { operator, known, group, edits: edits.clone(), prompts, first });
            }
        }
        if draws.len() == before {
            outcome.notes.push(note(step, bag, operator, cell, subject));
        }
    }
    let jobs = |range: Range<usize>| Ok(draws.iter().flat_map(|draw| draw.jobs(&range)).collect::<Vec<Job>>());
    let answers = runs::answers(&knock, (&cell.template, &prompts), count, jobs, subject, (context, outcome))?;
    let wrong = answers.clean.iter().filter(|clean| !**clean).count();
    if wrong > 0 {
        outcome.notes.push(format!(
            "{}: template '{}': {wrong} of {} prompts are answered incorrectly with nothing knocked out; write \
             keep = \"correct\" in the prompts to leave them out",
            subject.name,
            cell.template,
            prompts.len()
        ));
    }
    let trials: Vec<Trial> = draws.iter().map(|draw| draw.trial(&prompts, &answers)).collect();
    record(step, subject.labels(), &cell.template, &trials, outcome)?;
    Ok(())
}

/// The prompts among `own` that a heuristic holds for, and the others.
fn groups(known: &Known, own: &[usize], prompts: &[&Prompt]) -> [Vec<usize>; 2] {
    let holds = |&index: &usize| known.heuristic.holds(prompts[index].a, prompts[index].b, prompts[index].answer);
    let (related, unrelated) = own.iter().copied().partition(holds);
    [related, unrelated]
}

/// Some of the members, with each seed.
fn draw(step: &HeuristicKnockout, members: Vec<usize>, of: [&str; 3]) -> Vec<usize> {
    if members.len() <= step.sample {
        return members;
    }
    let mut chosen = BTreeSet::new();
    for &seed in &step.seeds {
        let mut order = members.clone();
        Random::new(seed, &["heuristic-knockout", of[0], of[1], of[2]]).shuffle(&mut order);
        chosen.extend(order.into_iter().take(step.sample));
    }
    chosen.into_iter().collect()
}

fn note(step: &HeuristicKnockout, bag: &Bag, operator: &Operator, cell: &TemplateBatch, subject: &ModelRun) -> String {
    let most = bag.heuristics.iter().map(|known| known.neurons.len()).max().unwrap_or(0);
    format!(
        "{}: template '{}', operator '{}': no heuristic has at least {} neurons (the largest has {most}); it has no rows",
        subject.name, cell.template, operator.symbol, step.at_least
    )
}

fn count(correct: &[bool]) -> Accuracy {
    let mut accuracy = Accuracy::default();
    correct.iter().for_each(|&correct| accuracy.add(correct));
    accuracy
}

impl Trial<'_> {
    /// Accuracy before and after.
    fn rates(&self) -> Option<(f64, f64)> {
        Some((count(&self.clean).rate()?, count(&self.after).rate()?))
    }
}

/// Adds the rows `NAME`: `operator`, `heuristic`, `type`, `neurons`, `group`, `n` (prompts), `clean` (accuracy with nothing out),
/// `accuracy`, `ci_low`, `ci_high` (95 % Wilson), `drop` (clean − accuracy); `NAME.means`, see [`means`]; and `NAME.prompts`.
fn record(
    step: &HeuristicKnockout,
    labels: Labels,
    template: &str,
    trials: &[Trial],
    outcome: &mut Outcome,
) -> PolarsResult<()> {
    let after: Vec<Accuracy> = trials.iter().map(|trial| count(&trial.after)).collect();
    let rates: Vec<Option<(f64, f64)>> = trials.iter().map(Trial::rates).collect();
    let end = |end: fn(&Accuracy) -> f64| after.iter().map(|one| (one.n > 0).then(|| end(one))).collect::<Vec<_>>();
    let rows = df!(
        "operator" => trials.iter().map(|trial| trial.operator.symbol).collect::<Vec<_>>(),
        "heuristic" => trials.iter().map(|trial| trial.known.text.as_str()).collect::<Vec<_>>(),
        "type" => trials.iter().map(|trial| trial.known.kind.as_str()).collect::<Vec<_>>(),
        "neurons" => trials.iter().map(|trial| trial.known.neurons.len() as u32).collect::<Vec<_>>(),
        "group" => trials.iter().map(|trial| trial.group).collect::<Vec<_>>(),
        "n" => after.iter().map(|accuracy| accuracy.n).collect::<Vec<_>>(),
        "clean" => rates.iter().map(|rates| rates.map(|(clean, _)| clean)).collect::<Vec<_>>(),
        "accuracy" => rates.iter().map(|rates| rates.map(|(_, after)| after)).collect::<Vec<_>>(),
        "ci_low" => end(|accuracy| accuracy.interval().low),
        "ci_high" => end(|accuracy| accuracy.interval().high),
        "drop" => rates.iter().map(|rates| rates.map(|(clean, after)| clean - after)).collect::<Vec<_>>(),
    )?;
    outcome.add_labelled(&step.name, labels, template, rows)?;
    outcome.add_labelled(&format!("{}.means", step.name), labels, template, means(trials, step.bootstrap)?)?;
    if step.per_prompt {
        let each = || trials.iter().flat_map(|trial| trial.prompts.iter().map(move |prompt| (trial, *prompt)));
        let clean: Vec<bool> = trials.iter().flat_map(|trial| trial.clean.iter().copied()).collect();
        let correct: Vec<bool> = trials.iter().flat_map(|trial| trial.after.iter().copied()).collect();
        let rows = df!(
            "heuristic" => each().map(|(trial, _)| trial.known.text.as_str()).collect::<Vec<_>>(),
            "type" => each().map(|(trial, _)| trial.known.kind.as_str()).collect::<Vec<_>>(),
            "group" => each().map(|(trial, _)| trial.group).collect::<Vec<_>>(),
        )?
        .hstack(prompt_columns(&each().map(|(_, prompt)| prompt).collect::<Vec<_>>())?.columns())?
        .hstack(df!("clean" => clean, "correct" => correct)?.columns())?;
        outcome.add_labelled(&format!("{}.prompts", step.name), labels, template, rows)?;
    }
    Ok(())
}

/// The rows `NAME.means`: per operator and group, over the heuristics that have prompts there, each counted once: `operator`,
/// `group`, `n` (heuristics), `accuracy`, `ci_low`, `ci_high`, `drop`, `drop_low`, `drop_high` (95 % bootstrap intervals over
/// heuristics).
fn means(trials: &[Trial], bootstrap: usize) -> PolarsResult<DataFrame> {
    let mut groups: IndexMap<(&str, &str), Vec<(f64, f64)>> = IndexMap::new();
    for trial in trials {
        let group = groups.entry((trial.operator.symbol, trial.group)).or_default();
        group.extend(trial.rates().map(|(clean, after)| (after, clean - after)));
    }
    groups.retain(|_, rates| !rates.is_empty());
    let of = |value: fn(&(f64, f64)) -> f64| -> Vec<[Option<f64>; 3]> {
        let mean = |rates: &Vec<(f64, f64)>| {
            let values: Vec<f64> = rates.iter().map(value).collect();
            let mean = Resamples::new(values.len(), bootstrap, BOOTSTRAP_SEED).mean(&values);
            [mean.mean, mean.low, mean.high].map(|value| value.is_finite().then_some(value))
        };
        groups.values().map(mean).collect()
    };
    let (accuracy, drop) = (of(|(after, _)| *after), of(|(_, drop)| *drop));
    let part = |means: &[[Option<f64>; 3]], index: usize| means.iter().map(|mean| mean[index]).collect::<Vec<_>>();
    df!(
        "operator" => groups.keys().map(|(operator, _)| *operator).collect::<Vec<_>>(),
        "group" => groups.keys().map(|(_, group)| *group).collect::<Vec<_>>(),
        "n" => groups.values().map(|rates| rates.len() as u32).collect::<Vec<_>>(),
        "accuracy" => part(&accuracy, 0),
        "ci_low" => part(&accuracy, 1),
        "ci_high" => part(&accuracy, 2),
        "drop" => part(&drop, 0),
        "drop_low" => part(&drop, 1),
        "drop_high" => part(&drop, 2),
    )
}
