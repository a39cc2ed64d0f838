//! How far a training is, so that another run goes on from there.

use super::adamw::AdamW;
use super::log::Log;
use super::save;
use crate::model::transformer::Transformer;
use crate::resume::{Blocks, Latest, Series};
use crate::spec;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two states that are kept, at least; and so many times what it took to keep one.
const EVERY: Duration = Duration::from_millis(500);
const TIMES: u32 = 50;

/// The values of every parameter, in the order in which a model is visited.
type ParameterValues = Vec<Vec<f32>>;

/// Keeps the state of a training: weights, moments, optimiser steps taken, and what was logged. Which prompts come next follows from
/// the seed and the number of steps.
pub(super) struct States<'b> {
    latest: Latest<'b>,
    /// The weights of each of the spec's checkpoints, which the results folder may not have kept.
    checkpoints: Series<'b>,
    kept: Instant,
    every: Duration,
}

impl<'b> States<'b> {
    pub fn new(spec: &spec::step::Train, blocks: &'b Blocks) -> Self {
        let checkpoints = blocks.series(&format!("checkpoints of {}", spec.name), &spec.checkpoints);
        Self { latest: blocks.latest("training"), checkpoints, kept: Instant::now(), every: EVERY }
    }

    /// The state that a training goes on from: how many steps were taken, if any. Checkpoints up to there are written again.
    ///
    /// # Errors
    /// Checkpoints that cannot be written.
    pub fn resume(
        &self,
        (model, optimizer, log): (&mut Transformer, &mut AdamW, &mut Log),
        spec: &spec::step::Train,
        (folder, tokenizer): (&Path, &str),
    ) -> Result<Option<(usize, Vec<save::SavedModel>)>, save::SaveError> {
        type State = ((usize, ParameterValues, Vec<Vec<Vec<f32>>>), Log);
        let Some(((step, weights, moments), before)) = self.latest.take::<State>() else { return Ok(None) };
        let written = spec.checkpoints.iter().enumerate().filter(|(_, checkpoint)| **checkpoint <= step);
        let written =
            written.map(|(number, checkpoint)| Some((*checkpoint, self.checkpoints.take::<ParameterValues>(number)?)));
        let Some(written) = written.collect::<Option<Vec<_>>>() else { return Ok(None) };
        let mut saved = Vec::new();
        for (checkpoint, weights) in written {
            let Some(model) = with_weights(model.clone(), weights) else { return Ok(None) };
            saved.extend(save::checkpoint(folder, &model.valid(), tokenizer, checkpoint, spec)?);
        }
        let Some(going_on) = with_weights(model.clone(), weights) else { return Ok(None) };
        if !optimizer.resume(&going_on, step, moments) {
            return Ok(None);
        }
        *model = going_on;
        *log = before;
        Ok(Some((step, saved)))
    }

    /// Keeps the state after `step` steps, if it is time.
    pub fn keep(&mut self, step: usize, model: &Transformer, optimizer: &AdamW, log: &Log) {
        if self.kept.elapsed() < self.every || !self.latest.is_kept() {
            return;
        }
        let began = Instant::now();
        self.latest.keep(&((step, weights(model), optimizer.moments(model)), log.clone()));
        self.every = EVERY.max(began.elapsed() * TIMES);
        self.kept = Instant::now();
    }

    /// Keeps the weights of a checkpoint that is written, unless a run before has.
    pub fn keep_checkpoint(&self, step: usize, model: &Transformer, spec: &spec::step::Train) {
        if let Some(number) = spec.checkpoints.iter().position(|other| *other == step)
            && self.latest.is_kept()
            && self.checkpoints.take::<ParameterValues>(number).is_none()
        {
            self.checkpoints.keep(number, &weights(model));
        }
    }
}

fn weights(model: &Transformer) -> ParameterValues {
    struct Read(ParameterValues);
    impl ModuleVisitor for Read {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(super::adamw::values(param.val()));
        }
    }
    let mut read = Read(Vec::new());
    model.visit(&mut read);
    read.0
}

/// The model with other weights; `None` where they are not of such a model.
fn with_weights(model: Transformer, weights: ParameterValues) -> Option<Transformer> {
    struct Put {
        weights: std::vec::IntoIter<Vec<f32>>,
        fits: bool,
    }
    impl ModuleMapper for Put {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, tensor, mapper) = param.consume();
            let (device, shape) = (tensor.device(), tensor.shape());
            match self.weights.next() {
                Some(values) if values.len() == shape.num_elements() => {
                    let tensor = Tensor::from_data(TensorData::new(values, shape), &device).require_grad();
                    Param::from_mapped_value(id, tensor, mapper)
                }
                _ => {
                    self.fits = false;
                    Param::from_mapped_value(id, tensor, mapper)
                }
            }
        }
    }
    let mut put = Put { weights: weights.into_iter(), fits: true };
    let model = model.map(&mut put);
    (put.fits && put.weights.next().is_none()).then_some(model)
}
