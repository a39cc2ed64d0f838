//! Distributed alignment search (Geiger et al. 2023): a subspace learned so that, where a prompt's activation takes the counterfactual prompt's
//! values within it, the model gives the counterfactual answer.
//!
//! With orthonormal rows R and δ = x' − x, the activation becomes x + RᵀR δ. For the gradient g of the loss by what is added, ∂L/∂rⱼ =
//! Σ g (rⱼ·δ) + δ (rⱼ·g) over the pairs; after each step of Adam the rows are made orthonormal again (Gram and Schmidt).

use super::classes::DirectionPrompts;
use super::find::{FoundDirection, share_row};
use super::fitted::Fitted;
use super::reads::{self, DirectionPlace};
use super::rows::{INTERCHANGE, PATCHED, Separation};
use crate::Error;
use crate::context::Context;
use crate::counted::counted;
use crate::direction::{ControlDraws, Points, orthonormal, random_basis, signed};
use crate::intervene::{AddedPlace, AddedRun, run_added};
use crate::kernel::{Adam, Moments};
use crate::measure::RightAnswers;
use crate::model::transformer::Tokens;
use crate::probe::{EpochOrder, RowSplit};
use crate::prompt::Prompt;
use crate::random::{Purpose, stream};
use crate::spec::step::FindDirection;
use crate::step::pairing::{Other, PromptPairs};
use crate::step::replays::Stopped;
use crate::step::{ModelRun, Outcome, model_run};
use crate::system::interrupt;
use crate::system::progress::ProgressTask;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// Pairs of one length: prompt by prompt the clean one, the counterfactual one, and the first token of its answer.
struct ExchangePairs {
    /// Number of their cell among those of the prompts.
    number: usize,
    pairs: PromptPairs,
    clean: Vec<Prompt>,
    /// Number of the first pair among all.
    first: usize,
}

/// What is learned from, and what it is tested on.
pub struct ExchangeTask<'e> {
    step: &'e FindDirection,
    subject: &'e ModelRun,
    cells: Vec<ExchangePairs>,
    split: RowSplit,
    context: &'e Context<'e>,
}

/// What was learned at a place.
#[derive(Serialize, Deserialize)]
pub struct LearnedExchange {
    basis: Vec<Vec<f64>>,
    /// Pairs that give the other answer: with the subspace exchanged, and with all of the activation.
    right: [u64; 2],
    /// The same of random subspaces, as a share.
    random: Vec<f64>,
    /// Mean loss over the pairs of the first and of the last epoch.
    losses: [f64; 2],
    /// Share of the variance of the clean prompts that are measured within the subspace.
    share: f64,
    /// Mean of the clean prompts that it is learned from.
    mean: Vec<f64>,
    /// What is added at strength 1.
    vector: Vec<f64>,
}

/// What stands at a place in the pairs, `[pair, width]`.
pub struct PairValues {
    clean: Vec<f32>,
    /// The counterfactual's value minus the clean one's.
    change: Vec<f32>,
}

impl<'e> ExchangeTask<'e> {
    /// Draws the pairs, and records them in the outcome.
    ///
    /// # Errors
    /// Prompts without a counterfactual, and too few of them, at their place in the spec.
    pub fn new(
        step: &'e FindDirection,
        subject: &'e ModelRun,
        prompts: &DirectionPrompts,
        context: &'e Context<'e>,
        outcome: &mut Outcome,
    ) -> Result<Self, Error> {
        let (mut cells, mut count) = (Vec::new(), 0);
        let mut none = None;
        for (number, source) in prompts.cells.iter().enumerate() {
            let drawn = PromptPairs::draw(Other::Run, (&source.cell, subject), &step.counterfactual, step, context);
            let pairs = match drawn {
                Ok(pairs) => pairs,
                // Prompts of this shape have no counterfactual; those of another may.
                Err(Error::NonePaired { refused, .. }) => {
                    none.get_or_insert(*refused);
                    continue;
                }
                Err(error) => return Err(error),
            };
            pairs.record(&step.name, &source.cell, subject, outcome)?;
            let clean: Vec<Prompt> = pairs.clean.iter().map(|&index| source.cell.prompts[index].clone()).collect();
            let first = count;
            count += clean.len();
            cells.push(ExchangePairs { number, pairs, clean, first });
        }
        if let Some(refused) = none.filter(|_| cells.is_empty()) {
            return Err(refused);
        }
        let split = RowSplit::new(count, step.train, step.seed);
        if split.train.is_empty() {
            let problem = format!(
                "train takes none of {} of prompts (train = {}); write a larger share, or more prompts",
                counted(count, "pair"),
                step.train
            );
            return Err(super::classes::refuse(step, context, &["train"], problem));
        }
        Ok(Self { step, subject, cells, split, context })
    }

