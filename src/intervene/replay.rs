//! The replay: rows join the base run where their edits change it, and one sweep over the layers computes them all.

use super::activation::Activations;
use super::apply::run_edited;
use super::base::CleanRun;
use super::edit::EditedPrompt;
use super::entry::{SweepEntry, settled};
use super::error::EditError;
use super::operations::unembedding_operations;
use super::origin::{MOST_POSITIONS, SweepOrigin};
use super::parallel;
use super::plan::plan;
use super::readout::{LogitRead, LogitReads};
use super::sharing::{self, DeviceCopy};
use super::side_by_side::SideBySide;
use super::sweep::{Consume, Sweep};
use super::tensors::moved;
use super::vocabulary::Vocabulary;
use super::work::Work;
use super::workers::{self, Deliver};
use crate::kernel;
use crate::model::NotFinite;
use crate::model::transformer::Transformer;
use burn::tensor::Tensor;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows that a thread plans before it looks for more to do.
const PLANNED_AT_ONCE: usize = 256;

/// The golden ratio's fraction of 2⁶⁴: its multiples lie evenly and have no period, as the rows of a map may have.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Makes something of the numbers of some rows and their last logits.
type RowsReader<'r, R> = dyn Fn(&[usize], Tensor<2>) -> R + Sync + 'r;

/// Runs rows from a base run.
pub struct Replay<'a>(SweepOrigin<'a>, Vec<DeviceCopy<'a>>);

/// How much work rows are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Rows asked for.
    pub rows: usize,
    /// Rows whose edits change nothing.
    pub unchanged: usize,
    /// Positions of layers that whole forward passes would compute.
    pub naive: u64,
    /// Positions of layers that are computed: rows that are the same up to some layer count once.
    pub replayed: u64,
    /// Floating-point operations of the products that they take, and of the unembedding of each row.
    pub operations: u64,
}

/// What was computed a second time, beside what it was the first time: rows recomputed from scratch, prompts run alone.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ReplayCheck {
    /// How many have been compared: one whose logits an edit has made infinite or no numbers, here and there alike, says nothing.
    pub rows: usize,
    /// Largest absolute difference of any logit.
    pub largest_difference: f32,
    /// Largest absolute logit among them.
    pub largest_logit: f32,
}

impl ReplayCheck {
    /// The places of `count` of `rows` rows, or of all of them where they are fewer: one of each of equal stretches, another place of each. Rows
    /// come in a regular order, and the middles of stretches might all be of one kind: of one position, before which nothing is edited, or
    /// of the run without edits.
    pub(crate) fn places(rows: usize, count: usize) -> Vec<usize> {
        let count = count.min(rows);
        let place = |index: usize| {
            let (first, end) = (index * rows / count, (index + 1) * rows / count);
            let share = (index as u64 + 1).wrapping_mul(GOLDEN) >> 32;
            first + ((share * (end - first) as u64) >> 32) as usize
        };
        (0..count).map(place).collect()
    }

    /// Compares values of one row with those of its second run. `largest` is the largest absolute logit of its distribution.
    pub(crate) fn add(&mut self, first: &[f32], second: &[f32], largest: f32) {
        if !first.iter().chain(second).any(|value| value.is_finite()) {
            return;
        }
        self.rows += 1;
        self.largest_difference =
            first.iter().zip(second).map(Self::difference).fold(self.largest_difference, f32::max);
        self.largest_logit = self.largest_logit.max(largest);
    }

    /// How far a number lies from the same one of a run from scratch. An edit can make both infinite or no numbers, which is the same;
    /// otherwise such a one differs from everything.
    pub(crate) fn difference((&a, &b): (&f32, &f32)) -> f32 {
        match a == b || !a.is_finite() && !b.is_finite() {
            true => 0.0,
            false if a.is_finite() && b.is_finite() => (a - b).abs(),
            false => f32::INFINITY,
        }
    }
}

