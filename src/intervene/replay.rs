//! The replay: rows join the base run where their edits change it, and one sweep over the layers computes them all.

use super::activation::Activations;
use super::apply::{EditHooks, EditIndex, run_edited};
use super::base::Base;
use super::direct;
use super::edit::Row;
use super::error::EditError;
use super::plan::{Entry, Join, Stage, plan};
use super::readout::{Readout, Readouts};
use super::vocabulary::Vocabulary;
use crate::kernel::Past;
use crate::model::facts::{Facts, Residual};
use crate::model::transformer::{Rows, Transformer};
use burn::tensor::{Int, Tensor, TensorData};
use std::ops::Range;
use std::sync::Arc;

/// Positions of rows computed at once: more make matrix products no faster, and fewer stay in the processor's cache.
const MOST_POSITIONS: usize = 1024;

/// Rows of one sweep at most; their positions are bounded by memory besides.
const MOST_ROWS: usize = 1 << 17;

/// Runs rows from a base run.
pub struct Replay<'a> {
    transformer: &'a Transformer,
    base: &'a Base,
    sources: &'a Activations,
    /// Bytes that a sweep may take beside the base.
    memory: usize,
}

/// How much work rows are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Rows asked for.
    pub rows: usize,
    /// Rows whose edits change nothing.
    pub unchanged: usize,
    /// Positions of layers that whole forward passes would compute.
    pub naive: u64,
    /// Positions of layers that are computed.
    pub replayed: u64,
}

/// Rows recomputed from scratch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Check {
    /// How many.
    pub rows: usize,
    /// Largest absolute difference of any logit.
    pub largest_difference: f32,
    /// Largest absolute logit among them.
    pub largest_logit: f32,
}

impl<'a> Replay<'a> {
    /// Rows will start from `base` and read [`super::Value::Source`] from `sources`; sweeps take at most `memory` bytes.
    pub fn new(transformer: &'a Transformer, base: &'a Base, sources: &'a Activations, memory: usize) -> Self {
        Self { transformer, base, sources, memory }
    }

    /// Checks and plans rows: those that change something in the order they are computed, and those that do not.
    fn plan(&self, rows: &[Row]) -> Result<(Vec<Entry>, Vec<usize>), EditError> {
        let facts = self.transformer.facts();
        let mut validated: Option<Arc<[super::Edit]>> = None;
        let mut entries = Vec::with_capacity(rows.len());
        let mut unchanged = Vec::new();
        for (number, row) in rows.iter().enumerate() {
            if validated.as_ref().is_none_or(|edits| !Arc::ptr_eq(edits, &row.edits)) {
                row.edits.iter().try_for_each(|edit| edit.validate(facts, self.base.tokens.pos).map(drop))?;
                validated = Some(row.edits.clone());
            }
            match plan(number, row, facts, self.base, self.sources)? {
                Some(entry) => entries.push(entry),
                None => unchanged.push(number),
            }
        }
        entries.sort_by_key(|entry| (entry.start, entry.join, entry.row));
        Ok((entries, unchanged))
    }

    /// How much work rows are, without doing it.
    ///
    /// # Errors
    /// Edits that the model can not have, and values that are not there.
    pub fn cost(&self, rows: &[Row]) -> Result<Cost, EditError> {
        let (entries, unchanged) = self.plan(rows)?;
        let (n_layers, length) = (self.transformer.facts().n_layers, self.base.tokens.pos);
        let replayed =
            entries.iter().map(|entry| ((n_layers - entry.join.layer) * (length - entry.start)) as u64).sum();
        Ok(Cost {
            rows: rows.len(),
            unchanged: unchanged.len(),
            naive: (rows.len() * n_layers * length) as u64,
            replayed,
        })
    }

    /// Logits at the last position of every row, `[row, n_vocab]`. For few rows: see [`Replay::read`].
    ///
    /// # Errors
    /// Edits that the model can not have, and values that are not there.
    pub fn logits(&self, rows: &[Row]) -> Result<Tensor<2>, EditError> {
        let mut parts: Vec<Tensor<2>> = Vec::new();
        let mut order: Vec<usize> = Vec::new();
        self.each::<EditError>(rows, &Vocabulary::Whole, &mut |numbers, logits| {
            order.extend(numbers);
            parts.push(logits);
            Ok(())
        })?;
        let mut back = vec![0i64; order.len()];
        order.iter().enumerate().for_each(|(place, &number)| back[number] = place as i64);
        let count = back.len();
        let back = Tensor::<1, Int>::from_data(TensorData::new(back, [count]), &self.transformer.device());
        Ok(Tensor::cat(parts, 0).select(0, back))
    }