    /// Epochs of all that is learned at a place, for progress.
    pub fn epochs(&self) -> u64 {
        self.step.epochs as u64
    }

    /// What stands at the places in all pairs.
    ///
    /// # Errors
    /// Ctrl-C, and hooks that are not reached.
    pub fn values(&self, places: &[DirectionPlace], label: &str) -> Result<Vec<PairValues>, Error> {
        let pairs: usize = self.cells.iter().map(|cell| cell.clean.len()).sum();
        let task = self.context.progress.begin(label, 2 * pairs as u64, "prompts");
        let mut all = [(); 2].map(|()| places.iter().map(|_| Vec::new()).collect::<Vec<Vec<f32>>>());
        for cell in &self.cells {
            let number = cell.number;
            let clean: Vec<&Prompt> = cell.clean.iter().collect();
            let other: Vec<&Prompt> = (0..cell.clean.len()).map(|pair| cell.other(pair)).collect();
            for ((prompts, values), name) in [clean, other].iter().zip(&mut all).zip(["clean", "counterfactual"]) {
                let what = format!("{label}, {name} prompts of part {number}");
                reads::capture_cell(places, (self.subject, prompts, number), &what, (self.context, &task), values)?;
            }
        }
        let [clean, other] = all;
        let pair = |(clean, other): (Vec<f32>, Vec<f32>)| PairValues {
            change: other.iter().zip(&clean).map(|(other, clean)| other - clean).collect(),
            clean,
        };
        Ok(clean.into_iter().zip(other).map(pair).collect())
    }

    /// Learns a subspace at a place, and tests it.
    ///
    /// # Errors
    /// Logits that are not finite, and Ctrl-C.
    pub fn learned(
        &self,
        place: &DirectionPlace,
        values: &PairValues,
        width: usize,
        progress: &ProgressTask,
    ) -> Result<LearnedExchange, Error> {
        let k = self.step.dimensions.min(width);
        let mut basis = random_basis(k, width, &mut stream(self.step.seed, Purpose::Weights));
        let mut moments = Moments::new(k * width);
        let mut losses = Vec::with_capacity(self.step.epochs);
        for order in EpochOrder::new(&self.split.train, self.step.seed).take(self.step.epochs) {
            let (mut sum, mut count) = (0.0, 0);
            for batch in order.chunks(self.step.batch.max(1)) {
                let mut gradient = vec![0.0_f64; k * width];
                for (cell, pairs) in self.by_cell(batch) {
                    let run = self.exchanged(place, (cell, &pairs), values, Some(&basis), width, true)?;
                    let share = pairs.len() as f64 / batch.len() as f64;
                    sum += run.loss * pairs.len() as f64;
                    count += pairs.len();
                    for (&pair, g) in pairs.iter().zip(run.gradient.chunks_exact(width)) {
                        let change = &values.change[pair * width..][..width];
                        for (row, out) in basis.iter().zip(gradient.chunks_exact_mut(width)) {
                            let of =
                                |vector: &[f32]| row.iter().zip(vector).map(|(r, &v)| r * f64::from(v)).sum::<f64>();
                            let (along_change, along_gradient) = (of(change), of(g));
                            for ((out, &g), &change) in out.iter_mut().zip(g).zip(change) {
                                *out += share * (f64::from(g) * along_change + f64::from(change) * along_gradient);
                            }
                        }
                    }
                }
                let mut rows: Vec<f32> = basis.iter().flatten().map(|&value| value as f32).collect();
                let gradient: Vec<f32> = gradient.into_iter().map(|value| value as f32).collect();
                moments.step(Adam::new(self.step.lr), &mut rows, &gradient);
                let rows: Vec<Vec<f64>> =
                    rows.chunks_exact(width).map(|row| row.iter().map(|&value| f64::from(value)).collect()).collect();
                let next = orthonormal(&rows);
                if next.len() < k {
                    let problem = format!(
                        "{}: the directions of the subspace became the same during training; write a smaller lr",
                        place.place.hook
                    );
                    return Err(Error::failed(format!("step '{}'", self.step.name))(problem));
                }
                basis = next;
            }
            losses.push(sum / count.max(1) as f64);
            progress.advance(1);
        }
        let (measured, _) = self.split.measured();
        let right = |basis: Option<&[Vec<f64>]>| self.right(place, measured, values, basis, width);
        let found = [right(Some(&basis))?.correct, right(None)?.correct];
        let mut random = stream(self.step.seed, Purpose::Control);
        let draws = (0..self.step.controls).map(|_| {
            let other = random_basis(k, width, &mut random);
            Ok(right(Some(&other))?.rate().unwrap_or(f64::NAN))
        });
        let draws = draws.collect::<Result<Vec<f64>, Error>>()?;
        let ends = [losses.first().copied().unwrap_or(f64::NAN), losses.last().copied().unwrap_or(f64::NAN)];
        let points = Points::new(&values.clean, width);
        let share = points.variance(measured).share(&basis);
        let train = &self.split.train;
        let Fitted { basis, mean, vector, .. } = Fitted::spread(signed(basis), points.mean(train), points, train);
        Ok(LearnedExchange { basis, right: found, random: draws, losses: ends, share, mean, vector })
    }

