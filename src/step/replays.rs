//! Rows of interventions replayed for a step: blocks that are kept, progress, memory, and the check against runs from scratch.

use super::ModelRun;
use super::divided::parts;
use crate::Error;
use crate::context::Context;
use crate::intervene::{
    Activation, Activations, CleanRun, Edit, EditError, EditedPrompt, HookPositions, Layout, LogitRead, LogitReads,
    Positions, Replay, layer_operations,
};
use crate::manifest::{Recomputed, SelfCheck};
use crate::model::facts::Facts;
use crate::model::hook::Hook;
use crate::model::transformer::Tokens;
use crate::model::{Model, NotFinite, device};
use crate::spec::Origin;
use crate::system::interrupt;
use crate::system::progress::ProgressTask;
use std::ops::Range;
use std::sync::Arc;

/// Rows of each call that are recomputed from scratch: so many, and one of each so many, but not more than those.
const CHECKED: usize = 8;
const ONE_IN: usize = 1024;
const MOST_CHECKED: usize = 64;

/// Bytes of a value in f32, the widest.
const ELEMENT: usize = 4;

/// Rows planned at once, and of a block: bounds the memory that the plan itself takes.
const ROWS_AT_ONCE: usize = 1 << 16;

/// Floating-point operations of a block, about, were each row a whole forward pass: some tens of seconds of a processor.
pub const OPERATIONS: u64 = 8_000_000_000_000;

/// Rows of a block of prompts at least, however large the model is: in each a few are checked.
const LEAST_ROWS: usize = 2048;

/// Rows that are a part of a block at least: enough to fill matrix products.
const LEAST_ROWS_OF_A_PART: usize = 512;

/// What a replay may take beside the model, in bytes.
pub fn memory(context: &Context) -> usize {
    context.loaded.spec.run.memory_mib << 20
}

/// How many prompts are a block, each with `rows` rows: what is kept of their runs, `runs` for each, takes half of the memory, and the
/// rows no more than some tens of seconds, because a run that is interrupted loses the block it is at; but where layers are read for
/// each block, as many as there is room for.
pub fn prompts_at_once(
    context: &Context,
    model: &Model,
    length: usize,
    wanted: &HookPositions,
    (runs, rows): (usize, usize),
) -> usize {
    let facts = model.facts();
    let bytes = CleanRun::bytes(facts, 1, length, ELEMENT) + runs * activation_bytes(wanted, facts, length);
    let fits = memory(context) / 2 / bytes.max(1);
    fits.min(rows_at_once(model, length, LEAST_ROWS) / rows.max(1)).max(1)
}

/// Prompts whose whole runs are a block.
pub fn forwards_at_once(model: &Model, length: usize) -> usize {
    rows_at_once(model, length, LEAST_ROWS_OF_A_PART)
}

/// Rows whose operations are those of a block, at least `least`: fewer make matrix products slow. Not measured but counted, so that
/// blocks end where they do in every run.
fn rows_at_once(model: &Model, length: usize, least: usize) -> usize {
    if model.transformer().reads().is_some() {
        return ROWS_AT_ONCE;
    }
    let facts = model.facts();
    let unembedding = 2 * (facts.d_model * facts.n_vocab) as u64;
    let operations = layer_operations(facts) * (facts.n_layers * length) as u64 + unembedding;
    usize::try_from(OPERATIONS / operations.max(1)).unwrap_or(usize::MAX).clamp(least, ROWS_AT_ONCE)
}

/// Bytes of what stands at hooks of one prompt, in main memory.
pub fn activation_bytes(wanted: &HookPositions, facts: &Facts, length: usize) -> usize {
    let of = |(hook, positions): (&Hook, &Positions)| {
        Layout::of(*hook, facts, length).map_or(0, |layout| layout.position_width() * positions.iter(length).count())
    };
    ELEMENT * wanted.iter().map(of).sum::<usize>()
}

/// What rows and the runs that they start from may take of a device's memory, in bytes: `run.memory_mib`, or, where that is not written and
/// the device says how much memory it has, half of what the model leaves of it. How rows are grouped depends on it, and blocks do not.
///
/// # Errors
/// Models that are no longer there.
fn memory_of_rows(subject: &ModelRun, context: &Context) -> Result<usize, Error> {
    let written = memory(context);
    let told = match context.loaded.origin(&["run", "memory_mib"]) {
        Origin::Default => device::memory(&subject.model.transformer().device()).and_then(|memory| memory.whole),
        _ => None,
    };
    let Some(told) = told else { return Ok(written) };
    let weights = context.models.sketch(&subject.name)?.card.held_bytes();
    // What is computed on the way to the next layer is not counted to the byte.
    let left = usize::try_from(told.saturating_sub(weights) / 2).unwrap_or(usize::MAX);
    Ok(written.max(left))
}

/// What is left of `whole` for the rows themselves.
fn memory_left(whole: usize, facts: &Facts, base: &CleanRun, sources: &Activations) -> usize {
    let host = |kept: &Activations| kept.values().map(|activation| ELEMENT * activation.data.len()).sum::<usize>();
    let kept =
        CleanRun::bytes(facts, base.tokens.batch, base.tokens.pos, ELEMENT) + host(&base.activations) + host(sources);
    // A single prompt may be more than all of it.
    whole.saturating_sub(kept).max(whole / 8)
}

