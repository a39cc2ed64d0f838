//! experiments/causal-tracing beside hooks on transformers' modules (tests/fixtures/papers/causal_tracing.py).
//!
//!     scripts/fetch-smollm2.sh
//!     cargo test --release -- --ignored paper::causal_tracing

use crate::support::{Sandbox, numbers, repository, texts};
use serde_json::Value;

/// Largest difference of a probability.
const TOLERANCE: f64 = 1e-4;

/// Steps of the experiment on its first three facts, whether the model knows them or not.
fn spec() -> String {
    let model = repository("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    let step = |name: &str, site: &str, more: &str| {
        format!(
            r#"
[[step]]
name = "{name}"
kind = "activation-patching"
corrupt = {{ noise = 3.0, positions = ["subject.all"], seeds = [0, 1] }}
direction = "denoising"
sites = ["blocks.{{0,8,16,24,29}}.hook_{site}"]
positions = ["subject.last", "last"]
measures = ["probability"]
{more}
"#
        )
    };
    let steps = [
        step("states", "resid_post", ""),
        step("mlps", "mlp_out", "window = 6"),
        step("attention", "attn_out", "window = 6"),
        r#"
[[step]]
name = "total"
kind = "activation-patching"
corrupt = { noise = 3.0, positions = ["subject.all"], seeds = [0, 1] }
direction = "noising"
sites = ["embed"]
positions = ["subject.all"]
measures = ["probability"]
"#
        .to_owned(),
    ];
    format!(
        "title = \"three facts\"\n\n[model]\nsource = \"{}\"\n\n[prompts]\npairs = \"facts.jsonl\"\nkeep = \"all\"\n{}",
        model.display(),
        steps.concat()
    )
}

/// The first three facts of the experiment, and the spec beside them.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::empty();
    let facts = std::fs::read_to_string(repository("experiments/causal-tracing/facts.jsonl")).expect("facts");
    let facts: String = facts.lines().take(3).flat_map(|line| [line, "\n"]).collect();
    sandbox.write("facts.jsonl", facts);
    sandbox.write("spec.toml", spec());
    sandbox
}

#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn what_is_restored_is_what_hooks_restore() {
    let sandbox = sandbox();
    sandbox.ran();
    let fixture = super::fixture("causal_tracing");
    let list = |value: &Value| -> Vec<f64> {
        value.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number")).collect()
    };
    let mean = |value: &Value| list(value).iter().sum::<f64>() / list(value).len() as f64;
    let near = |found: f64, expected: f64, what: &str| {
        assert!((found - expected).abs() < TOLERANCE, "{what}: {found} is not {expected}");
    };
    let total = sandbox.rows("total");
    near(numbers(&total, "baseline")[0], mean(&fixture["clean"]), "clean");
    near(numbers(&total, "mean")[0], mean(&fixture["noised"]), "noised");

    for step in ["states", "mlps", "attention"] {
        let rows = sandbox.rows(step);
        let (layers, positions, means) = (numbers(&rows, "layer"), texts(&rows, "position"), numbers(&rows, "mean"));
        let mut compared = 0;
        for (place, position) in ["subject.last", "last"].iter().enumerate() {
            for (at, layer) in [0.0, 8.0, 16.0, 24.0, 29.0].iter().enumerate() {
                let row =
                    (0..means.len()).find(|&row| (layers[row] - layer).abs() < 0.5 && positions[row] == *position);
                let row = row.unwrap_or_else(|| panic!("{step}: no row of layer {layer} at {position}"));
                near(means[row], mean(&fixture[step][place][at]), &format!("{step}, layer {layer}, {position}"));
                compared += 1;
            }
        }
        assert_eq!(compared, means.len(), "{step}");
        near(numbers(&rows, "baseline")[0], mean(&fixture["noised"]), step);
    }
}