    /// How many of some pairs give the other answer; without a basis all of the activation is exchanged.
    fn right(
        &self,
        place: &DirectionPlace,
        pairs: &[usize],
        values: &PairValues,
        basis: Option<&[Vec<f64>]>,
        width: usize,
    ) -> Result<RightAnswers, Error> {
        let mut right = RightAnswers::default();
        for (cell, pairs) in self.by_cell(pairs) {
            for part in pairs.chunks(self.context.batch(&self.subject.model)) {
                let run = self.exchanged(place, (cell, part), values, basis, width, false)?;
                run.right.into_iter().for_each(|one| right.add(one));
            }
        }
        Ok(right)
    }

    /// One run of some pairs of a cell with the subspace exchanged.
    fn exchanged(
        &self,
        place: &DirectionPlace,
        (number, pairs): (usize, &[usize]),
        values: &PairValues,
        basis: Option<&[Vec<f64>]>,
        width: usize,
        with_gradient: bool,
    ) -> Result<AddedRun, Error> {
        interrupt::check()?;
        let cell = &self.cells[number];
        let prompts: Vec<&Prompt> = pairs.iter().map(|&pair| &cell.clean[pair - cell.first]).collect();
        let targets: Vec<u32> = pairs.iter().map(|&pair| cell.other(pair - cell.first).answer_token()).collect();
        let mut added: Vec<f32> = Vec::with_capacity(pairs.len() * width);
        for &pair in pairs {
            let change = &values.change[pair * width..][..width];
            match basis {
                None => added.extend(change),
                Some(basis) => {
                    let mut sum = vec![0.0; width];
                    for row in basis {
                        let along: f64 = row.iter().zip(change).map(|(row, &change)| row * f64::from(change)).sum();
                        sum.iter_mut().zip(row).for_each(|(sum, row)| *sum += along * row);
                    }
                    added.extend(sum.into_iter().map(|value| value as f32));
                }
            }
        }
        let at = AddedPlace { hook: place.place.hook, unit: place.place.unit, position: place.index[cell.number] };
        let tokens: Tokens = model_run::tokens(&prompts)?;
        run_added::<Stopped>(self.subject.model.transformer(), &tokens, at, &added, &targets, with_gradient)
            .map_err(|stopped| stopped.error(&self.step.name))
    }

    /// Pairs cell by cell, in their order.
    fn by_cell(&self, pairs: &[usize]) -> Vec<(usize, Vec<usize>)> {
        let within = |number: usize| {
            let cell = &self.cells[number];
            let of = |pair: &usize| (cell.first..cell.first + cell.clean.len()).contains(pair);
            (number, pairs.iter().copied().filter(of).collect::<Vec<usize>>())
        };
        (0..self.cells.len()).map(within).filter(|(_, pairs)| !pairs.is_empty()).collect()
    }

    /// What is said of a place.
    pub fn found(&self, place: &DirectionPlace, learned: LearnedExchange) -> FoundDirection {
        let (measured, split) = self.split.measured();
        let n = measured.len() as u64;
        let measure = |measure: &'static str, correct: u64, random: &[f64]| {
            let right = RightAnswers { correct, n };
            Separation {
                axis: None,
                measure,
                value: right.rate().unwrap_or(f64::NAN),
                interval: Some(right.interval()),
                random: ControlDraws::of(random.iter().copied()),
                shuffled: None,
            }
        };
        let rows = vec![
            measure(INTERCHANGE, learned.right[0], &learned.random),
            measure(PATCHED, learned.right[1], &[]),
            share_row(learned.share, None),
        ];
        let LearnedExchange { basis, mean, vector, .. } = learned;
        let fitted = Fitted { basis, mean, means: IndexMap::new(), vector };
        FoundDirection {
            subspace: fitted.stored(place),
            rows,
            points: Vec::new(),
            spectrum: Vec::new(),
            counts: (self.split.train.len(), measured.len()),
            split,
        }
    }
}

impl LearnedExchange {
    /// What a reader should know of it: that it was still learning.
    pub fn is_still_learning(&self) -> bool {
        let [first, last] = self.losses;
        last.is_nan() || last > 0.9 * first
    }
}

impl ExchangePairs {
    /// The counterfactual prompt of a pair of this cell.
    fn other(&self, pair: usize) -> &Prompt {
        &self.pairs.others[self.pairs.other[pair]]
    }
}