/// The run of prompts without edits.
///
/// # Errors
/// Logits that are not finite, and Ctrl-C.
pub fn base(subject: &ModelRun, tokens: Tokens, edited: &HookPositions, context: &Context) -> Result<CleanRun, Error> {
    let batch = context.batch(&subject.model);
    let pause = || interrupt::check().map_err(Error::from);
    let base = CleanRun::run(subject.model.transformer(), tokens, edited, batch, pause)?;
    subject.sample.see(&base.tokens, &base.logits);
    Ok(base)
}

/// The run of prompts with edits that all rows of a prompt have in common.
///
/// # Errors
/// Logits that are not finite, and Ctrl-C.
pub fn base_under(
    subject: &ModelRun,
    tokens: Tokens,
    under: Vec<Arc<[Edit]>>,
    edited: &HookPositions,
    context: &Context,
) -> Result<CleanRun, Error> {
    let batch = context.batch(&subject.model);
    let pause = || interrupt::check().map_err(Error::from);
    CleanRun::run_under(subject.model.transformer(), tokens, under, edited, batch, pause)
}

/// Activations of prompts, and their logits.
///
/// # Errors
/// Logits that are not finite, and Ctrl-C.
pub fn capture(
    subject: &ModelRun,
    tokens: &Tokens,
    wanted: &HookPositions,
    context: &Context,
) -> Result<(Activations, burn::tensor::Tensor<2>), Error> {
    let batch = context.batch(&subject.model);
    let pause = || interrupt::check().map_err(Error::from);
    let (activations, logits) = crate::intervene::capture(subject.model.transformer(), tokens, wanted, batch, pause)?;
    subject.sample.see(tokens, &logits);
    Ok((activations, logits))
}

/// Activations of prompts, at most `batch` prompts at a time, each batch kept when it is done; `add` gets them in order.
///
/// # Errors
/// Ctrl-C, and what `add` returns.
pub fn captured(
    subject: &ModelRun,
    (what, tokens): (&str, &Tokens),
    wanted: &HookPositions,
    batch: usize,
    (context, task): (&Context, &ProgressTask),
    mut add: impl FnMut(Range<usize>, Activations) -> Result<(), Error>,
) -> Result<(), Error> {
    let parts = parts(tokens.batch, batch);
    let series = context.blocks.series(&format!("activations of {what}"), &parts);
    for (number, part) in parts.iter().enumerate() {
        interrupt::check()?;
        let run = || -> Result<Vec<(usize, Activation)>, Error> {
            let (activations, _) = capture(subject, &tokens.part(part.clone()), wanted, context)?;
            let indexed = |(hook, activation)| Some((wanted.get_index_of(&hook)?, activation));
            Ok(activations.into_iter().filter_map(indexed).collect())
        };
        let found = series.get_or(number, |_| (), run)?;
        let named = |(index, activation)| Some((*wanted.get_index(index)?.0, activation));
        add(part.clone(), found.into_iter().filter_map(named).collect())?;
        task.advance(part.len() as u64);
    }
    Ok(())
}

/// Replays rows and reads what `wanted` says; a sample of them is recomputed from scratch and the check recorded.
///
/// # Errors
/// Edits that the model cannot have, and Ctrl-C.
pub fn read(
    name: &str,
    subject: &ModelRun,
    (base, sources): (&CleanRun, &Activations),
    rows: &[EditedPrompt],
    (tokens, wanted): (&(dyn Fn(usize) -> Vec<u32> + Sync), LogitRead),
    (context, task): (&Context, &ProgressTask),
    checks: &mut Vec<SelfCheck>,
) -> Result<LogitReads, Error> {
    let facts = subject.model.facts();
    let left = memory_left(memory_of_rows(subject, context)?, facts, base, sources);
    let replay = Replay::new(subject.model.transformer(), base, sources, left).shared(subject.model.copies());
    let read = |part: Range<usize>| {
        let first = part.start;
        let readouts =
            replay.read::<Stopped>(&rows[part], &|row| tokens(first + row), wanted, |done| pause(task, done));
        readouts.map_err(|stopped| stopped.error(name))
    };
    let all = match parts(rows.len(), rows_at_once(&subject.model, base.tokens.pos, LEAST_ROWS_OF_A_PART)).as_slice() {
        [] => LogitReads::default(),
        [all] => read(all.clone())?,
        parts => {
            let series = context.blocks.series("rows of one block", parts);
            let mut all = LogitReads::default();
            for (number, part) in parts.iter().enumerate() {
                all.extend(series.get_or(number, |_| task.advance(part.len() as u64), || read(part.clone()))?);
            }
            all
        }
    };
    let checked = (CHECKED + rows.len() / ONE_IN).min(MOST_CHECKED);
    let check = replay.check(rows, checked).map_err(Error::failed(name))?;
    let dtype = context.models.dtype(&subject.name);
    // Where edits leave no logit finite there is nothing to compare.
    if check.rows > 0 {
        checks.push(SelfCheck::new(Recomputed::Interventions, name, &subject.name, check, dtype));
    }
    Ok(all)
}

/// Shows that some more is done, and lets Ctrl-C in.
pub(super) fn pause(task: &ProgressTask, done: usize) -> Result<(), Stopped> {
    task.advance(done as u64);
    interrupt::check().map_err(|interrupted| Stopped::Because(interrupted.into()))
}

/// Why work on rows stopped.
pub(super) enum Stopped {
    /// An edit that the model cannot have.
    Edit(EditError),
    /// Something else, such as Ctrl-C.
    Because(Error),
}

impl From<EditError> for Stopped {
    fn from(error: EditError) -> Self {
        Stopped::Edit(error)
    }
}

impl From<NotFinite> for Stopped {
    fn from(fault: NotFinite) -> Self {
        Stopped::Because(fault.into())
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
