//! Step `heuristic-knockout`: all neurons of a heuristic out, and what that does to prompts it holds for and to others (paper
//! §4.2, figure 7).

use super::bag::{self, Bag, HeuristicNeurons};
use super::keys::KnockoutKeys;
use super::runs::{self, Answers, Job, Knock};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, SurveyedCell, Workload};
use crate::counted::{agreeing, counted};
use crate::intervene::Edit;
use crate::measure::{Resamples, RightAnswers};
use crate::prompt::{Prompt, PromptColumns, PromptGroup, Random};
use crate::spec::Loaded;
use crate::spec::SpecErrors;
use crate::spec::step::HeuristicKnockout;
use crate::spec::step::HeuristicType;
use crate::step::dependent_key::DependentKey;
use crate::step::kind::Kind;
use crate::step::labels::RunLabels;
use crate::step::summary::{BOOTSTRAP_SEED, number};
use crate::step::{CellRun, ModelRun, Outcome, RowsInfo, TemplateBatch, model_run};
use crate::table::{Frames, Holds, rows};
use indexmap::IndexMap;
use polars::prelude::PolarsResult;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// The prompts that a heuristic holds for, and those that it does not.
const GROUPS: [&str; 2] = ["related", "unrelated"];

impl Kind for HeuristicKnockout {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each_cell(self, context, |run| knock(self, run))
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let prompts = self.per_prompt.then(|| RowsInfo::of::<TriedColumns>("prompts"));
        let own = [RowsInfo::of::<TrialColumns>(""), RowsInfo::of::<GroupMeanColumns>("means")];
        own.into_iter().chain(prompts).collect()
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        super::check(&self.name, &self.from, loaded, frames)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let count = context.prompts(self.prompts.as_deref(), &self.name)?.groups().max(1);
        let runs = |cell: &SurveyedCell, neurons: usize| {
            let own = cell.prompts.div_ceil(count);
            let heuristics = (neurons / self.at_least.max(1)).min(own);
            let tried = own.min(GROUPS.len() * self.sample * self.seeds.len());
            (count * heuristics * tried, 1)
        };
        KnockoutKeys::from(self).workload(survey, context, runs).map(Some)
    }

    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        KnockoutKeys::from(self).dependent()
    }
}

/// A heuristic's neurons out in the prompts of one group.
struct Draw<'t> {
    of: &'t PromptGroup,
    known: &'t HeuristicNeurons,
    group: &'static str,
    edits: Arc<[Edit]>,
    /// Indices of the prompts, ascending.
    prompts: Vec<usize>,
    /// Number of the first one's job.
    first: usize,
}

/// What became of them.
struct Trial<'t> {
    of: &'t PromptGroup,
    known: &'t HeuristicNeurons,
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
        let Self { of, known, group, first, .. } = *self;
        Trial {
            of,
            known,
            group,
            prompts: self.prompts.iter().map(|&prompt| prompts[prompt]).collect(),
            clean: self.prompts.iter().map(|&prompt| answers.clean[prompt]).collect(),
            after: answers.after[first..first + self.prompts.len()].to_vec(),
        }
    }
}

/// Every heuristic, on the prompts of one cell.
fn knock(step: &HeuristicKnockout, CellRun { cell, subject, context, outcome }: CellRun) -> Result<(), Error> {
    super::of_one_shape(step, cell, context)?;
    let prompts = super::distinct(&cell.prompts);
    let all = super::groups_of(&prompts);
    let bags = bag::bags(&step.name, &step.from, all.iter().copied(), cell, subject, context)?;
    let knock = Knock::new(step.into(), &bags, cell, (subject, context, outcome))?;

    let mut draws: Vec<Draw> = Vec::new();
    let mut count = 0;
    for &of in &all {
        let bag = &bags[of];
        let own: Vec<usize> = (0..prompts.len()).filter(|&index| prompts[index].group == *of).collect();
        let before = draws.len();
        for known in bag.heuristics.iter().filter(|known| known.neurons.len() >= step.at_least) {
            let edits = knock.edits(&bag.by_layer(known.neurons.iter().copied()), of, context)?;
            for (group, members) in GROUPS.into_iter().zip(groups(known, &own, &prompts)) {
                let prompts = draw(step, members, [of.label(), &known.text, group]);
                let first = count;
                count += prompts.len();
                draws.push(Draw { of, known, group, edits: edits.clone(), prompts, first });
            }
        }
        if draws.len() == before {
            outcome.notes.push(note(step, bag, of, cell, subject));
        }
    }
    let jobs = |range: Range<usize>| Ok(draws.iter().flat_map(|draw| draw.jobs(&range)).collect::<Vec<Job>>());
    let answers = runs::answers(&knock, (&cell.template, &prompts), count, jobs, subject, (context, outcome))?;
    let wrong = answers.clean.iter().filter(|clean| !**clean).count();
    if wrong > 0 {
        outcome.notes.push(format!(
            "{}: template '{}': {wrong} of {} {} answered incorrectly with nothing knocked out; write \
             keep = \"correct\" in the prompts to leave them out",
            subject.name,
            cell.template,
            counted(prompts.len(), "prompt"),
            agreeing(wrong, "is", "are")
        ));
    }
    let trials: Vec<Trial> = draws.iter().map(|draw| draw.trial(&prompts, &answers)).collect();
    record(step, subject.labels(), &cell.template, &trials, outcome)?;
    Ok(())
}

