//! Step `prompt-knockout`: of each prompt, the neurons whose heuristics hold for it out, up to k in each layer, and as many others
//! of the ranked neurons (paper §4.2, figure 8; at checkpoints, figure 10c).

use super::bag::{self, Associated, Bag};
use super::runs::{self, Job, Knock};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::measure::wilson_mean;
use crate::prompt::{Prompt, Random};
use crate::spec::Loaded;
use crate::spec::SpecErrors;
use crate::spec::step::{KnockoutOrder, PromptKnockout};
use crate::step::kind::Kind;
use crate::step::labels::Labels;
use crate::step::means::Over;
use crate::step::summary::prompt_columns;
use crate::step::{ModelRun, Outcome, TemplateBatch, model_run, places};
use crate::table::Frames;
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

/// What is out: the neurons of a prompt's heuristics, or as many others.
pub const GROUPS: [&str; 2] = ["heuristics", "random"];

impl Kind for PromptKnockout {
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
        let runs = self.k.iter().filter(|k| **k > 0).count() * (1 + self.seeds.len());
        let (_, layers) = bag::expected(&self.from, facts, context);
        let means = runs::mean_prompts(self.value, over(self), survey, context)?;
        let mut whole = Workload::default();
        for (cell, means) in survey.cells.iter().zip(means) {
            let length = cell.positions.length;
            let at = places::positions(&self.name, &self.positions, &cell.positions, &cell.template, context)?;
            let edits = runs::largest(&places::together(&at), &layers);
            let replay =
                Workload::replay([&edits[..]].into_iter(), cell.prompts, length, facts, survey.memory).times(runs);
            let forwards = Workload::forwards(cell.prompts + means, length, facts);
            whole = whole.and(replay.and(forwards));
        }
        Ok(Some(whole))
    }

    fn words(&self, column: &str) -> Option<Vec<&'static str>> {
        (column == "group").then(|| GROUPS.to_vec())
    }
}

fn over(step: &PromptKnockout) -> Over<'_> {
    Over { step: &step.name, prompts: step.prompts.as_deref(), mean: &step.mean }
}

/// Neurons of one prompt, by layer, in the order in which they go out: numbers in its [`Bag`].
struct Queue {
    /// The seed they were drawn with; `None` for the prompt's own.
    seed: Option<u64>,
    layers: BTreeMap<usize, Vec<usize>>,
}

/// A prompt, its neurons, and what became of it.
struct Case<'c> {
    prompt: &'c Prompt,
    bag: &'c Bag,
    /// Its neurons by number.
    associated: HashMap<usize, Associated>,
    /// Its own neurons first, then a control for each seed.
    queues: Vec<Queue>,
    /// Whether it is answered correctly: `[queue, k]`.
    correct: Vec<Vec<bool>>,
}

/// Every k, on the prompts of one cell.
fn knock(
    step: &PromptKnockout,
    cell: &TemplateBatch,
    subject: &ModelRun,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let name = step.name.as_str();
    let prompts = super::distinct(&cell.prompts);
    let bags = bag::bags(name, &step.from, super::operators(&prompts), cell, subject, context)?;
    let at = places::positions(name, &step.positions, &cell.positions, &cell.template, context)?;
    let positions = places::together(&at);
    let knock = Knock::new(step.value, over(step), positions, &bags, cell, (subject, context, outcome))?;

    let mut cases: Vec<Case> =
        prompts.iter().map(|&prompt| Case::new(step, prompt, &bags[prompt.operator.symbol])).collect();
    let mut count = 0;
    let mut first_job = Vec::with_capacity(cases.len());
    for case in &cases {
        first_job.push(count);
        count += case.sizes(step).len();
    }
    let jobs = |range: Range<usize>| -> Result<Vec<Job>, Error> {
        let mut jobs: Vec<Job> = Vec::new();
        for prompt in range {
            let case = &cases[prompt];
            for (index, (queue, size)) in case.sizes(step).into_iter().enumerate() {
                let neurons = case.bag.by_layer(case.queues[queue].first(size));
                let edits = knock.edits(&neurons, case.prompt.operator, context)?;
                jobs.push(Job { number: first_job[prompt] + index, prompt, edits });
            }
        }
        Ok(jobs)
    };
    let answers = runs::answers(&knock, (&cell.template, &prompts), count, jobs, subject, (context, outcome))?;
    for (case, first) in cases.iter_mut().zip(first_job) {
        let sizes = case.sizes(step);
        let run =
            |wanted: (usize, usize)| sizes.get_index_of(&wanted).is_some_and(|index| answers.after[first + index]);
        let of = |(number, queue): (usize, &Queue)| step.k.iter().map(|&k| run((number, queue.size(k)))).collect();
        case.correct = case.queues.iter().enumerate().map(of).collect();
    }
    note(step, &cases, cell, subject, outcome);
    record(step, subject.labels(), &cell.template, &cases, outcome)?;
    Ok(())
}

