//! Step `prompt-knockout`: of each prompt, the neurons whose heuristics hold for it out, up to k in each layer, and as many others
//! of the ranked neurons (paper §4.2, figure 8; at checkpoints, figure 10c).

use super::bag::{self, AssociatedNeuron, Bag, BagNeuron};
use super::keys::KnockoutKeys;
use super::runs::{self, Job, Knock};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, SurveyedCell, Workload};
use crate::measure::wilson_mean;
use crate::prompt::{AskedColumns, Prompt, PromptColumns, PromptGroup, Random};
use crate::spec::Loaded;
use crate::spec::SpecErrors;
use crate::spec::step::{KnockoutOrder, PromptKnockout};
use crate::step::dependent_key::DependentKey;
use crate::step::kind::Kind;
use crate::step::labels::RunLabels;
use crate::step::{CellRun, ModelRun, Outcome, RowsInfo, TemplateBatch, model_run};
use crate::table::{Frames, Holds, rows};
use indexmap::{IndexMap, IndexSet};
use polars::prelude::PolarsResult;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

/// What is out: the neurons of a prompt's heuristics, or as many others.
const GROUPS: [&str; 2] = ["heuristics", "random"];

impl Kind for PromptKnockout {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each_cell(self, context, |run| knock(self, run))
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let each = || [RowsInfo::of::<EachColumns>("prompts"), RowsInfo::of::<OutColumns>("neurons")];
        let each = self.per_prompt.then(each).into_iter().flatten();
        std::iter::once(RowsInfo::of::<KnockedColumns>("")).chain(each).collect()
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        super::check(&self.name, &self.from, loaded, frames)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let times = self.k.iter().filter(|k| **k > 0).count() * (1 + self.seeds.len());
        let runs = |cell: &SurveyedCell, _| (cell.prompts, times);
        KnockoutKeys::from(self).workload(survey, context, runs).map(Some)
    }

    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        KnockoutKeys::from(self).dependent()
    }
}

/// Neurons of one prompt, by layer, in the order in which they go out: numbers in its [`Bag`].
struct NeuronQueue {
    /// The seed they were drawn with; `None` for the prompt's own.
    seed: Option<u64>,
    layers: BTreeMap<usize, Vec<usize>>,
}

/// A prompt, its neurons, and what became of it.
struct KnockoutCase<'c> {
    prompt: &'c Prompt,
    bag: &'c Bag,
    /// Its neurons by number.
    associated: HashMap<usize, AssociatedNeuron>,
    /// Its own neurons first, then a control for each seed.
    queues: Vec<NeuronQueue>,
    /// Whether it is answered correctly: `[queue, k]`.
    correct: Vec<Vec<bool>>,
}

/// Every k, on the prompts of one cell.
fn knock(step: &PromptKnockout, CellRun { cell, subject, context, outcome }: CellRun) -> Result<(), Error> {
    super::of_one_shape(step, cell, context)?;
    let prompts = super::distinct(&cell.prompts);
    let bags = bag::bags(&step.name, &step.from, super::groups_of(&prompts), cell, subject, context)?;
    let knock = Knock::new(step.into(), &bags, cell, (subject, context, outcome))?;

    let mut cases: Vec<KnockoutCase> =
        prompts.iter().map(|&prompt| KnockoutCase::new(step, prompt, &bags[&prompt.group])).collect();
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
                let edits = knock.edits(&neurons, &case.prompt.group, context)?;
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
        let of =
            |(number, queue): (usize, &NeuronQueue)| step.k.iter().map(|&k| run((number, queue.size(k)))).collect();
        case.correct = case.queues.iter().enumerate().map(of).collect();
    }
    note(step, &cases, cell, subject, outcome);
    record(step, subject.labels(), &cell.template, &cases, outcome)?;
    Ok(())
}

impl NeuronQueue {
    /// The least k that means the same neurons as this one: there may be no more.
    fn size(&self, k: usize) -> usize {
        k.min(self.layers.values().map(Vec::len).max().unwrap_or(0))
    }

