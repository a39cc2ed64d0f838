//! Models whose own run is not finite: every kind of step ends, and says where such values stand first.

use crate::support::{Sandbox, says};
use std::fs;

/// A step of each kind that runs a model and needs no other step.
const STEPS: &str = r#"
title = "broken"

[model]
source = "model"

[prompts]
operands = { a = "0..20", b = "1..20" }
operators = ["+"]
keep = "all"
sample = 10

[[step]]
name = "answers"
kind = "accuracy"

[[step]]
name = "neurons"
kind = "neuron-patching"
layers = "1"

[[step]]
name = "heads"
kind = "activation-patching"
sites = ["0.z[head]"]

[[step]]
name = "gradients"
kind = "attribution-patching"
sites = ["0.z[head]"]

[[step]]
name = "circuit"
kind = "ablation"
components = ["L0H0"]
value = "mean"

[[step]]
name = "steered"
kind = "intervention"
measures = ["accuracy"]
interventions = [{ name = "none", edits = [{ site = "0.z[0]", positions = ["last"], value = 0 }] }]

[[step]]
name = "paths"
kind = "path-patching"
senders = ["L0H0"]
receivers = ["logits"]

[[step]]
name = "lens"
kind = "logit-lens"
sites = ["0.resid_pre"]

[[step]]
name = "direct"
kind = "logit-attribution"
components = ["L0H*"]

[[step]]
name = "patterns"
kind = "attention-patterns"
heads = ["L0H0"]

[[step]]
name = "acts"
kind = "capture"
sites = ["0.resid_pre"]

[[step]]
name = "probed"
kind = "probe"
sites = ["0.resid_pre"]
epochs = 1
"#;

/// The built-in model in a folder of its own, a weight of one of its tensors replaced.
fn model(sandbox: &Sandbox, tensor: &str, index: usize, value: f32) {
    sandbox.arith("model", "");
    let mut bytes = sandbox.bytes("model/model.safetensors");
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let start = header[tensor]["data_offsets"][0].as_u64().expect(tensor) as usize;
    let at = 8 + length + start + 4 * index;
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    sandbox.write("model/model.safetensors", bytes);
}

fn names(spec: &str) -> Vec<&str> {
    spec.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect()
}

#[test]
fn every_kind_of_step_ends_on_a_model_that_is_not_finite() {
    for value in [f32::NAN, f32::INFINITY] {
        let sandbox = Sandbox::stored(STEPS);
        model(&sandbox, "blocks.1.up.weight", 3, value);
        sandbox.run(&["run", "spec.toml"]).failed();
        let report = sandbox.report();
        for step in names(STEPS) {
            let said = format!("**step '{step}'** failed:");
            let told = report.split(&said).nth(1).unwrap_or_else(|| panic!("{step}: {report}"));
            let told = told.split("**step").next().unwrap_or_default();
            assert!(told.contains("first at blocks.1.mlp.hook_pre"), "{step}: {told}");
            assert!(told.contains("the weights blocks.1.mlp.W_in"), "{step}: {told}");
        }
        assert!(!report.contains("self-check passed") && !report.contains("recomputed from scratch"), "{report}");
        let rows = sandbox.at("results/spec/rows");
        assert!(!rows.exists() || fs::read_dir(rows).unwrap().next().is_none(), "no rows of it");
    }
}

/// Prompts that are kept by what the model answers are asked first.
#[test]
fn so_do_prompts_that_ask_the_model() {
    let sandbox = Sandbox::stored(&STEPS.replace("keep = \"all\"", "keep = \"correct\""));
    model(&sandbox, "blocks.2.o.weight", 0, f32::NAN);
    says(sandbox.run(&["run", "spec.toml"]).failed(), ["first at blocks.2.hook_attn_out, in layer 2"]);
}

#[test]
fn logits_of_a_model_that_is_not_finite_are_refused() {
    let sandbox = Sandbox::stored(STEPS);
    model(&sandbox, "blocks.1.down.weight", 0, f32::NEG_INFINITY);
    let ran = sandbox.run(&["logits", "model", "2+3="]).ends(1);
    assert!(ran.text.contains("first at blocks.1.hook_mlp_out, in layer 1"), "{}", ran.text);
    assert!(!ran.text.contains("NaN 0"), "{}", ran.text);
}

/// What no prompt reaches is nobody's loss.
#[test]
fn weights_that_reach_no_logit_are_no_fault() {
    let sandbox = Sandbox::stored(STEPS);
    // The row of the token 99, which no prompt here has.
    model(&sandbox, "embed.weight", 99 * 64, f32::NAN);
    sandbox.run(&["logits", "model", "2+3="]).ok();
    says(sandbox.run(&["logits", "model", "99+3="]).failed(), ["first at hook_embed, after tokens [99, 100, 3, 104]"]);
}

/// Values that f16 cannot hold are told from damage.
#[test]
fn an_overflow_of_half_precision_says_which_precision_to_take() {
    let sandbox = Sandbox::stored(STEPS);
    model(&sandbox, "blocks.1.up.weight", 3, 1e5);
    sandbox.run(&["logits", "model", "2+3="]).ok();
    let said = sandbox.run(&["logits", "model", "2+3=", "--dtype", "f16"]).failed();
    says(said, ["blocks.1.mlp", "write dtype = \"bf16\" or \"f32\""]);
}
