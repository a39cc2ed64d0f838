//! Rows of interventions replayed for a step: progress, memory, and the check against runs from scratch.

use super::{Context, Outcome, SelfCheck, Subject};
use crate::Error;
use crate::intervene::{Activations, Base, EditError, Layout, Positions, Readout, Readouts, Replay, Row, Wanted};
use crate::measure::Reading;
use crate::model::facts::Facts;
use crate::model::hook::Hook;
use crate::model::transformer::Tokens;
use crate::run::interrupt;
use crate::run::progress::Task;
use crate::spec::Dtype;
use std::ops::Range;

/// Rows of each call that are recomputed from scratch.
const CHECKED: usize = 8;

/// Bytes of a value in f32, the widest.
const ELEMENT: usize = 4;

/// Rows planned at once: bounds the memory that the plan itself takes.
const ROWS_AT_ONCE: usize = 1 << 16;

/// What a replay may take beside the model, in bytes.
pub fn memory(context: &Context) -> usize {
    context.loaded.spec.run.memory_mib << 20
}

/// How many prompts are run at once: what is kept of their runs, `runs` for each, takes half of the memory.
pub fn prompts_at_once(context: &Context, facts: &Facts, length: usize, wanted: &Wanted, runs: usize) -> usize {
    let bytes = Base::bytes(facts, 1, length, ELEMENT) + runs * activation_bytes(wanted, facts, length);
    (memory(context) / 2 / bytes.max(1)).max(1)
}

/// Bytes of what stands at hooks of one prompt, in main memory.
pub fn activation_bytes(wanted: &Wanted, facts: &Facts, length: usize) -> usize {
    let of = |(hook, positions): (&Hook, &Positions)| {
        Layout::of(*hook, facts, length).map_or(0, |layout| layout.position_width() * positions.iter(length).count())
    };
    ELEMENT * wanted.iter().map(of).sum::<usize>()
}

/// Does `work` on prompts `block` at a time; one check of what all of it replays.
///
/// # Errors
/// What `work` returns.
pub fn each_block(
    prompts: usize,
    block: usize,
    outcome: &mut Outcome,
    mut work: impl FnMut(Range<usize>, &mut Outcome) -> Result<(), Error>,
) -> Result<(), Error> {
    let first_check = outcome.checks.len();
    for first in (0..prompts).step_by(block.max(1)) {
        work(first..prompts.min(first + block.max(1)), outcome)?;
    }
    outcome.join_checks(first_check);
    Ok(())
}

/// The same where `work` gives values of each of its prompts, `[key, prompt, width]`: those of all prompts.
///
/// # Errors
/// What `work` returns.
pub fn in_blocks(
    prompts: usize,
    block: usize,
    width: usize,
    outcome: &mut Outcome,
    mut work: impl FnMut(Range<usize>, &mut Outcome) -> Result<Vec<f64>, Error>,
) -> Result<Vec<f64>, Error> {
    let mut data = Vec::new();
    each_block(prompts, block, outcome, |range, outcome| {
        let values = work(range.clone(), outcome)?;
        if data.is_empty() {
            data = vec![f64::NAN; values.len() / range.len().max(1) * prompts];
        }
        let rows = data.chunks_exact_mut((prompts * width).max(1));
        for (row, values) in rows.zip(values.chunks_exact((range.len() * width).max(1))) {
            row[range.start * width..range.end * width].copy_from_slice(values);
        }
        Ok(())
    })?;
    Ok(data)
}

/// What is left for the rows themselves.
fn memory_left(context: &Context, facts: &Facts, base: &Base, sources: &Activations) -> usize {
    let host = |kept: &Activations| kept.values().map(|activation| ELEMENT * activation.data.len()).sum::<usize>();
    let kept =
        Base::bytes(facts, base.tokens.batch, base.tokens.pos, ELEMENT) + host(&base.activations) + host(sources);
    let whole = memory(context);
    // A single prompt may be more than all of it.
    whole.saturating_sub(kept).max(whole / 8)
}