    /// What measures need of every row. `tokens` are those whose logits are picked, `wanted.picks` for each row; `pause`
    /// is called between pieces of work with the number of rows done.
    ///
    /// # Errors
    /// Edits that the model can not have, values that are not there, and what `pause` returns.
    pub fn read<E: From<EditError>>(
        &self,
        rows: &[Row],
        tokens: &dyn Fn(usize) -> Vec<u32>,
        wanted: Readout,
        mut pause: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<Readouts, E> {
        let mut readouts = Readouts::new(rows.len(), wanted);
        let vocabulary = match wanted.distribution || wanted.divergence {
            true => Vocabulary::Whole,
            false => Vocabulary::of((0..rows.len()).flat_map(tokens).collect(), self.transformer),
        };
        let columns = &|row: usize| tokens(row).into_iter().map(|token| vocabulary.column(token)).collect();
        self.each::<E>(rows, &vocabulary, &mut |numbers, logits| {
            readouts.read(logits, numbers, columns, || self.base_logits(rows, numbers, &vocabulary));
            pause(numbers.len())
        })?;
        Ok(readouts)
    }

    /// Recomputes `count` of the rows from scratch, evenly spread, and compares every logit with the replay's.
    ///
    /// # Errors
    /// Edits that the model can not have, and values that are not there.
    pub fn check(&self, rows: &[Row], count: usize) -> Result<Check, EditError> {
        let count = count.min(rows.len());
        // From the middle of equal stretches: neither always the first nor always the last intervention of a map.
        let sample: Vec<Row> =
            (0..count).map(|index| rows[(2 * index + 1) * rows.len() / (2 * count)].clone()).collect();
        if sample.is_empty() {
            return Ok(Check { rows: 0, largest_difference: 0.0, largest_logit: 0.0 });
        }
        let replayed = crate::model::to_f32(self.logits(&sample)?);
        let scratch = crate::model::to_f32(run_edited(self.transformer, &self.base.tokens, &sample, self.sources));
        let largest = |values: &mut dyn Iterator<Item = f32>| {
            // A logit that is not a number differs from everything.
            values.fold(0.0f32, |a, b| if b.is_nan() || b > a { b } else { a })
        };
        Ok(Check {
            rows: sample.len(),
            largest_difference: largest(&mut replayed.iter().zip(&scratch).map(|(a, b)| (a - b).abs())),
            largest_logit: largest(&mut scratch.iter().map(|value| value.abs())),
        })
    }

    /// Calls `consume` with the numbers and the last logits of some rows at a time, until every row was there once.
    fn each<E: From<EditError>>(
        &self,
        rows: &[Row],
        vocabulary: &Vocabulary,
        consume: &mut Consume<E>,
    ) -> Result<(), E> {
        let (entries, unchanged) = self.plan(rows)?;
        for numbers in unchanged.chunks(MOST_POSITIONS) {
            consume(numbers, self.base_logits(rows, numbers, vocabulary))?;
        }
        let mut rest = entries.as_slice();
        while !rest.is_empty() {
            let (sweep, after) = rest.split_at(self.sweep_rows(rest));
            Sweep::new(self, rows, sweep, vocabulary).run(consume)?;
            rest = after;
        }
        Ok(())
    }

    /// How many of the first entries fit one sweep: their streams take half of the memory.
    fn sweep_rows(&self, entries: &[Entry]) -> usize {
        let facts = self.transformer.facts();
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            // The stream before a layer and the one after it.
            bytes += 2 * 4 * (self.base.tokens.pos - entry.start) * facts.d_model;
            bytes <= self.memory / 2
        };
        entries.iter().take(MOST_ROWS).take_while(fits).count().max(1)
    }

    /// Positions computed at once: their activations take the other half.
    fn chunk_rows(&self, positions: usize, columns: usize) -> usize {
        let facts = self.transformer.facts();
        let per_position = 4 * (6 * facts.d_model + 3 * facts.d_mlp + facts.n_heads * (3 * facts.d_head));
        // Logits are of one position per row.
        let per_row = (positions * per_position).max(4 * 2 * columns);
        (self.memory / 2 / per_row).clamp(1, (MOST_POSITIONS / positions).max(1))
    }

