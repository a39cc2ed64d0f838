//! What the classifiers of a cell learn, and their training.

use super::reads::{Captured, ProbeInput, Reads};
use crate::Error;
use crate::counted::{agreeing, counted};
use crate::intervene::Layout;
use crate::kernel::Adam;
use crate::model::facts::Facts;
use crate::model::hook::Hook;
use crate::probe::{Classifier, EpochOrder, Features, FitSettings, Judged, RowSplit, fit};
use crate::prompt::{Prompt, PromptGroup};
use crate::spec::step;
use crate::spec::step::Probe;
use crate::spec::step::ProbeOperators;
use crate::step::replays;
use crate::system::{interrupt, progress};
use indexmap::{IndexMap, IndexSet};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ops::Range;

/// Prompts with their classes, and how they are split: the same for every classifier.
pub struct ProbeTask<'p> {
    /// The prompts, each once.
    pub prompts: Vec<&'p Prompt>,
    /// The first tokens of their answers, ascending.
    pub classes: Vec<u32>,
    /// Groups that the prompts have.
    pub groups: IndexSet<&'p PromptGroup>,
    /// The prompts that share a classifier: all, or those of each group.
    pub lessons: Vec<Lesson>,
}

/// What one classifier learns: all prompts, or those of a group.
pub struct Lesson {
    /// Index of the group; `None` for all.
    pub group: Option<usize>,
    /// How many classes there are.
    pub classes: usize,
    /// Class of each prompt of the task; 0 for those of other groups.
    pub labels: Vec<u32>,
    /// Which prompts are learned.
    pub split: RowSplit,
    /// The test prompts whose answer is not learned.
    pub unseen: Vec<usize>,
}

/// What the classifiers of one read say, in the order of the lessons.
#[derive(Serialize, Deserialize)]
pub struct Judgement {
    /// Of the prompts learned, in the order of the split.
    pub train: Vec<Judged>,
    /// Of the others.
    pub test: Vec<Judged>,
    /// Whether the loss of the last epoch was still below that of the one before by more than [`STILL`] of it.
    pub still_learning: bool,
}

/// Classifiers that are trained together at least.
const LEAST: usize = 64;

/// What the loss falls by in an epoch of training that has not come to its end.
const STILL: f64 = 0.01;

