//! The rows of a probe: accuracies, and the layers that write the answer.

use super::reads::{Read, Reads};
use super::train::{Group, Judgement, Task};
use crate::measure::Accuracy;
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};
use crate::probe::{Judged, Writing, answer_writing};
use crate::step::places::{self, Place, PositionGroup};
use polars::prelude::*;

/// All operators together.
pub const ALL: &str = "all";

/// What the classifiers of a cell say.
pub struct Results<'r> {
    /// The prompts.
    pub task: &'r Task<'r>,
    /// What was read.
    pub reads: &'r Reads,
    /// Places of the spec.
    pub places: &'r [Place],
    /// Positions of the spec.
    pub at: &'r [PositionGroup],
    /// What each read's classifiers say, group by group.
    pub results: &'r [Vec<Judgement>],
}

/// How well a read tells the answers of one operator, or of all.
pub struct Score<'r> {
    place: Place,
    at: &'r PositionGroup,
    operator: &'static str,
    /// Classes of the classifier; `None` where there are several.
    classes: Option<u32>,
    unseen: u64,
    test: Sum,
    train: Sum,
}

/// Answers counted, and their losses.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    accuracy: Accuracy,
    loss: f64,
}

impl Sum {
    fn add(&mut self, judged: Judged) {
        self.accuracy.add(judged.correct);
        self.loss += judged.loss;
    }

    fn mean_loss(self) -> Option<f64> {
        (self.accuracy.n > 0).then(|| self.loss / self.accuracy.n as f64)
    }
}

impl<'r> Results<'r> {
    /// One for each place, position and operator, and over all operators.
    pub fn scores(&self) -> Vec<Score<'r>> {
        let mut scores = Vec::new();
        for &place in self.places {
            for at in self.at {
                let read = at.index.map(|position| Read { place, position });
                let Some(index) = read.and_then(|read| self.reads.all.iter().position(|other| *other == read)) else {
                    continue;
                };
                let operators = (0..self.task.operators.len()).map(Some).chain([None]);
                scores.extend(operators.map(|operator| self.score(place, at, &self.results[index], operator)));
            }
        }
        scores
    }

    fn score(&self, place: Place, at: &'r PositionGroup, judged: &[Judgement], operator: Option<usize>) -> Score<'r> {
        let of = |row: usize| {
            operator.is_none_or(|index| self.task.prompts[row].operator.symbol == self.task.operators[index])
        };
        let (mut test, mut train, mut unseen, mut classes) = (Sum::default(), Sum::default(), 0, Vec::new());
        for (group, judged) in self.task.groups.iter().zip(judged) {
            // A classifier of another operator says nothing of this one's prompts.
            if operator.is_some() && group.operator.is_some() && group.operator != operator {
                continue;
            }
            let Group { split, .. } = group;
            let sum = |sum: &mut Sum, rows: &[usize], judged: &[Judged]| {
                rows.iter().zip(judged).filter(|(row, _)| of(**row)).for_each(|(_, judged)| sum.add(*judged));
            };
            sum(&mut test, &split.test, &judged.test);
            sum(&mut train, &split.train, &judged.train);
            unseen += group.unseen.iter().filter(|&&row| of(row)).count() as u64;
            classes.push(group.classes as u32);
        }
        let classes = if let [classes] = classes.as_slice() { Some(*classes) } else { None };
        let operator = operator.map_or(ALL, |index| self.task.operators[index]);
        Score { place, at, operator, classes, unseen, test, train }
    }

    /// The layers that write the answer: the rule on the accuracies at `resid_post` of the last position; `None` where that is
    /// not read.
    pub fn answer_writing(&self, length: usize, n_layers: usize, share: f64) -> Option<Layers> {
        let mut accuracies: Vec<(usize, f64)> = Vec::new();
        let mut n = 0;
        for (read, judged) in self.reads.all.iter().zip(self.results) {
            let (Some(layer), Some(at)) = (resid_post(read, length), self.at.first()) else { continue };
            let score = self.score(read.place, at, judged, None);
            accuracies.push((layer, score.test.accuracy.rate().unwrap_or(f64::NAN)));
            n = score.test.accuracy.n;
        }
        accuracies.sort_by_key(|(layer, _)| *layer);
        let writing = answer_writing(&accuracies, share)?;
        Some(Layers { writing, n_layers, share, n })
    }
}

