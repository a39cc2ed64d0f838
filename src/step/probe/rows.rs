//! The rows of a probe: accuracies, and the layers that write the answer.

use super::reads::{ProbeInput, Reads};
use super::train::{Judgement, Lesson, ProbeTask};
use crate::measure::RightAnswers;
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};
use crate::probe::{Judged, Writing, answer_writing};
use crate::step::places::{Component, PlaceColumns, PositionGroup};
use crate::table::rows;

/// All groups together.
pub const ALL: &str = "all";

/// What the classifiers of a cell say.
pub struct ProbeResults<'r> {
    /// The prompts.
    pub task: &'r ProbeTask<'r>,
    /// What was read.
    pub reads: &'r Reads,
    /// Places of the spec.
    pub places: &'r [Component],
    /// Positions of the spec.
    pub at: &'r [PositionGroup],
    /// What each read's classifiers say, lesson by lesson.
    pub results: &'r [Vec<Judgement>],
}

/// How well a read tells the answers of one group, or of all.
pub struct ProbeScore<'r> {
    place: Component,
    at: &'r PositionGroup,
    group: &'r str,
    /// Classes of the classifier; `None` where there are several.
    classes: Option<u32>,
    unseen: u64,
    test: JudgementSum,
    train: JudgementSum,
}

/// Answers counted, and their losses.
#[derive(Debug, Clone, Copy, Default)]
struct JudgementSum {
    accuracy: RightAnswers,
    loss: f64,
}

impl JudgementSum {
    fn add(&mut self, judged: Judged) {
        self.accuracy.add(judged.correct);
        self.loss += judged.loss;
    }

    fn mean_loss(self) -> Option<f64> {
        (self.accuracy.n > 0).then(|| self.loss / self.accuracy.n as f64)
    }
}

impl<'r> ProbeResults<'r> {
    /// One for each place, position and group, and over all groups.
    pub fn scores(&self) -> Vec<ProbeScore<'r>> {
        let mut scores = Vec::new();
        for &place in self.places {
            for (name, at) in self.at.iter().enumerate() {
                let read = self.reads.read(place, name);
                let Some(index) = read.and_then(|read| self.reads.all.iter().position(|other| *other == read)) else {
                    continue;
                };
                let groups = (0..self.task.groups.len()).map(Some).chain([None]);
                scores.extend(groups.map(|group| self.score(place, at, &self.results[index], group)));
            }
        }
        scores
    }

    fn score(
        &self,
        place: Component,
        at: &'r PositionGroup,
        judged: &[Judgement],
        group: Option<usize>,
    ) -> ProbeScore<'r> {
        let of = |row: usize| group.is_none_or(|index| self.task.prompts[row].group == *self.task.groups[index]);
        let (mut test, mut train, mut unseen, mut classes) =
            (JudgementSum::default(), JudgementSum::default(), 0, Vec::new());
        for (lesson, judged) in self.task.lessons.iter().zip(judged) {
            // A classifier of another group says nothing of this one's prompts.
            if group.is_some() && lesson.group.is_some() && lesson.group != group {
                continue;
            }
            let Lesson { split, .. } = lesson;
            let sum = |sum: &mut JudgementSum, rows: &[usize], judged: &[Judged]| {
                rows.iter().zip(judged).filter(|(row, _)| of(**row)).for_each(|(_, judged)| sum.add(*judged));
            };
            sum(&mut test, &split.test, &judged.test);
            sum(&mut train, &split.train, &judged.train);
            unseen += lesson.unseen.iter().filter(|&&row| of(row)).count() as u64;
            classes.push(lesson.classes as u32);
        }
        let classes = if let [classes] = classes.as_slice() { Some(*classes) } else { None };
        let group = group.map_or(ALL, |index| self.task.groups[index].label());
        ProbeScore { place, at, group, classes, unseen, test, train }
    }

    /// The layers that write the answer: the rule on the accuracies at `resid_post` of the last position; `None` where that is
    /// not read.
    pub fn answer_writing(&self, lengths: &[usize], n_layers: usize, share: f64) -> Option<WritingLayers> {
        let mut accuracies: Vec<(usize, f64)> = Vec::new();
        let mut n = 0;
        for (read, judged) in self.reads.all.iter().zip(self.results) {
            let (Some(layer), Some(at)) = (resid_post(read, self.reads, lengths), self.at.first()) else { continue };
            let score = self.score(read.place, at, judged, None);
            accuracies.push((layer, score.test.accuracy.rate().unwrap_or(f64::NAN)));
            n = score.test.accuracy.n;
        }
        accuracies.sort_by_key(|(layer, _)| *layer);
        let writing = answer_writing(&accuracies, share)?;
        Some(WritingLayers { writing, n_layers, share, n })
    }
}

/// The layer of a read at `resid_post` of the last position.
fn resid_post(read: &ProbeInput, reads: &Reads, lengths: &[usize]) -> Option<usize> {
    match (read.place.hook, read.place.unit) {
        (Hook::Block(layer, Site::ResidPost), None) if reads.is_last(read.position, lengths) => Some(layer),
        _ => None,
    }
}

/// Whether the layers that write the answer can be told from these.
pub fn has_layers(reads: &Reads, lengths: &[usize]) -> bool {
    reads.all.iter().any(|read| resid_post(read, reads, lengths).is_some())
}

rows! {
    /// How well a read tells the answers.
    pub ScoreColumns<'r>((score, facts): (&'r ProbeScore<'r>, &'r Facts)) {
        place: PlaceColumns = score.place.key(score.at, facts);
        operator: String = score.group, in [ALL];
        n: i64 = score.test.accuracy.n, "How many test prompts.";
        classes: Option<i64> = score.classes, "Answers that the classifier tells apart; null where there are several classifiers.";
        unseen: i64 = score.unseen, "Test prompts whose answer no training prompt has.";
        accuracy: Option<f64> = score.test.accuracy.rate(), "Share of prompts with the right answer.";
        ci_low: f64 = score.test.accuracy.interval().low;
        ci_high: f64 = score.test.accuracy.interval().high;
        loss: Option<f64> = score.test.mean_loss(), "Cross-entropy in nats.";
        train_n: i64 = score.train.accuracy.n, "Training prompts.";
        train_accuracy: Option<f64> = score.train.accuracy.rate(), "Accuracy on them after the last epoch.";
        train_loss: Option<f64> = score.train.mean_loss(), "Loss on them after the last epoch.";
    }

    /// The layers that write the answer; as many nulls where none qualifies.
    pub LayersColumns<'r>(found: &'r WritingLayers) {
        first_layer: Option<i64> = found.first(), "The first answer-writing layer; null where none qualifies.";
        last_layer: Option<i64> = found.first().map(|_| found.n_layers), "The layer after the last one.";
        layers: Option<String> = found.first().map(|first| format!("{first}..{}", found.n_layers)), "The layers, as specs write them.";
        accuracy: Option<f64> = found.writing.first.map(|(_, accuracy)| accuracy), "Accuracy at the first layer.";
        best: f64 = found.writing.best.1, "The best accuracy.";
        best_layer: i64 = found.writing.best.0, "The layer with the best accuracy.";
        share: f64 = found.share, "The share of the best that is asked for.";
        n: i64 = found.n;
    }
}

/// The rule and what it found.
pub struct WritingLayers {
    writing: Writing,
    n_layers: usize,
    share: f64,
    n: u64,
}

impl WritingLayers {
    fn first(&self) -> Option<usize> {
        self.writing.first.map(|(layer, _)| layer)
    }
}