impl<'p> ProbeTask<'p> {
    /// The split is drawn over all prompts. A prompt that several draws have in common counts once: it must not be learned and
    /// tested.
    pub fn new(step: &Probe, prompts: &[&'p Prompt]) -> Self {
        let mut distinct: IndexMap<u64, &Prompt> = IndexMap::with_capacity(prompts.len());
        for prompt in prompts {
            distinct.entry(prompt.id).or_insert(prompt);
        }
        let prompts: Vec<&Prompt> = distinct.into_values().collect();
        let groups: IndexSet<&PromptGroup> = prompts.iter().map(|prompt| &prompt.group).collect();
        let split = RowSplit::new(prompts.len(), step.train, step.seed);
        let of = |group: usize| (Some(group), split.only(|row| prompts[row].group == *groups[group]));
        let splits = match apart(step) {
            true => (0..groups.len()).map(of).collect(),
            false => vec![(None, split)],
        };
        let lessons = splits.into_iter().map(|(group, split)| Lesson::new(group, split, &prompts)).collect();
        Self { classes: classes(prompts.iter().copied()), prompts, groups, lessons }
    }

    /// Why it cannot be learned.
    pub fn problem(&self, step: &Probe) -> Option<String> {
        let short = self.lessons.iter().find(|lesson| lesson.split.train.is_empty() || lesson.split.test.is_empty())?;
        let of = short.group.map_or(String::new(), |index| format!(" of {}", self.groups[index]));
        let (train, test) = (short.split.train.len(), short.split.test.len());
        Some(format!(
            "of {} prompts{of}, train = {} takes {train} for training and leaves {test} for testing; write more prompts, or another share",
            train + test,
            step.train
        ))
    }

    /// What a reader should know: answers that no classifier can give.
    pub fn note(&self) -> Option<String> {
        let (mut answers, mut prompts) = (0, 0);
        for lesson in &self.lessons {
            answers += lesson.unseen.iter().map(|&row| lesson.labels[row]).collect::<HashSet<_>>().len();
            prompts += lesson.unseen.len();
        }
        let tested: usize = self.lessons.iter().map(|lesson| lesson.split.test.len()).sum();
        let all: usize = self.lessons.iter().map(|lesson| lesson.classes).sum();
        (prompts > 0).then(|| {
            format!(
                "{answers} of {} {} in no training prompt, so that no classifier can give {}: {prompts} of {} {} such an answer",
                counted(all, "answer"),
                agreeing(answers, "occurs", "occur"),
                agreeing(answers, "it", "them"),
                counted(tested, "test prompt"),
                agreeing(prompts, "has", "have")
            )
        })
    }
}

impl Lesson {
    fn new(group: Option<usize>, split: RowSplit, prompts: &[&Prompt]) -> Self {
        let members = split.train.iter().chain(&split.test);
        let classes = classes(members.map(|&row| prompts[row]));
        let label = |prompt: &&Prompt| classes.binary_search(&answer(prompt)).map_or(0, |class| class as u32);
        let labels: Vec<u32> = prompts.iter().map(label).collect();
        let learned: HashSet<u32> = split.train.iter().map(|&row| labels[row]).collect();
        let unseen = split.test.iter().copied().filter(|&row| !learned.contains(&labels[row])).collect();
        Self { group, classes: classes.len(), labels, split, unseen }
    }
}

/// The class of a prompt: the first token of its answer.
fn answer(prompt: &Prompt) -> u32 {
    prompt.answer_token()
}

fn classes<'p>(prompts: impl Iterator<Item = &'p Prompt>) -> Vec<u32> {
    let mut classes: Vec<u32> = prompts.map(answer).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// Parts of the reads whose classifiers are trained together: of about as many operations each, and of so many classifiers that no
/// thread waits for another.
pub fn parts(step: &Probe, task: &ProbeTask, reads: &[ProbeInput], facts: &Facts, length: usize) -> Vec<Range<usize>> {
    let each = |lesson: &Lesson| lesson.classes * (step.epochs * lesson.split.train.len() * 3 + task.prompts.len());
    let of_input: usize = 2 * task.lessons.iter().map(each).sum::<usize>();
    let widest = reads.iter().map(|read| read.width(facts, length)).max().unwrap_or(1);
    let most = replays::OPERATIONS / (of_input as u64 * widest as u64).max(1);
    crate::step::divided::parts(
        reads.len(),
        usize::try_from(most).unwrap_or(usize::MAX).max(LEAST / task.lessons.len().max(1)),
    )
}

/// Trains the classifiers of some reads, one of each lesson, on several threads: the results do not depend on how many.
///
/// # Errors
/// A classifier whose loss is no number, and Ctrl-C.
pub fn train(
    step: &Probe,
    task: &ProbeTask,
    (all, reads): (&Reads, &[ProbeInput]),
    activations: &Captured,
    layout: impl Fn(Hook) -> Option<Layout> + Sync,
    progress: &progress::ProgressTask,
) -> Result<Vec<Vec<Judgement>>, Error> {
    let jobs: Vec<(ProbeInput, &Lesson)> =
        reads.iter().flat_map(|&read| task.lessons.iter().map(move |lesson| (read, lesson))).collect();
    let judged = jobs.par_iter().map(|&(read, lesson)| {
        let failed = |problem: String| Error::failed(format!("step '{}'", step.name))(problem);
        let features = features(read, activations, layout(read.place.hook))
            .ok_or_else(|| failed(format!("{}: not reached", read.place.hook)))?;
        train_one(step, lesson, features, progress)?.ok_or_else(|| {
            failed(format!(
                "the loss of the classifier of {} at position {} is not a number; write a smaller lr",
                read.place.hook,
                all.index(read.position)
            ))
        })
    });
    let mut judged = judged.collect::<Result<Vec<Judgement>, Error>>()?.into_iter();
    Ok(reads.iter().map(|_| judged.by_ref().take(task.lessons.len()).collect()).collect())
}

/// One classifier; `None` where its loss is no number.
fn train_one(
    step: &Probe,
    lesson: &Lesson,
    features: Features,
    progress: &progress::ProgressTask,
) -> Result<Option<Judgement>, Error> {
    let features = match step.standardize {
        true => features.standardized(&lesson.split.train),
        false => features,
    };
    let mut classifier = Classifier::random(features.width(), lesson.classes, step.seed);
    let settings = FitSettings { adam: Adam::new(step.lr), batch: step.batch };
    let epochs = EpochOrder::new(&lesson.split.train, step.seed).take(step.epochs).inspect(|_| progress.advance(1));
    let losses =
        fit(&mut classifier, &features, &lesson.labels, epochs, settings, || interrupt::check().map_err(Error::from))?;
    if losses.iter().any(|loss| !loss.is_finite()) {
        return Ok(None);
    }
    let judge = |rows: &[usize]| classifier.judge(&features, &lesson.labels, rows);
    let still_learning = matches!(losses.as_slice(), [.., before, last] if *last < (1.0 - STILL) * before);
    Ok(Some(Judgement { train: judge(&lesson.split.train), test: judge(&lesson.split.test), still_learning }))
}

/// The values of a read, prompt by prompt.
fn features(read: ProbeInput, activations: &Captured, layout: Option<Layout>) -> Option<Features<'_>> {
    let (positions, data) = activations.hooks.get(&read.place.hook)?;
    let layout = layout?;
    let slot = positions.iter().position(|&position| position == read.position)?;
    let width = layout.position_width();
    let (unit, features) = match read.place.unit {
        Some(unit) => (unit * layout.unit_width(), layout.unit_width()),
        None => (0, width),
    };
    Some(Features::new(data, positions.len() * width, slot * width + unit, features))
}

/// Whether each group's prompts have a classifier of their own.
pub(super) fn apart(step: &step::Probe) -> bool {
    step.operators == ProbeOperators::Each
}