impl Queue {
    /// The least k that means the same neurons as this one: there may be no more.
    fn size(&self, k: usize) -> usize {
        k.min(self.layers.values().map(Vec::len).max().unwrap_or(0))
    }

    /// The first k of each layer.
    fn first(&self, k: usize) -> impl Iterator<Item = usize> + '_ {
        self.layers.values().flat_map(move |neurons| neurons.iter().copied().take(k))
    }
}

impl<'c> Case<'c> {
    /// A prompt's own neurons in order, and its controls: as many of each layer, drawn among the ranked neurons that are not its
    /// own; all of those where they are fewer.
    fn new(step: &PromptKnockout, prompt: &'c Prompt, bag: &'c Bag) -> Self {
        let most = step.k.iter().copied().max().unwrap_or(0);
        let mut own = bag.associated(prompt);
        own.sort_by(|one, other| {
            let count = other.count.cmp(&one.count);
            let best = other.best.total_cmp(&one.best);
            let strongest = match step.order {
                KnockoutOrder::Count => count.then(best),
                KnockoutOrder::Score => best.then(count),
            };
            strongest.then_with(|| bag.neurons[one.neuron].neuron.cmp(&bag.neurons[other.neuron].neuron))
        });
        let queue = |seed: Option<u64>, neurons: Vec<usize>, most: &dyn Fn(usize) -> usize| {
            let mut layers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for number in neurons {
                let layer = bag.neurons[number].layer;
                let kept = layers.entry(layer).or_default();
                if kept.len() < most(layer) {
                    kept.push(number);
                }
            }
            Queue { seed, layers }
        };
        let first = queue(None, own.iter().map(|one| one.neuron).collect(), &|_| most);
        let associated: HashMap<usize, Associated> = own.into_iter().map(|one| (one.neuron, one)).collect();
        let mut queues = vec![first];
        for &seed in &step.seeds {
            let mut others: Vec<usize> =
                (0..bag.neurons.len()).filter(|number| !associated.contains_key(number)).collect();
            Random::new(seed, &["prompt-knockout", prompt.operator.symbol, &prompt.text]).shuffle(&mut others);
            let taken = |layer: usize| queues[0].layers.get(&layer).map_or(0, Vec::len);
            let control = queue(Some(seed), others, &taken);
            queues.push(control);
        }
        Self { prompt, bag, associated, queues, correct: Vec::new() }
    }

    /// The runs it needs: of which queue, how many neurons of each layer; each once.
    fn sizes(&self, step: &PromptKnockout) -> IndexSet<(usize, usize)> {
        let of = |(number, queue): (usize, &Queue)| step.k.iter().map(|&k| (number, queue.size(k))).collect::<Vec<_>>();
        self.queues.iter().enumerate().flat_map(of).collect()
    }

    /// How many neurons are out, and the share of runs that are correct: of its own neurons, or over the controls.
    fn at(&self, k: (usize, usize), controls: bool) -> (f64, f64) {
        let queues = if controls { 1..self.queues.len() } else { 0..1 };
        let n = queues.len() as f64;
        let neurons: usize = self.queues[queues.clone()].iter().map(|queue| queue.first(k.1).count()).sum();
        let correct = self.correct[queues].iter().filter(|correct| correct[k.0]).count();
        (neurons as f64 / n, correct as f64 / n)
    }
}