    fn base_logits(&self, rows: &[Row], numbers: &[usize], vocabulary: &Vocabulary) -> Tensor<2> {
        let prompts: Vec<usize> = numbers.iter().map(|&number| rows[number].prompt).collect();
        vocabulary.of_logits(&self.base.logits, &prompts, self.transformer)
    }
}

/// Gets the numbers of some rows and their logits.
type Consume<'c, E> = dyn FnMut(&[usize], Tensor<2>) -> Result<(), E> + 'c;

/// Rows of `tensor` by index.
pub(super) fn gather<const D: usize>(tensor: &Tensor<D>, rows: &[usize]) -> Tensor<D> {
    let indices: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, [rows.len()]), &tensor.device());
    tensor.clone().select(0, indices)
}

/// One sweep over the layers.
struct Sweep<'s> {
    replay: &'s Replay<'s>,
    rows: &'s [Row],
    entries: &'s [Entry],
    /// Numbers of the rows in the order of the entries.
    order: Vec<usize>,
    index: EditIndex,
    vocabulary: &'s Vocabulary,
}

/// Rows that are computed from the same position on.
struct Lane {
    /// The first position.
    start: usize,
    /// Its entries.
    entries: Range<usize>,
    /// The first entry that has not joined.
    next: usize,
    /// Those that have.
    chunks: Vec<Chunk>,
}

/// Rows that are computed together.
struct Chunk {
    entries: Range<usize>,
    /// `[entry, pos, d_model]`
    stream: Tensor<3>,
}

impl<'s> Sweep<'s> {
    fn new(replay: &'s Replay<'s>, rows: &'s [Row], entries: &'s [Entry], vocabulary: &'s Vocabulary) -> Self {
        let order: Vec<usize> = entries.iter().map(|entry| entry.row).collect();
        let index = EditIndex::new(order.iter().map(|&row| &rows[row]), |number, edit| {
            !entries[number].direct.contains(&edit.hook)
        });
        Self { replay, rows, entries, order, index, vocabulary }
    }

    fn run<E: From<EditError>>(&self, consume: &mut Consume<E>) -> Result<(), E> {
        let transformer = self.replay.transformer;
        let facts = transformer.facts();
        let sequential = facts.residual == Residual::Sequential;
        let mut lanes = self.lanes();
        let first = self.entries.iter().map(|entry| entry.join.layer).min().unwrap_or(facts.n_layers);
        for layer in first..facts.n_layers {
            let keep = if layer + 1 == facts.n_layers { Rows::Last } else { Rows::All };
            for lane in &mut lanes {
                self.admit(lane, Join { layer, stage: Stage::Pre });
                let past = self.past(layer, lane.start);
                for chunk in &mut lane.chunks {
                    let past = past.as_ref().map(|(keys, values)| self.past_of(chunk, keys, values));
                    let mut hooks = self.hooks(&chunk.entries);
                    let stream = take(&mut chunk.stream);
                    chunk.stream = match sequential {
                        true => transformer.attend(layer, stream, keep, past.as_ref(), &mut hooks),
                        false => transformer.block_after(layer, stream, keep, past.as_ref(), &mut hooks),
                    };
                }
                if !sequential {
                    continue;
                }
                self.admit(lane, Join { layer, stage: Stage::Mid });
                for chunk in &mut lane.chunks {
                    let mut hooks = self.hooks(&chunk.entries);
                    chunk.stream = transformer.transform(layer, take(&mut chunk.stream), &mut hooks);
                }
            }
        }
        for lane in &mut lanes {
            self.admit(lane, Join { layer: facts.n_layers, stage: Stage::Pre });
            for chunk in lane.chunks.drain(..) {
                let mut hooks = self.hooks(&chunk.entries);
                let logits = self.vocabulary.logits(chunk.stream, transformer, &mut hooks);
                consume(&self.order[chunk.entries], logits)?;
            }
        }
        Ok(())
    }

    fn lanes(&self) -> Vec<Lane> {
        let mut lanes: Vec<Lane> = Vec::new();
        for (number, entry) in self.entries.iter().enumerate() {
            match lanes.last_mut() {
                Some(lane) if lane.start == entry.start => lane.entries.end = number + 1,
                _ => lanes.push(Lane {
                    start: entry.start,
                    entries: number..number + 1,
                    next: number,
                    chunks: Vec::new(),
                }),
            }
        }
        lanes
    }

