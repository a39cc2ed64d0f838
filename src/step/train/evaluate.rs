use super::data::{Example, Split};
use crate::model::transformer::{Tokens, Transformer};

/// Name of the split that is never trained on.
pub(super) const HELD_OUT: &str = "held-out";

/// Prompts per pass.
const BATCH: usize = 1024;

/// How well one operator is answered.
pub(super) struct Evaluation {
    pub step: usize,
    pub operator: String,
    pub split: &'static str,
    pub count: usize,
    pub accuracy: f64,
    pub loss: f64,
    pub training_loss: f64,
}

/// One row per operator on the examples held out; on the training examples where none are.
pub(super) fn evaluate(
    model: &Transformer,
    split: &Split,
    operators: &[String],
    step: usize,
    training_loss: f64,
) -> Vec<Evaluation> {
    let held_out = split.held_out.iter().any(|examples| !examples.is_empty());
    let (name, examples) = if held_out { (HELD_OUT, &split.held_out) } else { ("train", &split.train) };
    let rows = operators.iter().zip(examples).map(|(operator, examples)| {
        let (mut correct, mut loss) = (0, 0.0);
        for batch in examples.chunks(BATCH) {
            let (right, nats) = score(model, batch);
            correct += right;
            loss += nats;
        }
        let count = examples.len() as f64;
        Evaluation {
            step,
            operator: operator.clone(),
            split: name,
            count: examples.len(),
            accuracy: correct as f64 / count,
            loss: loss / count,
            training_loss,
        }
    });
    rows.collect()
}

/// How many the model's most likely token answers, and the summed cross-entropy.
fn score(model: &Transformer, examples: &[&Example]) -> (usize, f64) {
    let ids: Vec<u32> = examples.iter().flat_map(|example| &example.tokens).copied().collect();
    let tokens = Tokens { pos: ids.len() / examples.len().max(1), batch: examples.len(), ids };
    let logits = model.last_logits(&tokens);
    let n_vocab = logits.dims()[1];
    let values: Vec<f32> = logits.into_data().try_into_vec().expect("training is in f32");
    let (mut correct, mut loss) = (0, 0.0);
    for (row, example) in values.chunks_exact(n_vocab).zip(examples) {
        let answer = row[example.answer as usize];
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        // A tie is no answer: the arg-max would depend on the order of the tokens.
        let rivals = row.iter().filter(|logit| **logit >= answer).count();
        correct += usize::from(answer >= largest && rivals == 1);
        let total: f64 = row.iter().map(|logit| f64::from(logit - largest).exp()).sum();
        loss += f64::from(largest - answer) + total.ln();
    }
    (correct, loss)
}
