//! How long a training takes: a few of its own steps, timed.

use super::adamw::AdamW;
use super::data::{Batches, TrainingSplit};
use super::{evaluate, initial};
use crate::context::Context;
use crate::cost::Workload;
use crate::model::facts::Facts;
use crate::model::tokenizer;
use crate::model::transformer::Transformer;
use crate::spec::step::Train;
use crate::{Error, kernel, prompt};
use burn::module::Module;
use burn::tensor::{DType, Device};
use std::time::Instant;

/// Weights of the model that is timed at most: of a larger one, a smaller one of its kind is.
const MOST_WEIGHTS: usize = 2_000_000;

/// What it takes; `None` where the prompts make no training set, as the step itself says.
///
/// # Errors
/// Prompts that are not there.
pub(in crate::step) fn workload(step: &Train, context: &Context) -> Result<Option<Workload>, Error> {
    let spec = context.prompts(step.prompts.as_deref(), &step.name)?;
    let started = Instant::now();
    let tokenizer = tokenizer::arithmetic(step.numbers);
    let Ok(set) = prompt::build(spec, &tokenizer, Some(false), None) else { return Ok(None) };
    let making = started.elapsed().as_secs_f64();
    let n_vocab = tokenizer.n_tokens();
    let Ok(split) = TrainingSplit::new(&set, step.held_out, step.seed, n_vocab) else { return Ok(None) };
    let Some([each, evaluation]) = timed(step, &split, n_vocab) else { return Ok(None) };
    let evaluations = step.steps.div_ceil(step.log_every.max(1));
    let judged: usize = split.held_out.iter().map(Vec::len).sum();
    let judged = if judged == 0 { split.train.iter().map(Vec::len).sum() } else { judged };
    let seconds = making + step.steps as f64 * each + (evaluations * judged) as f64 * evaluation;
    Ok(Some(Workload { seconds, ..Workload::default() }))
}

/// Seconds of one step, and of one prompt that is judged.
fn timed(step: &Train, split: &TrainingSplit, n_vocab: usize) -> Option<[f64; 2]> {
    let small = smaller(step, n_vocab);
    let (facts, whole) =
        (initial::facts(&small, n_vocab, split.n_ctx).ok()?, initial::facts(step, n_vocab, split.n_ctx).ok()?);
    let device = Device::flex().autodiff();
    let mut model = Transformer::load(&initial::Initial::new(&facts, step.seed), &device, DType::F32).ok()?;
    let mut optimizer = AdamW::new(&small.optimizer, step.steps);
    let mut batches = Batches::new(split, step.batch, step.seed).ok()?;
    let mut seconds = [0.0; 2];
    // The first asks for memory.
    for seconds in &mut seconds {
        let started = Instant::now();
        let (tokens, answers) = batches.next();
        let loss = kernel::cross_entropy(model.last_logits(&tokens), &answers);
        let gradients = loss.backward();
        model = optimizer.step(model, gradients);
        *seconds = started.elapsed().as_secs_f64();
    }
    let started = Instant::now();
    let judged = evaluate::some(&model.valid(), split);
    let evaluation = started.elapsed().as_secs_f64() / judged.max(1) as f64;
    let scale = weights(&whole) as f64 / weights(&facts) as f64;
    Some([seconds[1] * scale, evaluation * scale])
}

fn smaller(step: &Train, n_vocab: usize) -> Train {
    let mut small = step.clone();
    let count = |small: &Train| initial::facts(small, n_vocab, 1).map_or(0, |facts| weights(&facts));
    if count(&small) > MOST_WEIGHTS {
        small.layers = 1;
    }
    while count(&small) > MOST_WEIGHTS
        && small.d_model / 2 >= small.heads
        && small.d_model.is_multiple_of(2 * small.heads)
    {
        small.d_model /= 2;
        small.d_mlp = (small.d_mlp / 2).max(1);
    }
    small
}

fn weights(facts: &Facts) -> usize {
    let layer = facts.d_model * (4 * facts.n_heads * facts.d_head + 3 * facts.d_mlp);
    facts.n_layers * layer + 2 * facts.d_model * facts.n_vocab
}