    /// The first k of each layer.
    fn first(&self, k: usize) -> impl Iterator<Item = usize> + '_ {
        self.layers.values().flat_map(move |neurons| neurons.iter().copied().take(k))
    }
}

impl<'c> KnockoutCase<'c> {
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
            NeuronQueue { seed, layers }
        };
        let first = queue(None, own.iter().map(|one| one.neuron).collect(), &|_| most);
        let associated: HashMap<usize, AssociatedNeuron> = own.into_iter().map(|one| (one.neuron, one)).collect();
        let mut queues = vec![first];
        for &seed in &step.seeds {
            let mut others: Vec<usize> =
                (0..bag.neurons.len()).filter(|number| !associated.contains_key(number)).collect();
            Random::new(seed, &["prompt-knockout", prompt.group.label(), &prompt.text]).shuffle(&mut others);
            let taken = |layer: usize| queues[0].layers.get(&layer).map_or(0, Vec::len);
            let control = queue(Some(seed), others, &taken);
            queues.push(control);
        }
        Self { prompt, bag, associated, queues, correct: Vec::new() }
    }

    /// The runs it needs: of which queue, how many neurons of each layer; each once.
    fn sizes(&self, step: &PromptKnockout) -> IndexSet<(usize, usize)> {
        let of = |(number, queue): (usize, &NeuronQueue)| {
            step.k.iter().map(|&k| (number, queue.size(k))).collect::<Vec<_>>()
        };
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
fn note(
    step: &PromptKnockout,
    cases: &[KnockoutCase],
    cell: &TemplateBatch,
    subject: &ModelRun,
    outcome: &mut Outcome,
) {
    let Some(k) = step.k.iter().copied().enumerate().max_by_key(|(_, k)| *k) else { return };
    let mut groups: IndexMap<&PromptGroup, Vec<(f64, f64)>> = IndexMap::new();
    for case in cases {
        let counts = (case.at(k, false).0, case.at(k, true).0);
        groups.entry(&case.prompt.group).or_default().push(counts);
    }
    for (group, counts) in groups {
        let fewer = counts.iter().filter(|(own, control)| control < own).count();
        if fewer > 0 {
            let mean = |value: fn(&(f64, f64)) -> f64| counts.iter().map(value).sum::<f64>() / counts.len() as f64;
            outcome.notes.push(format!(
                "{}: template '{}', {group}: of {fewer} of {} prompts a layer has fewer ranked neurons that are \
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

/// Adds the rows `NAME`, and, per prompt, `NAME.prompts` and `NAME.neurons`.
fn record(
    step: &PromptKnockout,
    labels: RunLabels,
    template: &str,
    cases: &[KnockoutCase],
    outcome: &mut Outcome,
) -> PolarsResult<()> {
    let mut groups: IndexMap<&str, Vec<&KnockoutCase>> = IndexMap::new();
    cases.iter().for_each(|case| groups.entry(case.prompt.group.label()).or_default().push(case));
    let seeds = step.seeds.iter().collect::<HashSet<_>>().len();
    let mut rows: Vec<Knocked> = Vec::new();
    for (&label, cases) in &groups {
        for k in step.k.iter().copied().enumerate() {
            for control in [false, true] {
                let at: Vec<(f64, f64)> = cases.iter().map(|case| case.at(k, control)).collect();
                let mean = |value: fn(&(f64, f64)) -> f64| at.iter().map(value).sum::<f64>() / at.len() as f64;
                let (neurons, accuracy) = (mean(|at| at.0), mean(|at| at.1));
                let seeds = control.then_some(seeds);
                rows.push(Knocked { label, k: k.1, n: at.len() as u64, seeds, accuracy, neurons });
            }
        }
    }
    outcome.add_labelled(&step.name, labels, template, KnockedColumns::frame(&rows)?)?;
    if step.per_prompt {
        let queues = || cases.iter().flat_map(|case| case.queues.iter().enumerate().map(move |queue| (case, queue)));
        let each = queues().flat_map(|of| step.k.iter().copied().enumerate().map(move |k| (of, k)));
        outcome.add_labelled(&format!("{}.prompts", step.name), labels, template, EachColumns::frame(each)?)?;
        let neurons = queues().flat_map(|(case, (_, queue))| {
            let layers = queue.layers.values();
            layers.flat_map(move |layer| {
                layer.iter().enumerate().map(move |(place, &number)| NeuronOut {
                    case,
                    queue,
                    place: place + 1,
                    number,
                })
            })
        });
        let neurons: Vec<NeuronOut> = neurons.collect();
        outcome.add_labelled(&format!("{}.neurons", step.name), labels, template, OutColumns::frame(&neurons)?)?;
    }
    Ok(())
}

impl NeuronQueue {
    /// As rows name it.
    fn group(&self) -> &'static str {
        GROUPS[usize::from(self.seed.is_some())]
    }
}

/// A group's prompts with the neurons of a k out, or as many others with some seeds.
struct Knocked<'r> {
    label: &'r str,
    k: usize,
    n: u64,
    seeds: Option<usize>,
    accuracy: f64,
    neurons: f64,
}

/// A neuron that goes out in a prompt, and its place in its layer.
struct NeuronOut<'r> {
    case: &'r KnockoutCase<'r>,
    queue: &'r NeuronQueue,
    place: usize,
    number: usize,
}

impl NeuronOut<'_> {
    fn about(&self) -> &BagNeuron {
        &self.case.bag.neurons[self.number]
    }

    /// Its heuristics that hold for the prompt.
    fn own(&self) -> Option<&AssociatedNeuron> {
        self.case.associated.get(&self.number)
    }
}

rows! {
    /// How many prompts of a group are still right.
    KnockedColumns<'r>(row: &'r Knocked<'r>) {
        operator: String = row.label;
        k: i64 = row.k, "How many neurons of a layer are out at most.";
        group: String = GROUPS[usize::from(row.seeds.is_some())], "Which neurons: of the prompt's heuristics, or random others.",
            in GROUPS;
        n: i64 = row.n;
        seeds: Option<i64> = row.seeds, "How many seeds of the control.";
        accuracy: f64 = row.accuracy;
        ci_low: f64 = wilson_mean(row.accuracy, row.n).low;
        ci_high: f64 = wilson_mean(row.accuracy, row.n).high;
        neurons: f64 = row.neurons, "How many neurons are out, on average over prompts.";
    }

    /// A prompt with the neurons of a queue out, up to a k.
    EachColumns<'r>(((case, (number, queue)), (at, k)): ((&'r KnockoutCase<'r>, (usize, &'r NeuronQueue)), (usize, usize))) {
        k: i64 = *k;
        group: String = queue.group(), in GROUPS;
        control: Option<i64> = queue.seed, "The seed of the control.";
        prompt: PromptColumns = case.prompt;
        neurons: i64 = queue.first(*k).count(), "How many neurons are out.";
        correct: bool = case.correct[*number][*at];
    }

    /// A neuron that goes out in a prompt.
    OutColumns<'r>(row: &'r NeuronOut<'r>) {
        group: String = row.queue.group(), in GROUPS;
        control: Option<i64> = row.queue.seed;
        operator: String = row.case.prompt.group.label();
        id: i64 = row.case.prompt.id;
        asked: AskedColumns = row.case.prompt;
        layer: i64 = row.about().layer;
        neuron: i64 = row.about().neuron;
        component: String = format!("L{}N{}", row.about().layer, row.about().neuron);
        place: i64 = row.place, "The neuron's place in its layer, from 1: it is out where k ≥ place.";
        heuristics: i64 = row.own().map_or(0, |own| own.count), "How many of the neuron's heuristics hold for the prompt.";
        score: Option<f64> = row.own().map(|own| own.best), "The best score of the neuron's heuristics that hold for the prompt.";
    }
}
