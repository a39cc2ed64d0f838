//! Processed weights: the same probabilities, and TransformerLens's own logits and activations.

use ablate::spec::Processing;
use burn::tensor::DType;

use super::MODELS;
use super::reference::{Reference, Values, compare, run};

/// Log-probabilities from logits whose last dimension is the vocabulary.
fn log_probabilities((shape, logits): &(Vec<usize>, Vec<f32>)) -> Values {
    let vocabulary = *shape.last().unwrap();
    let rows = logits.chunks(vocabulary).flat_map(|row| {
        let sum: f64 = row.iter().map(|&logit| f64::from(logit).exp()).sum();
        row.iter().map(move |&logit| (f64::from(logit) - sum.ln()) as f32)
    });
    Values::from([("log-probabilities".into(), (shape.clone(), rows.collect()))])
}

#[test]
fn probabilities_do_not_change() {
    for model in MODELS {
        same_probabilities(model, &Reference::read(model));
    }
}

/// Fails where some way to process weights changes a model's probabilities.
pub fn same_probabilities(model: &str, reference: &Reference) {
    let wanted = log_probabilities(&reference.plain["logits"]);
    for bits in 1..8 {
        let processing =
            Processing { fold_norm: bits & 1 != 0, center_unembed: bits & 2 != 0, center_writing: bits & 4 != 0 };
        let found = run(model, &reference.tokens, processing, DType::F32);
        compare(&format!("{model} {processing:?}"), &wanted, &log_probabilities(&found["logits"]), 1e-4);
    }
}

#[test]
fn processed_values_equal_transformer_lens() {
    let mut compared = 0;
    for model in MODELS {
        let reference = Reference::read(model);
        if !reference.processed.is_empty() {
            let found = run(model, &reference.tokens, Processing::default(), DType::F32);
            compare(model, &reference.processed, &found, 5e-5);
            compared += 1;
        }
    }
    assert!(compared >= 8, "only {compared} fixtures have processed values");
}

#[test]
fn centred_logits_have_mean_zero() {
    for model in ["gptj", "llama-gqa"] {
        let reference = Reference::read(model);
        let processing = Processing { center_unembed: true, ..Processing::NONE };
        let (shape, logits) = &run(model, &reference.tokens, processing, DType::F32)["logits"];
        for row in logits.chunks(*shape.last().unwrap()) {
            let mean = row.iter().sum::<f32>() / row.len() as f32;
            assert!(mean.abs() < 1e-5, "{model}: {mean}");
        }
    }
}