/// Says where a control has fewer neurons than what it is compared with.
fn note(step: &PromptKnockout, cases: &[Case], cell: &TemplateBatch, subject: &ModelRun, outcome: &mut Outcome) {
    let Some(k) = step.k.iter().copied().enumerate().max_by_key(|(_, k)| *k) else { return };
    let mut groups: IndexMap<&str, Vec<(f64, f64)>> = IndexMap::new();
    for case in cases {
        let counts = (case.at(k, false).0, case.at(k, true).0);
        groups.entry(case.prompt.operator.symbol).or_default().push(counts);
    }
    for (operator, counts) in groups {
        let fewer = counts.iter().filter(|(own, control)| control < own).count();
        if fewer > 0 {
            let mean = |value: fn(&(f64, f64)) -> f64| counts.iter().map(value).sum::<f64>() / counts.len() as f64;
            outcome.notes.push(format!(
                "{}: template '{}', operator '{operator}': of {fewer} of {} prompts a layer has fewer ranked neurons that are \
                 not the prompt's than are knocked out at k = {}: the control then takes all there are, {:.1} neurons instead \
                 of {:.1} on average over all prompts",
                subject.name,
                cell.template,
                counts.len(),
                k.1,
                mean(|(_, control)| *control),
                mean(|(own, _)| *own),
            ));
        }
    }
}

/// Adds the rows `NAME`: `operator`, `k`, `group`, `n` (prompts), `seeds` (of the control), `accuracy`, `ci_low`, `ci_high` (95 %
/// Wilson; of a control the mean over its seeds, as of n prompts), `neurons` (out, on average); and, per prompt, `NAME.prompts` and
/// `NAME.neurons`.
fn record(
    step: &PromptKnockout,
    labels: Labels,
    template: &str,
    cases: &[Case],
    outcome: &mut Outcome,
) -> PolarsResult<()> {
    let mut operators: IndexMap<&str, Vec<&Case>> = IndexMap::new();
    cases.iter().for_each(|case| operators.entry(case.prompt.operator.symbol).or_default().push(case));
    let mut rows: Vec<(&str, usize, bool, u64, f64, f64)> = Vec::new();
    for (&operator, cases) in &operators {
        for k in step.k.iter().copied().enumerate() {
            for control in [false, true] {
                let at: Vec<(f64, f64)> = cases.iter().map(|case| case.at(k, control)).collect();
                let mean = |value: fn(&(f64, f64)) -> f64| at.iter().map(value).sum::<f64>() / at.len() as f64;
                rows.push((operator, k.1, control, at.len() as u64, mean(|at| at.0), mean(|at| at.1)));
            }
        }
    }
    let group = |control: bool| GROUPS[usize::from(control)];
    let seeds = step.seeds.iter().collect::<HashSet<_>>().len() as u32;
    let frame = df!(
        "operator" => rows.iter().map(|row| row.0).collect::<Vec<_>>(),
        "k" => rows.iter().map(|row| row.1 as u32).collect::<Vec<_>>(),
        "group" => rows.iter().map(|row| group(row.2)).collect::<Vec<_>>(),
        "n" => rows.iter().map(|row| row.3).collect::<Vec<_>>(),
        "seeds" => rows.iter().map(|row| row.2.then_some(seeds)).collect::<Vec<_>>(),
        "accuracy" => rows.iter().map(|row| row.5).collect::<Vec<_>>(),
        "ci_low" => rows.iter().map(|row| wilson_mean(row.5, row.3).low).collect::<Vec<_>>(),
        "ci_high" => rows.iter().map(|row| wilson_mean(row.5, row.3).high).collect::<Vec<_>>(),
        "neurons" => rows.iter().map(|row| row.4).collect::<Vec<_>>(),
    )?;
    outcome.add_labelled(&step.name, labels, template, frame)?;
    if step.per_prompt {
        outcome.add_labelled(&format!("{}.prompts", step.name), labels, template, each_prompt(step, cases)?)?;
        outcome.add_labelled(&format!("{}.neurons", step.name), labels, template, each_neuron(cases)?)?;
    }
    Ok(())
}