/// The run of prompts without edits.
///
/// # Errors
/// Ctrl-C.
pub fn base(subject: &Subject, tokens: Tokens, edited: &Wanted, context: &Context) -> Result<Base, Error> {
    let batch = context.batch(&subject.model);
    Base::run(subject.model.transformer(), tokens, edited, batch, || interrupt::check().map_err(Error::from))
}

/// Activations of prompts, and their logits.
///
/// # Errors
/// Ctrl-C.
pub fn capture(
    subject: &Subject,
    tokens: &Tokens,
    wanted: &Wanted,
    context: &Context,
) -> Result<(Activations, burn::tensor::Tensor<2>), Error> {
    let batch = context.batch(&subject.model);
    let pause = || interrupt::check().map_err(Error::from);
    crate::intervene::capture(subject.model.transformer(), tokens, wanted, batch, pause)
}

/// Replays rows and reads what `wanted` says; a sample of them is recomputed from scratch and the check recorded.
///
/// # Errors
/// Edits that the model can not have, and Ctrl-C.
pub fn read(
    name: &str,
    subject: &Subject,
    (base, sources): (&Base, &Activations),
    rows: &[Row],
    (tokens, wanted): (&dyn Fn(usize) -> Vec<u32>, Readout),
    (context, task): (&Context, &Task),
    outcome: &mut Outcome,
) -> Result<Readouts, Error> {
    let memory = memory_left(context, subject.model.facts(), base, sources);
    let replay = Replay::new(subject.model.transformer(), base, sources, memory);
    let mut all = Readouts::default();
    for (number, part) in rows.chunks(ROWS_AT_ONCE).enumerate() {
        let first = number * ROWS_AT_ONCE;
        let readouts = replay.read::<Stopped>(part, &|row| tokens(first + row), wanted, |done| pause(task, done));
        all.extend(readouts.map_err(|stopped| stopped.error(name))?);
    }
    let check = replay.check(rows, CHECKED).map_err(Error::failed(name))?;
    let dtype = context.models.dtype(&subject.name);
    outcome.checks.push(SelfCheck::new(name, &subject.name, check, tolerance(dtype)));
    Ok(all)
}

/// Shows that some more is done, and lets Ctrl-C in.
pub(super) fn pause(task: &Task, done: usize) -> Result<(), Stopped> {
    task.advance(done as u64);
    interrupt::check().map_err(|interrupted| Stopped::Because(interrupted.into()))
}

/// Largest difference of a logit between a replay and the run from scratch, relative to the largest logit: some hundred
/// roundings of the storage type.
fn tolerance(dtype: Dtype) -> f32 {
    match dtype {
        Dtype::F32 => 1e-4,
        Dtype::F16 => 3e-2,
        Dtype::Bf16 => 2e-1,
    }
}

/// Why work on rows stopped.
pub(super) enum Stopped {
    /// An edit that the model can not have.
    Edit(EditError),
    /// Something else, such as Ctrl-C.
    Because(Error),
}

impl From<EditError> for Stopped {
    fn from(error: EditError) -> Self {
        Stopped::Edit(error)
    }
}

impl Stopped {
    /// As an error of the step.
    pub(super) fn error(self, step: &str) -> Error {
        match self {
            Stopped::Edit(error) => Error::failed(format!("step '{step}'"))(error),
            Stopped::Because(error) => error,
        }
    }
}

/// The measures' view of a row whose picks are r and r'.
pub fn reading(readouts: &Readouts, row: usize, answer: u32) -> Reading {
    let [answer_logit, other] = readouts.logits(row) else {
        unreachable!("the picks of a row are r and r'");
    };
    let or_nan = |values: &[f32]| values.get(row).map_or(f64::NAN, |&value| f64::from(value));
    Reading {
        answer: f64::from(*answer_logit),
        other: f64::from(*other),
        log_total: or_nan(&readouts.log_total),
        largest: or_nan(&readouts.largest),
        correct: readouts.arg_max.get(row) == Some(&answer),
        divergence: or_nan(&readouts.divergence),
    }
}
