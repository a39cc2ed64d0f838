//! Step `train`: a small transformer learns to answer the prompts.
//!
//! The result depends on the spec and the prompts alone, bit for bit on the same kind of processor: every random choice
//! comes from the seed, and no sum is split over threads.

mod adamw;
mod data;
mod error;
mod estimate;
mod evaluate;
mod execute;
mod initial;
mod log;
mod save;
mod state;

pub use data::DataError;
pub use error::TrainError;
pub use evaluate::{HELD_OUT, TRAIN};
pub use save::{SaveError, SavedModel};

use crate::counted::counted;
use crate::model::tokenizer::Tokenizer;
use crate::model::transformer::Transformer;
use crate::prompt::PromptSet;
use crate::resume::Blocks;
use crate::system::interrupt;
use crate::system::progress::Progress;
use crate::{kernel, spec};
use adamw::AdamW;
use burn::module::Module;
use burn::tensor::{DType, Device};
use data::{Batches, TrainingSplit};
use log::Log;
use polars::prelude::DataFrame;
use state::States;
use std::path::Path;

/// What a training left behind.
#[derive(Debug)]
pub struct Trained {
    /// One row per evaluation and group: `step`, `operator`, `split` (`held-out` or `train`), `count`, `accuracy`,
    /// `loss` (mean cross-entropy in nats), `training_loss` (mean over all batches since the evaluation before).
    pub rows: DataFrame,
    /// The models written, by optimiser step; the last is the trained one.
    pub checkpoints: Vec<SavedModel>,
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
        return Err(TrainError::Shape(format!(
            "checkpoint {late} is after the last of {}",
            counted(spec.steps, "step")
        )));
    }
    let n_vocab = tokenizer.n_tokens();
    let tokenizer = tokenizer.to_json()?;
    let split = TrainingSplit::new(prompts, spec.held_out, spec.seed, n_vocab)?;
    let facts = initial::facts(spec, n_vocab, split.n_ctx).map_err(TrainError::Shape)?;
    let device = Device::flex().autodiff();
    let mut model = Transformer::load(&initial::Initial::new(&facts, spec.seed), &device, DType::F32)?;
    let mut optimizer = AdamW::new(&spec.optimizer, spec.steps);
    let mut batches = Batches::new(&split, spec.batch, spec.seed)?;
    let mut log = Log::default();
    let mut checkpoints = Vec::new();
    let mut states = States::new(spec, blocks);
    let going_on = states.resume((&mut model, &mut optimizer, &mut log), spec, (folder, &tokenizer))?;
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
