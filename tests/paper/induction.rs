//! experiments/induction on SmolLM2 beside transformers and plain hooks (tests/fixtures/papers/induction.py).
//!
//!     scripts/fetch-smollm2.sh
//!     cargo test --release -- --ignored paper::induction

use super::fixture;
use super::rows::Results;
use crate::support::{Sandbox, numbers, repository, texts};
use serde_json::Value;

/// Largest difference of an attention weight averaged over 24 queries and 20 prompts, and of a loss of up to 18 nats averaged over 20 prompts.
const TOLERANCES: [f64; 2] = [1e-5, 2e-4];

/// A list within the fixture.
fn values(fixture: &Value) -> Vec<f64> {
    let list = fixture.as_array().expect("a list");
    list.iter().map(|value| value.as_f64().expect("a number")).collect()
}

fn compared(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let worst = found.iter().zip(expected).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
    assert!(worst < tolerance, "{what}: {worst} apart");
}

/// What results/induction has, without the model.
#[test]
fn committed_results_are_those_of_transformers() {
    let fixture = fixture("induction");
    let results = Results::of("induction");
    let heads = results.rows("induction", "heads");
    let places = heads.numbers("layer").into_iter().zip(heads.numbers("head"));
    let expected: Vec<f64> = places
        .map(|(layer, head)| fixture["induction"][layer as usize][head as usize].as_f64().expect("a number"))
        .collect();
    assert_eq!(expected.len(), 270);
    compared("heads", &heads.numbers("prefix_matching"), &expected, TOLERANCES[0]);
    // Means over blocks: tokens 1 to 24 of the first, 26 to 48 of the second.
    for (block, tokens) in [("first_block", 0..24), ("second_block", 25..48)] {
        let losses = results.rows("induction", block);
        for (run, name) in [("none", "fresh_loss"), ("without_them", "fresh_without")] {
            let each = &values(&fixture[name])[tokens.clone()];
            let found = losses.of(&[&format!("intervention={run}")]).number("loss");
            compared(block, &[found], &[each.iter().sum::<f64>() / each.len() as f64], TOLERANCES[1]);
        }
    }
}

#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn attention_and_loss_are_those_of_transformers() {
    let sandbox = Sandbox::empty();
    let spec = repository("experiments/induction/induction.toml").display().to_string();
    let results = format!("output.dir={}", sandbox.at("results/spec").display());
    let steps = ["--set", "step.without.ranked.k=[0]"];
    sandbox.run(&[&["run", "-q", &spec, "--set", &results], &steps[..]].concat()).ok();
    let fixture = fixture("induction");

    let kinds = sandbox.rows("kinds");
    let (named, means) = (texts(&kinds, "toward"), numbers(&kinds, "mean"));
    for kind in ["induction", "previous-token", "duplicate-token", "first-token"] {
        let found: Vec<f64> = (0..means.len()).filter(|&row| named[row] == kind).map(|row| means[row]).collect();
        let layers = fixture[kind].as_array().expect("layers");
        compared(kind, &found, &layers.iter().flat_map(values).collect::<Vec<_>>(), TOLERANCES[0]);
    }

    let losses = sandbox.rows("knocked_out");
    let (runs, measures) = (texts(&losses, "intervention"), texts(&losses, "measure"));
    let (places, means) = (numbers(&losses, "token_index"), numbers(&losses, "mean"));
    for (run, name) in [("none", "fresh_loss"), ("without_them", "fresh_without")] {
        let of = |row: usize| runs[row] == run && measures[row] == "loss" && !places[row].is_nan();
        let found: Vec<f64> = (0..means.len()).filter(|&row| of(row)).map(|row| means[row]).collect();
        compared(run, &found, &values(&fixture[name]), TOLERANCES[1]);
    }
}
