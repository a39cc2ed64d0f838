//! Loss and accuracy while a model is trained.

use super::data::TrainingSplit;
use crate::model::transformer::{Tokens, Transformer};
use crate::prompt::Prompt;
use serde::{Deserialize, Serialize};

/// Name of the split that is never trained on.
pub const HELD_OUT: &str = "held-out";
/// Name of the split that is trained on.
pub const TRAIN: &str = "train";

/// Prompts per pass.
const BATCH: usize = 1024;

/// How well one group is answered.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Evaluation {
    pub step: usize,
    pub group: String,
    pub split: String,
    pub count: usize,
    pub accuracy: f64,
    pub loss: f64,
    pub training_loss: f64,
}

/// One row per group on the prompts held out; on the training prompts where none are.
pub(super) fn evaluate(model: &Transformer, split: &TrainingSplit, step: usize, training_loss: f64) -> Vec<Evaluation> {
    let held_out = split.held_out.iter().any(|prompts| !prompts.is_empty());
    let (name, prompts) = if held_out { (HELD_OUT, &split.held_out) } else { (TRAIN, &split.train) };
    let rows = split.groups.iter().zip(prompts).map(|(group, prompts)| {
        let (mut correct, mut loss) = (0, 0.0);
        for batch in prompts.chunks(BATCH) {
            let (right, nats) = score(model, batch);
            correct += right;
            loss += nats;
        }
        let count = prompts.len() as f64;
        Evaluation {
            step,
            group: group.label().to_string(),
            split: name.to_string(),
            count: prompts.len(),
            accuracy: correct as f64 / count,
            loss: loss / count,
            training_loss,
        }
    });
    rows.collect()
}

/// Judges some prompts, for the time that it takes: how many.
pub(super) fn some(model: &Transformer, split: &TrainingSplit) -> usize {
    let prompts: Vec<&Prompt> = split.train.iter().flatten().take(BATCH / 2).copied().collect();
    score(model, &prompts);
    prompts.len()
}

/// How many the model's most likely token answers, and the summed cross-entropy.
fn score(model: &Transformer, prompts: &[&Prompt]) -> (usize, f64) {
    let ids: Vec<u32> = prompts.iter().flat_map(|prompt| &prompt.tokens).copied().collect();
    let tokens = Tokens { pos: ids.len() / prompts.len().max(1), batch: prompts.len(), ids };
    let logits = model.last_logits(&tokens);
    let n_vocab = logits.dims()[1];
    let values: Vec<f32> = logits.into_data().try_into_vec().expect("training is in f32");
    let (mut correct, mut loss) = (0, 0.0);
    for (row, prompt) in values.chunks_exact(n_vocab).zip(prompts) {
        let Some(answer) = prompt.answer_tokens().first().and_then(|&id| row.get(id as usize)) else { continue };
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        // A tie is no answer: the arg-max would depend on the order of the tokens.
        let rivals = row.iter().filter(|logit| *logit >= answer).count();
        correct += usize::from(*answer >= largest && rivals == 1);
        let total: f64 = row.iter().map(|logit| f64::from(logit - largest).exp()).sum();
        loss += f64::from(largest - *answer) + total.ln();
    }
    (correct, loss)
}