/// One row per k, prompt and queue: `k`, `group`, `control` (its seed), what names the prompt, `neurons` (out), `correct`.
fn each_prompt(step: &PromptKnockout, cases: &[Case]) -> PolarsResult<DataFrame> {
    let mut rows: Vec<(&Case, usize, usize)> = Vec::new();
    for case in cases {
        for queue in 0..case.queues.len() {
            rows.extend((0..step.k.len()).map(|k| (case, queue, k)));
        }
    }
    let prompts: Vec<&Prompt> = rows.iter().map(|(case, ..)| case.prompt).collect();
    let neurons = rows.iter().map(|(case, queue, k)| case.queues[*queue].first(step.k[*k]).count() as u32);
    df!(
        "k" => rows.iter().map(|(.., k)| step.k[*k] as u32).collect::<Vec<_>>(),
        "group" => rows.iter().map(|(case, queue, _)| case.queues[*queue].group()).collect::<Vec<_>>(),
        "control" => rows.iter().map(|(case, queue, _)| case.queues[*queue].seed).collect::<Vec<_>>(),
    )?
    .hstack(prompt_columns(&prompts)?.columns())?
    .hstack(
        df!(
            "neurons" => neurons.collect::<Vec<_>>(),
            "correct" => rows.iter().map(|(case, queue, k)| case.correct[*queue][*k]).collect::<Vec<_>>(),
        )?
        .columns(),
    )
}

/// One row per prompt, queue and neuron: `group`, `control`, `operator`, `id`, `a`, `b`, `answer`, `layer`, `neuron`, `component`,
/// `place` (in its layer, from 1: it is out where k is at least that), `heuristics` (that hold for the prompt), `score` (the best).
fn each_neuron(cases: &[Case]) -> PolarsResult<DataFrame> {
    let mut rows: Vec<(&Case, &Queue, usize, usize)> = Vec::new();
    for case in cases {
        for queue in &case.queues {
            for neurons in queue.layers.values() {
                rows.extend(neurons.iter().enumerate().map(|(place, &number)| (case, queue, place, number)));
            }
        }
    }
    let about = |row: &(&Case, &Queue, usize, usize)| (row.0.bag.neurons[row.3].layer, row.0.bag.neurons[row.3].neuron);
    let own = |row: &(&Case, &Queue, usize, usize)| row.0.associated.get(&row.3).copied();
    let name = |(layer, neuron): (usize, usize)| format!("L{layer}N{neuron}");
    df!(
        "group" => rows.iter().map(|row| row.1.group()).collect::<Vec<_>>(),
        "control" => rows.iter().map(|row| row.1.seed).collect::<Vec<_>>(),
        "operator" => rows.iter().map(|row| row.0.prompt.operator.symbol).collect::<Vec<_>>(),
        "id" => rows.iter().map(|row| row.0.prompt.id).collect::<Vec<_>>(),
        "a" => rows.iter().map(|row| row.0.prompt.a).collect::<Vec<_>>(),
        "b" => rows.iter().map(|row| row.0.prompt.b).collect::<Vec<_>>(),
        "answer" => rows.iter().map(|row| row.0.prompt.answer).collect::<Vec<_>>(),
        "layer" => rows.iter().map(|row| about(row).0 as u32).collect::<Vec<_>>(),
        "neuron" => rows.iter().map(|row| about(row).1 as u32).collect::<Vec<_>>(),
        "component" => rows.iter().map(|row| name(about(row))).collect::<Vec<_>>(),
        "place" => rows.iter().map(|row| row.2 as u32 + 1).collect::<Vec<_>>(),
        "heuristics" => rows.iter().map(|row| own(row).map_or(0, |own| own.count as u32)).collect::<Vec<_>>(),
        "score" => rows.iter().map(|row| own(row).map(|own| own.best)).collect::<Vec<_>>(),
    )
}

impl Queue {
    /// As rows name it.
    fn group(&self) -> &'static str {
        GROUPS[usize::from(self.seed.is_some())]
    }
}