impl<'a> Replay<'a> {
    /// Rows will start from `base` and read [`super::Value::Source`] from `sources`; sweeps take at most `memory` bytes.
    pub fn new(transformer: &'a Transformer, base: &'a CleanRun, sources: &'a Activations, memory: usize) -> Self {
        Self(SweepOrigin { transformer, base, sources, memory }, Vec::new())
    }

    /// The rows are shared with further devices, each of which has a copy of the model. Models so small that pieces of their work run side by
    /// side on the CPU are not.
    pub fn shared(mut self, copies: &'a [Transformer]) -> Self {
        if !parallel::is_small(self.0.transformer) {
            self.1 = copies.iter().map(|copy| DeviceCopy::new(copy, self.0.base)).collect();
        }
        self
    }

    /// Checks and plans rows: those that change something in the order they are computed, and those that do not.
    fn plan(&self, rows: &[EditedPrompt]) -> Result<(Vec<SweepEntry>, Vec<usize>), EditError> {
        let parts: Vec<usize> = (0..rows.len()).step_by(PLANNED_AT_ONCE).collect();
        let part = |&first: &usize| self.plan_part(rows, first..rows.len().min(first + PLANNED_AT_ONCE));
        let planned: Vec<Result<_, EditError>> = parts.par_iter().map(part).collect();
        let (mut entries, mut unchanged) = (Vec::with_capacity(rows.len()), Vec::new());
        for part in planned {
            let (more, same) = part?;
            entries.extend(more);
            unchanged.extend(same);
        }
        entries.par_sort_by_key(SweepEntry::order);
        Ok((entries, unchanged))
    }

    fn plan_part(&self, rows: &[EditedPrompt], part: Range<usize>) -> Result<(Vec<SweepEntry>, Vec<usize>), EditError> {
        let facts = self.0.transformer.facts();
        let length = self.0.base.tokens.pos;
        let mut validated: Option<Arc<[super::Edit]>> = None;
        let mut from = facts.n_layers;
        let (mut entries, mut unchanged) = (Vec::with_capacity(part.len()), Vec::new());
        for number in part {
            let row = &rows[number];
            if validated.as_ref().is_none_or(|edits| !Arc::ptr_eq(edits, &row.edits)) {
                row.edits.iter().try_for_each(|edit| edit.validate(facts, length).map(drop))?;
                from = settled(&row.edits, facts, length);
                validated = Some(row.edits.clone());
            }
            match plan(number, row, from, facts, self.0.base, self.0.sources)? {
                Some(entry) => entries.push(entry),
                None => unchanged.push(number),
            }
        }
        Ok((entries, unchanged))
    }

    /// How much work rows are, without doing it.
    ///
    /// # Errors
    /// Edits that the model cannot have, and values that are not there.
    pub fn cost(&self, rows: &[EditedPrompt]) -> Result<Cost, EditError> {
        let (entries, unchanged) = self.plan(rows)?;
        let (facts, length) = (self.0.transformer.facts(), self.0.base.tokens.pos);
        let mut cost = Cost {
            rows: rows.len(),
            unchanged: unchanged.len(),
            naive: (rows.len() * facts.n_layers * length) as u64,
            replayed: 0,
            operations: 0,
        };
        for sweep in self.0.sweeps(&entries) {
            let work = Work::of_sweep(rows, sweep, facts, length);
            cost.replayed += work.positions;
            cost.operations += work.operations + work.unembedded * unembedding_operations(facts);
        }
        Ok(cost)
    }

