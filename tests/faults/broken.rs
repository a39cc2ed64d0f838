//! Models whose own run is not finite: every kind of step ends, and says where such values stand first.

use crate::store::Place;
use std::fs;
use std::path::Path;

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
fn model(place: &Place, tensor: &str, index: usize, value: f32) {
    let arith = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/arith");
    let folder = place.path().join("model");
    fs::create_dir_all(&folder).unwrap();
    for file in ["config.json", "tokenizer.json"] {
        fs::copy(arith.join(file), folder.join(file)).unwrap();
    }
    let mut bytes = fs::read(arith.join("model.safetensors")).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let start = header[tensor]["data_offsets"][0].as_u64().expect(tensor) as usize;
    let at = 8 + length + start + 4 * index;
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    fs::write(folder.join("model.safetensors"), bytes).unwrap();
}

fn names(spec: &str) -> Vec<&str> {
    spec.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect()
}

#[test]
fn every_kind_of_step_ends_on_a_model_that_is_not_finite() {
    for value in [f32::NAN, f32::INFINITY] {
        let place = Place::with(STEPS);
        model(&place, "blocks.1.up.weight", 3, value);
        let ran = place.ablate(&["run", "spec.toml"]);
        assert_eq!(ran.code, Some(1), "{}", ran.text);
        let report = fs::read_to_string(place.path().join("results/spec/report.md")).unwrap();
        for step in names(STEPS) {
            let said = format!("**step '{step}'** failed:");
            let told = report.split(&said).nth(1).unwrap_or_else(|| panic!("{step}: {report}"));
            let told = told.split("**step").next().unwrap_or_default();
            assert!(told.contains("first at blocks.1.mlp.hook_pre"), "{step}: {told}");
            assert!(told.contains("the weights blocks.1.mlp.W_in"), "{step}: {told}");
        }
        assert!(!report.contains("self-check passed") && !report.contains("recomputed from scratch"), "{report}");
        let rows = place.path().join("results/spec/rows");
        assert!(!rows.exists() || fs::read_dir(rows).unwrap().next().is_none(), "no rows of it");
    }
}

/// Prompts that are kept by what the model answers are asked first.
#[test]
fn so_do_prompts_that_ask_the_model() {
    let place = Place::with(&STEPS.replace("keep = \"all\"", "keep = \"correct\""));
    model(&place, "blocks.2.o.weight", 0, f32::NAN);
    let ran = place.ablate(&["run", "spec.toml"]);
    assert_eq!(ran.code, Some(1), "{}", ran.text);
    assert!(ran.text.contains("first at blocks.2.hook_attn_out, in layer 2"), "{}", ran.text);
}

#[test]
fn logits_of_a_model_that_is_not_finite_are_refused() {
    let place = Place::with(STEPS);
    model(&place, "blocks.1.down.weight", 0, f32::NEG_INFINITY);
    let ran = place.ablate(&["logits", "model", "2+3="]);
    assert_eq!(ran.code, Some(1), "{}", ran.text);
    assert!(ran.text.contains("first at blocks.1.hook_mlp_out, in layer 1"), "{}", ran.text);
    assert!(!ran.text.contains("NaN 0"), "{}", ran.text);
}

/// What no prompt reaches is nobody's loss.
#[test]
fn weights_that_reach_no_logit_are_no_fault() {
    let place = Place::with(STEPS);
    // The row of the token 99, which no prompt here has.
    model(&place, "embed.weight", 99 * 64, f32::NAN);
    let ran = place.ablate(&["logits", "model", "2+3="]);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    let ran = place.ablate(&["logits", "model", "99+3="]);
    assert_eq!(ran.code, Some(1), "{}", ran.text);
    assert!(ran.text.contains("first at hook_embed, after tokens [99, 100, 3, 104]"), "{}", ran.text);
}

/// Values that f16 cannot hold are told from damage.
#[test]
fn an_overflow_of_half_precision_says_which_precision_to_take() {
    let place = Place::with(STEPS);
    model(&place, "blocks.1.up.weight", 3, 1e5);
    assert_eq!(place.ablate(&["logits", "model", "2+3="]).code, Some(0));
    let ran = place.ablate(&["logits", "model", "2+3=", "--dtype", "f16"]);
    assert_eq!(ran.code, Some(1), "{}", ran.text);
    assert!(
        ran.text.contains("blocks.1.mlp") && ran.text.contains("write dtype = \"bf16\" or \"f32\""),
        "{}",
        ran.text
    );
}