/// The layer of a read at `resid_post` of the last position.
fn resid_post(read: &Read, length: usize) -> Option<usize> {
    match (read.place.hook, read.place.unit) {
        (Hook::Block(layer, Site::ResidPost), None) if read.position + 1 == length => Some(layer),
        _ => None,
    }
}

/// Whether the layers that write the answer can be told from these.
pub fn has_layers(reads: &Reads, length: usize) -> bool {
    reads.all.iter().any(|read| resid_post(read, length).is_some())
}

/// The rows `NAME` after the template: the columns of [`places::keys`], `operator` (`all` for all together), `n` (test prompts),
/// `classes` (null: several classifiers), `unseen` (test prompts whose answer is not learned), `accuracy`, `ci_low`, `ci_high`
/// (95 % Wilson), `loss` (mean cross-entropy, nats), `train_n`, `train_accuracy`, `train_loss`.
///
/// # Errors
/// None of its own.
pub fn accuracies(scores: &[Score], facts: Option<&Facts>) -> PolarsResult<DataFrame> {
    let keys: Vec<(Place, &PositionGroup)> = scores.iter().map(|score| (score.place, score.at)).collect();
    let ends = |score: &Score| score.test.accuracy.interval();
    places::keys(&keys, facts)?.hstack(
        df!(
            "operator" => scores.iter().map(|score| score.operator).collect::<Vec<_>>(),
            "n" => scores.iter().map(|score| score.test.accuracy.n).collect::<Vec<_>>(),
            "classes" => scores.iter().map(|score| score.classes).collect::<Vec<_>>(),
            "unseen" => scores.iter().map(|score| score.unseen).collect::<Vec<_>>(),
            "accuracy" => scores.iter().map(|score| score.test.accuracy.rate()).collect::<Vec<_>>(),
            "ci_low" => scores.iter().map(|score| ends(score).low).collect::<Vec<_>>(),
            "ci_high" => scores.iter().map(|score| ends(score).high).collect::<Vec<_>>(),
            "loss" => scores.iter().map(|score| score.test.mean_loss()).collect::<Vec<_>>(),
            "train_n" => scores.iter().map(|score| score.train.accuracy.n).collect::<Vec<_>>(),
            "train_accuracy" => scores.iter().map(|score| score.train.accuracy.rate()).collect::<Vec<_>>(),
            "train_loss" => scores.iter().map(|score| score.train.mean_loss()).collect::<Vec<_>>(),
        )?
        .columns(),
    )
}

/// The rule and what it found.
pub struct Layers {
    writing: Writing,
    n_layers: usize,
    share: f64,
    n: u64,
}

/// The row `NAME.layers` after the template: `first_layer` (null where none is found), `last_layer` (excluded), `layers` (both, as a
/// spec writes them), `accuracy` (at the first), `best`, `best_layer`, `share`, `n` (test prompts).
///
/// # Errors
/// None of its own.
pub fn layers(found: Option<&Layers>) -> PolarsResult<DataFrame> {
    let each = found.as_slice();
    let last = |found: &Layers| found.writing.first.map(|_| found.n_layers as u32);
    let layers = |found: &Layers| found.writing.first.map(|(first, _)| format!("{first}..{}", found.n_layers));
    df!(
        "first_layer" => each.iter().map(|found| found.writing.first.map(|(layer, _)| layer as u32)).collect::<Vec<_>>(),
        "last_layer" => each.iter().map(|found| last(found)).collect::<Vec<_>>(),
        "layers" => each.iter().map(|found| layers(found)).collect::<Vec<_>>(),
        "accuracy" => each.iter().map(|found| found.writing.first.map(|(_, accuracy)| accuracy)).collect::<Vec<_>>(),
        "best" => each.iter().map(|found| found.writing.best.1).collect::<Vec<_>>(),
        "best_layer" => each.iter().map(|found| found.writing.best.0 as u32).collect::<Vec<_>>(),
        "share" => each.iter().map(|found| found.share).collect::<Vec<_>>(),
        "n" => each.iter().map(|found| found.n).collect::<Vec<_>>(),
    )
}