    /// Lets the rows in that join here, filling up the last chunk first.
    fn admit(&self, lane: &mut Lane, join: Join) {
        let joining = self.entries[lane.next..lane.entries.end].iter().take_while(|entry| entry.join == join).count();
        let mut joining = lane.next..lane.next + joining;
        lane.next = joining.end;
        let length = self.replay.base.tokens.pos;
        let (base, first) = self.base_stream(join, lane.start);
        let columns = self.vocabulary.len(self.replay.transformer);
        let most = self.replay.chunk_rows(length - lane.start, columns);
        while !joining.is_empty() {
            let room = lane.chunks.last().map_or(0, |chunk| most.saturating_sub(chunk.entries.len()));
            let count = joining.len().min(if room > 0 { room } else { most });
            let entries = joining.start..joining.start + count;
            joining.start += count;
            let stream = self.joined(&entries, base, first);
            match lane.chunks.last_mut().filter(|_| room > 0) {
                Some(chunk) => {
                    chunk.entries.end = entries.end;
                    chunk.stream = Tensor::cat(vec![take(&mut chunk.stream), stream], 0);
                }
                None => lane.chunks.push(Chunk { entries, stream }),
            }
        }
    }

    /// The base's stream at a stage, and the first position that is computed there.
    fn base_stream(&self, Join { layer, stage }: Join, start: usize) -> (&Tensor<3>, usize) {
        let base = self.replay.base;
        let (n_layers, last) = (self.replay.transformer.facts().n_layers, base.tokens.pos - 1);
        match stage {
            Stage::Pre if layer == n_layers => (&base.resid_pre[layer], last),
            Stage::Pre => (&base.resid_pre[layer], start),
            // Of the last layer's MLP, the last position alone is computed.
            Stage::Mid => (&base.resid_mid[layer], if layer + 1 == n_layers { last } else { start }),
        }
    }

    /// The stream of joining rows: the base's, plus what their direct edits change.
    fn joined(&self, entries: &Range<usize>, base: &Tensor<3>, first: usize) -> Tensor<3> {
        let Replay { transformer, base: run, sources, .. } = *self.replay;
        let entries = &self.entries[entries.clone()];
        let prompts: Vec<usize> = entries.iter().map(|entry| self.rows[entry.row].prompt).collect();
        let slots = run.tokens.pos - first;
        // The stream after the last block is held at the last position alone.
        let held = base.dims()[1];
        let stream = gather(&base.clone().narrow(1, held - slots, slots), &prompts);
        match direct::rewrite(transformer, run, sources, self.rows, entries, first) {
            Some(rewrite) => rewrite.of(stream),
            None => stream,
        }
    }

    /// Keys and values of the base before `start`; none where every position is computed.
    fn past(&self, layer: usize, start: usize) -> Option<(Tensor<4>, Tensor<4>)> {
        let base = self.replay.base;
        let before = |tensor: &Tensor<4>| tensor.clone().narrow(1, 0, start);
        (start > 0).then(|| (before(&base.keys[layer]), before(&base.values[layer])))
    }

    fn past_of(&self, chunk: &Chunk, keys: &Tensor<4>, values: &Tensor<4>) -> Past {
        let of = self.order[chunk.entries.clone()].iter().map(|&row| self.rows[row].prompt).collect();
        Past { keys: keys.clone(), values: values.clone(), of }
    }

    fn hooks(&self, entries: &Range<usize>) -> EditHooks<'_> {
        let Replay { sources, base, .. } = *self.replay;
        EditHooks {
            rows: self.rows,
            order: &self.order,
            range: entries.clone(),
            index: &self.index,
            sources,
            length: base.tokens.pos,
        }
    }
}

/// The tensor, leaving nothing in its place, so that whoever takes it may write over it.
fn take(tensor: &mut Tensor<3>) -> Tensor<3> {
    let empty = Tensor::empty([0, 0, 0], &tensor.device());
    std::mem::replace(tensor, empty)
}

/// Floating-point operations of one position of one layer: two per weight.
pub fn layer_operations(facts: &Facts) -> u64 {
    let attention = facts.d_model * facts.d_head * (2 * facts.n_heads + 2 * facts.n_kv_heads);
    let mlp = facts.d_model * facts.d_mlp * if facts.gated { 3 } else { 2 };
    2 * (attention + mlp) as u64
}