    /// Logits at the last position of every row, `[row, n_vocab]`. For few rows: see [`Replay::read`].
    ///
    /// # Errors
    /// Edits that the model cannot have, and values that are not there.
    pub fn logits(&self, rows: &[EditedPrompt]) -> Result<Tensor<2>, EditError> {
        let mut parts: Vec<Tensor<2>> = Vec::new();
        let mut order: Vec<usize> = Vec::new();
        let device = self.0.transformer.device();
        self.each::<_, EditError>(
            rows,
            &Vocabulary::Whole,
            &|_, logits| moved(&logits, &device),
            &mut |numbers, logits| {
                order.extend(numbers);
                parts.push(logits);
                Ok(())
            },
        )?;
        if rows.is_empty() {
            let n_vocab = self.0.transformer.facts().n_vocab;
            return Ok(Tensor::empty([0, n_vocab], (&self.0.transformer.device(), self.0.base.logits.dtype())));
        }
        let mut back = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &number)| back[number] = place);
        Ok(Tensor::cat(parts, 0).select(0, kernel::indices(back, &self.0.transformer.device())))
    }

    /// What measures need of every row. `tokens` are those whose logits are picked, `wanted.picks` for each row; `pause`
    /// is called between pieces of work with the number of rows done.
    ///
    /// # Errors
    /// Edits that the model cannot have, values that are not there, and what `pause` returns.
    pub fn read<E: From<EditError>>(
        &self,
        rows: &[EditedPrompt],
        tokens: &(dyn Fn(usize) -> Vec<u32> + Sync),
        wanted: LogitRead,
        mut pause: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<LogitReads, E> {
        let mut readouts = LogitReads::new(rows.len(), wanted);
        let vocabulary = match wanted.distribution || wanted.divergence || wanted.ranked > 0 {
            true => Vocabulary::Whole,
            false => Vocabulary::of((0..rows.len()).flat_map(tokens).collect(), self.0.transformer),
        };
        let columns = |row: usize| tokens(row).into_iter().map(|token| vocabulary.column(token)).collect();
        let read = |numbers: &[usize], logits: Tensor<2>| {
            let device = logits.device();
            let base = || moved(&self.base_logits(rows, numbers, &vocabulary), &device);
            LogitReads::read(logits, numbers, columns, base, wanted)
        };
        self.each::<_, E>(rows, &vocabulary, &read, &mut |numbers, read| {
            readouts.put(numbers, &read);
            pause(numbers.len())
        })?;
        Ok(readouts)
    }

    /// Recomputes `count` of the rows from scratch, evenly spread, and compares every logit with the replay's: together, and the first of
    /// them alone, since rows must not depend on what is computed beside them.
    ///
    /// # Errors
    /// Edits that the model cannot have, and values that are not there.
    pub fn check(&self, rows: &[EditedPrompt], count: usize) -> Result<ReplayCheck, EditError> {
        let places = ReplayCheck::places(rows.len(), count);
        let sample: Vec<EditedPrompt> = places.into_iter().map(|place| rows[place].clone()).collect();
        if sample.is_empty() {
            return Ok(ReplayCheck::default());
        }
        let replayed = kernel::to_f32(self.logits(&sample)?);
        let whole: Vec<EditedPrompt> = sample.iter().map(|row| self.0.base.with_those_under(row)).collect();
        let scratch = kernel::to_f32(run_edited(self.0.transformer, &self.0.base.tokens, &whole, self.0.sources));
        let alone = run_edited(self.0.transformer, &self.0.base.tokens, &whole[..1], self.0.sources);
        let alone = kernel::to_f32(alone);
        // What is finite on neither side agrees with anything: a row of such logits alone is not compared.
        let width = replayed.len() / sample.len();
        let pairs = replayed.chunks_exact(width.max(1)).zip(scratch.chunks_exact(width.max(1)));
        let compared = pairs.filter(|(a, b)| a.iter().chain(*b).any(|value| value.is_finite())).count();
        Ok(ReplayCheck {
            rows: compared,
            largest_difference: replayed
                .iter()
                .zip(&scratch)
                .chain(replayed.iter().zip(&alone))
                .map(ReplayCheck::difference)
                .fold(0.0, f32::max),
            largest_logit: scratch
                .iter()
                .map(|value| value.abs())
                .filter(|value| value.is_finite())
                .fold(0.0, f32::max),
        })
    }

    /// Calls `consume` with the numbers of some rows at a time and what `read`, which may run on any thread, makes of their last
    /// logits, until every row was there once.
    fn each<R: Send, E: From<EditError>>(
        &self,
        rows: &[EditedPrompt],
        vocabulary: &Vocabulary,
        read: &RowsReader<R>,
        consume: &mut Consume<E, R>,
    ) -> Result<(), E> {
        let (entries, unchanged) = self.plan(rows)?;
        for numbers in unchanged.chunks(MOST_POSITIONS) {
            consume(numbers, read(numbers, self.base_logits(rows, numbers, vocabulary)))?;
        }
        if !self.1.is_empty() {
            self.each_on_devices(rows, &entries, vocabulary, read, consume)?;
        } else {
            match SideBySide::of(&self.0, rows, entries, vocabulary) {
                Ok(pieces) => self.each_side_by_side(rows, &pieces, vocabulary, read, consume)?,
                Err(entries) => self.0.sweeps(&entries).try_for_each(|sweep| {
                    let sweep = Sweep::new(&self.0, rows, sweep, vocabulary);
                    sweep.run(&mut |numbers, logits| consume(numbers, read(numbers, logits)))
                })?,
            }
        }
        NotFinite::check_read(self.0.transformer).map_err(EditError::from)?;
        Ok(())
    }

    /// The same on several devices at once.
    fn each_on_devices<R: Send, E>(
        &self,
        rows: &[EditedPrompt],
        entries: &[SweepEntry],
        vocabulary: &Vocabulary,
        read: &RowsReader<R>,
        consume: &mut Consume<E, R>,
    ) -> Result<(), E> {
        let Replay(first, copies) = self;
        let devices: Vec<_> =
            std::iter::once(first.transformer.device()).chain(copies.iter().map(DeviceCopy::device)).collect();
        let memory = sharing::memory_of_each(first.memory, &devices);
        let origins = std::iter::once(SweepOrigin { memory, ..*first });
        let origins = origins.chain(copies.iter().map(|copy| copy.origin(first, memory)));
        let shares: Vec<_> = origins.zip(sharing::shares(entries, rows, devices.len())).collect();
        let work = |device: usize, deliver: &Deliver<R>| {
            let (origin, entries) = &shares[device];
            let vocabulary = vocabulary.of_copy(origin.transformer);
            origin.sweeps(entries).try_for_each(|sweep| {
                let sweep = Sweep::new(origin, rows, sweep, &vocabulary);
                sweep.run(&mut |numbers, logits| deliver(numbers, read(numbers, logits)))
            })
        };
        workers::run(shares.len(), &work, consume)
    }

    /// The same of pieces of the rows, each computed by one thread.
    fn each_side_by_side<R: Send, E>(
        &self,
        rows: &[EditedPrompt],
        pieces: &SideBySide,
        vocabulary: &Vocabulary,
        read: &RowsReader<R>,
        consume: &mut Consume<E, R>,
    ) -> Result<(), E> {
        let origin = SweepOrigin { memory: self.0.memory / pieces.threads, ..self.0 };
        let next = AtomicUsize::new(0);
        let work = |_, deliver: &Deliver<R>| {
            kernel::alone(|| {
                let taken = || pieces.pieces.get(next.fetch_add(1, Ordering::Relaxed));
                std::iter::from_fn(taken).flat_map(|piece| origin.sweeps(piece)).try_for_each(|sweep| {
                    let sweep = Sweep::new(&origin, rows, sweep, vocabulary);
                    sweep.run(&mut |numbers, logits| {
                        let result = read(numbers, logits.clone());
                        kernel::keep_memory(logits);
                        deliver(numbers, result)
                    })
                })
            })
        };
        workers::run(pieces.threads, &work, consume)
    }

    fn base_logits(&self, rows: &[EditedPrompt], numbers: &[usize], vocabulary: &Vocabulary) -> Tensor<2> {
        let prompts: Vec<usize> = numbers.iter().map(|&number| rows[number].prompt).collect();
        vocabulary.of_logits(&self.0.base.logits, &prompts, self.0.transformer)
    }
}