/// The prompts among `own` that a heuristic holds for, and the others.
fn groups(known: &HeuristicNeurons, own: &[usize], prompts: &[&Prompt]) -> [Vec<usize>; 2] {
    let holds = |&index: &usize| known.holds(prompts[index]);
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

fn note(step: &HeuristicKnockout, bag: &Bag, of: &PromptGroup, cell: &TemplateBatch, subject: &ModelRun) -> String {
    let most = bag.heuristics.iter().map(|known| known.neurons.len()).max().unwrap_or(0);
    format!(
        "{}: template '{}', {of}: no heuristic has at least {} (the largest has {most}); it has no rows",
        subject.name,
        cell.template,
        counted(step.at_least, "neuron")
    )
}

fn count(correct: &[bool]) -> RightAnswers {
    let mut accuracy = RightAnswers::default();
    correct.iter().for_each(|&correct| accuracy.add(correct));
    accuracy
}

impl Trial<'_> {
    /// Accuracy before and after.
    fn rates(&self) -> Option<(f64, f64)> {
        Some((count(&self.clean).rate()?, count(&self.after).rate()?))
    }
}

/// Adds the rows `NAME`, `NAME.means` and `NAME.prompts`.
fn record(
    step: &HeuristicKnockout,
    labels: RunLabels,
    template: &str,
    trials: &[Trial],
    outcome: &mut Outcome,
) -> PolarsResult<()> {
    let each = trials.iter().map(|trial| (trial, count(&trial.after), trial.rates()));
    outcome.add_labelled(&step.name, labels, template, TrialColumns::frame(each)?)?;
    let means = GroupMeanColumns::frame(means(trials, step.bootstrap))?;
    outcome.add_labelled(&format!("{}.means", step.name), labels, template, means)?;
    if step.per_prompt {
        let each = trials.iter().flat_map(|trial| (0..trial.prompts.len()).map(move |prompt| (trial, prompt)));
        outcome.add_labelled(&format!("{}.prompts", step.name), labels, template, TriedColumns::frame(each)?)?;
    }
    Ok(())
}

/// The mean over heuristics, with its interval.
type MeanRate = [Option<f64>; 3];

/// Per group of prompts, and related or not, over the heuristics that have prompts there, each counted once: how many, accuracy and drop.
fn means<'t>(
    trials: &'t [Trial<'t>],
    bootstrap: usize,
) -> impl Iterator<Item = (&'t str, &'static str, usize, [MeanRate; 2])> {
    let mut groups: IndexMap<(&str, &'static str), Vec<(f64, f64)>> = IndexMap::new();
    for trial in trials {
        let group = groups.entry((trial.of.label(), trial.group)).or_default();
        group.extend(trial.rates().map(|(clean, after)| (after, clean - after)));
    }
    groups.retain(|_, rates| !rates.is_empty());
    groups.into_iter().map(move |((label, group), rates)| {
        let mean = |value: fn(&(f64, f64)) -> f64| -> MeanRate {
            let values: Vec<f64> = rates.iter().map(value).collect();
            let mean = Resamples::new(values.len(), bootstrap, BOOTSTRAP_SEED).mean(&values);
            [mean.mean, mean.low, mean.high].map(number)
        };
        (label, group, rates.len(), [mean(|(after, _)| *after), mean(|(_, drop)| *drop)])
    })
}

/// Every type, as rows write it.
fn types() -> [&'static str; HeuristicType::ALL.len()] {
    HeuristicType::ALL.map(HeuristicType::name)
}

/// Accuracy with nothing out, and with the neurons out.
type TrialRates = Option<(f64, f64)>;

rows! {
    /// The neurons of a heuristic out, in one group of prompts.
    TrialColumns<'r>((trial, after, rates): (&'r Trial<'r>, RightAnswers, TrialRates)) {
        operator: String = trial.of.label();
        heuristic: String = &trial.known.text;
        type: String = &trial.known.kind, in types();
        neurons: i64 = trial.known.neurons.len(), "How many neurons are out.";
        group: String = trial.group, "Prompts that the heuristic holds for, or others.", in GROUPS;
        n: i64 = after.n;
        clean: Option<f64> = rates.map(|(clean, _)| clean), "Accuracy on the same prompts with nothing out.";
        accuracy: Option<f64> = rates.map(|(_, after)| after);
        ci_low: Option<f64> = (after.n > 0).then(|| after.interval().low);
        ci_high: Option<f64> = (after.n > 0).then(|| after.interval().high);
        drop: Option<f64> = rates.map(|(clean, after)| clean - after), "clean − accuracy.";
    }

    /// The mean over the heuristics of a group of prompts.
    GroupMeanColumns<'r>((label, group, n, [accuracy, drop]): (&'r str, &'static str, usize, [MeanRate; 2])) {
        operator: String = label;
        group: String = group, in GROUPS;
        n: i64 = *n, "How many heuristics.";
        accuracy: Option<f64> = accuracy[0];
        ci_low: Option<f64> = accuracy[1];
        ci_high: Option<f64> = accuracy[2];
        drop: Option<f64> = drop[0];
        drop_low: Option<f64> = drop[1], "Lower end of its 95 % bootstrap interval over heuristics.";
        drop_high: Option<f64> = drop[2], "Upper end of its 95 % bootstrap interval over heuristics.";
    }

    /// One prompt of a trial.
    TriedColumns<'r>((trial, prompt): (&'r Trial<'r>, usize)) {
        heuristic: String = &trial.known.text;
        type: String = &trial.known.kind, in types();
        group: String = trial.group, in GROUPS;
        prompt: PromptColumns = trial.prompts[*prompt];
        clean: bool = trial.clean[*prompt];
        correct: bool = trial.after[*prompt];
    }
}
