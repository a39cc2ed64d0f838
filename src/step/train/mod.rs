//! Step `train`: a small transformer learns to answer the prompts.
//!
//! The result depends on the spec and the prompts alone, bit for bit on the same kind of processor: every random choice
//! comes from the seed, and no sum is split over threads.

mod adamw;
mod data;
mod evaluate;
mod execute;
mod initial;
mod save;
mod state;

pub use data::DataError;
pub use evaluate::{HELD_OUT, TRAIN};
pub(super) use execute::{empty_frames, run};
pub use save::{SaveError, Saved};

use crate::kernel;
use crate::model::tokenizer::{Tokenizer, TokenizerError};
use crate::model::transformer::Transformer;
use crate::model::weights::WeightError;
use crate::prompt::PromptSet;
use crate::run::blocks::Blocks;
use crate::run::interrupt::{self, Interrupted};
use crate::run::progress::{Progress, Task};
use crate::spec;
use adamw::AdamW;
use burn::module::Module;
use burn::tensor::{DType, Device};
use data::{Batches, Split};
use evaluate::Evaluation;
use polars::prelude::{DataFrame, PolarsError, df};
use state::States;
use std::path::Path;

/// What a training left behind.
#[derive(Debug)]
pub struct Trained {
    /// One row per evaluation and operator: `step`, `operator`, `split` (`held-out` or `train`), `count`, `accuracy`,
    /// `loss` (mean cross-entropy in nats), `training_loss` (mean over all batches since the evaluation before).
    pub rows: DataFrame,
    /// The models written, by optimiser step; the last is the trained one.
    pub checkpoints: Vec<Saved>,
}

/// Why a training stopped.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The prompts do not make a training set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The spec asks for a model that cannot be.
    #[error("train: {0}")]
    Shape(String),
    /// The loss is no longer a number.
    #[error(
        "train: the loss is not a number after step {step}; write a smaller optimizer.lr or a longer optimizer.warmup"
    )]
    Diverged {
        /// Optimiser steps taken.
        step: usize,
    },
    /// A model could not be written.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The first weights could not be put on the device.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The tokenizer cannot be written.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The table of results could not be made.
    #[error(transparent)]
    Table(#[from] PolarsError),
    /// Ctrl-C.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Trains on `prompts`, made with `tokenizer`, and writes the model and its checkpoints under `folder`. Goes on from the state that
/// `blocks` have.
///
/// # Errors
/// When the prompts or the model's shape are not usable, the loss diverges, a file cannot be written, or on Ctrl-C; the
/// checkpoints written by then stay.
pub fn train(
    spec: &spec::step::Train,
    prompts: &PromptSet,
    tokenizer: &Tokenizer,
    folder: &Path,
    (progress, blocks): (&Progress, &Blocks),
) -> Result<Trained, TrainError> {
    if let Some(late) = spec.checkpoints.iter().find(|step| **step > spec.steps) {
        return Err(TrainError::Shape(format!("checkpoint {late} is after the last of {} steps", spec.steps)));
    }
    let n_vocab = tokenizer.n_tokens();
    let tokenizer = tokenizer.to_json()?;
    let split = Split::new(prompts, spec.held_out, spec.seed, n_vocab)?;
    let facts = initial::facts(spec, n_vocab, split.n_ctx).map_err(TrainError::Shape)?;
    let device = Device::flex().autodiff();
    let mut model = Transformer::load(&initial::Initial::new(&facts, spec.seed), &device, DType::F32)?;
    let mut optimizer = AdamW::new(&spec.optimizer, spec.steps);
    let mut batches = Batches::new(&split, spec.batch, spec.seed)?;
    let mut log = Log::default();
    let mut checkpoints = Vec::new();
    let mut states = States::new(spec, blocks);
    let going_on = states.resume((&mut model, &mut optimizer, &mut log), &split, spec, (folder, &tokenizer))?;
    let done = match going_on {
        Some((done, saved)) => {
            checkpoints.extend(saved);
            done
        }
        None => {
            if spec.checkpoints.contains(&0) {
                checkpoints.extend(save::checkpoint(folder, &model.valid(), &tokenizer, 0, spec)?);
                states.keep_checkpoint(0, &model, spec);
            }
            0
        }
    };
    (0..done).for_each(|_| drop(batches.next()));
    let task = progress.begin(&spec.name, spec.steps as u64, "steps");
    task.advance(done as u64);
    for step in done + 1..=spec.steps {
        interrupt::check()?;
        let (tokens, answers) = batches.next();
        let loss = kernel::cross_entropy(model.last_logits(&tokens), &answers);
        let gradients = loss.backward();
        log.loss(f64::from(loss.into_scalar::<f32>()), step)?;
        model = optimizer.step(model, gradients);
        task.advance(1);
        let last = step == spec.steps;
        if last || step % spec.log_every == 0 {
            log.evaluate(&model.valid(), &split, step, &task)?;
        }
        if last || spec.checkpoints.contains(&step) {
            checkpoints.extend(save::checkpoint(folder, &model.valid(), &tokenizer, step, spec)?);
            states.keep_checkpoint(step, &model, spec);
        }
        states.keep(step, &model, &optimizer, &log);
    }
    Ok(Trained { rows: log.rows()?, checkpoints })
}

/// Losses and accuracies as they come.
#[derive(Default)]
struct Log {
    losses: Vec<f64>,
    evaluations: Vec<Evaluation>,
}

impl Log {
    fn loss(&mut self, loss: f64, step: usize) -> Result<(), TrainError> {
        self.losses.push(loss);
        if loss.is_finite() { Ok(()) } else { Err(TrainError::Diverged { step: step - 1 }) }
    }

    fn evaluate(&mut self, model: &Transformer, split: &Split, step: usize, task: &Task) -> Result<(), TrainError> {
        let training_loss = self.losses.iter().sum::<f64>() / self.losses.len().max(1) as f64;
        self.losses.clear();
        let rows = evaluate::evaluate(model, split, step, training_loss);
        // The last step may be the one that breaks the weights, and no loss comes after it.
        if rows.iter().any(|row| row.count > 0 && !row.loss.is_finite()) {
            return Err(TrainError::Diverged { step });
        }
        let held_out: Vec<String> = rows
            .iter()
            .filter(|row| row.split == evaluate::HELD_OUT)
            .map(|row| format!("{} {:.3}", row.operator, row.accuracy))
            .collect();
        task.message(&format!("loss {training_loss:.3}, held-out accuracy {}", held_out.join("  ")));
        self.evaluations.extend(rows);
        Ok(())
    }

    fn rows(&self) -> Result<DataFrame, PolarsError> {
        log_frame(&self.evaluations)
    }
}

/// The rows of [`Trained`].
fn log_frame(rows: &[Evaluation]) -> Result<DataFrame, PolarsError> {
    df!(
        "step" => rows.iter().map(|row| row.step as u32).collect::<Vec<_>>(),
        "operator" => rows.iter().map(|row| row.operator).collect::<Vec<_>>(),
        "split" => rows.iter().map(|row| row.split).collect::<Vec<_>>(),
        "count" => rows.iter().map(|row| row.count as u32).collect::<Vec<_>>(),
        "accuracy" => rows.iter().map(|row| row.accuracy).collect::<Vec<_>>(),
        "loss" => rows.iter().map(|row| row.loss).collect::<Vec<_>>(),
        "training_loss" => rows.iter().map(|row| row.training_loss).collect::<Vec<_>>(),
    )
}
