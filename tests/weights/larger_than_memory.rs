//! `memory_mib` of a model: runs of models whose weights take more than that.

use crate::support::{Sandbox, says};
use ablate::intervene::{Activations, CleanRun, Edit, EditedPrompt, Positions, Replay, Units};
use ablate::model::checkpoint::Checkpoint;
use ablate::model::hook::{Hook, Site};
use ablate::model::transformer::Tokens;
use ablate::model::{Lookup, Model, NotFinite, Residence, WeightBudget};
use ablate::spec;
use std::sync::Arc;

/// Llama's shape with 1.9 million weights, 7.4 MiB, of which a fifth is embedding and unembedding.
const SMALL: &str = r#"{"model_type": "llama", "vocab_size": 1100, "hidden_size": 128, "intermediate_size": 512,
    "num_hidden_layers": 6, "num_attention_heads": 4, "tie_word_embeddings": false}"#;

const SPEC: &str = r#"
title = "larger than memory"
[model]
source = "random:config.json#3"
[prompts]
template = "{a}{op}{b}="
operands = { a = "0..30", b = "0..30" }
operators = ["+", "-"]
sample = 6
[[step]]
name = "effects"
kind = "activation-patching"
sites = ["z[head]", "mlp_out"]
positions = ["last", "a"]
[[step]]
name = "circuits"
kind = "ablation"
components = ["L*H0", "L2MLP"]
mean.sample = 20
[[step]]
name = "lens"
kind = "logit-lens"
[[step]]
name = "direct"
kind = "logit-attribution"
"#;

fn sandbox(spec: &str) -> Sandbox {
    Sandbox::of(&[("spec.toml", spec), ("config.json", SMALL)])
}

#[test]
fn results_are_those_of_a_model_in_memory_and_the_manifest_says_what_was_read() {
    let sandbox = sandbox(SPEC);
    sandbox.run_into("whole", &[]);
    sandbox.run_into("streamed", &["--set", "model.memory_mib=3"]);
    for step in ["effects", "circuits", "lens", "direct"] {
        let rows = |folder: &str| sandbox.bytes(format!("{folder}/rows/{step}.parquet"));
        assert!(rows("whole") == rows("streamed"), "{step}");
    }
    let read = |folder: &str| -> Vec<Option<u64>> {
        let manifest = sandbox.json(format!("{folder}/manifest.json"));
        manifest["steps"].as_array().unwrap().iter().map(|step| step["bytes_read"].as_u64()).collect()
    };
    assert!(read("whole").iter().all(Option::is_none), "{:?}", read("whole"));
    let layer = 4 * (4 * 128 * 128 + 3 * 128 * 512 + 2 * 128);
    for (step, bytes) in read("streamed").into_iter().enumerate() {
        let bytes = bytes.unwrap();
        assert!(bytes > 0 && bytes.is_multiple_of(layer), "step {step}: {bytes}");
    }
}

/// Two devices of 5 MiB hold three layers each; of 3 MiB one each, and the others are read, by each for its rows.
#[test]
fn devices_hold_a_part_of_the_layers_each() {
    let sandbox = sandbox(SPEC);
    sandbox.run_into("whole", &[]);
    for (memory, spread) in [
        ("5", "3 and 3, which lend them to each other"),
        ("3", "1 and 1, which lend them to each other; the other 4 are read from files"),
    ] {
        let sets = ["--set", "model.device=[\"cpu\", \"cpu\"]", "--set", &format!("model.memory_mib={memory}")];
        sandbox.run_into("spread", &sets);
        for step in ["effects", "circuits", "lens", "direct"] {
            let rows = |folder: &str| sandbox.bytes(format!("{folder}/rows/{step}.parquet"));
            assert!(rows("whole") == rows("spread"), "{step} with {memory} MiB each");
        }
        let manifest = sandbox.json("spread/manifest.json");
        let read: u64 =
            manifest["steps"].as_array().unwrap().iter().filter_map(|step| step["bytes_read"].as_u64()).sum();
        assert_eq!(read > 0, memory == "3", "{read} bytes");
        let planned = sandbox.run(&[&["plan", "spec.toml"], &sets[..]].concat()).ok().text;
        says(&planned, [spread]);
        assert_eq!(planned.contains(" of 6 layers are read"), memory == "3", "{planned}");
    }
}

/// Where a device says how much memory it has, a model that does not fit one is spread over as many as hold it, with two layers passing.
#[test]
fn a_model_is_spread_over_devices_that_hold_it_together() {
    let sandbox = sandbox(SPEC);
    let model = Checkpoint::random(&sandbox.at("config.json"), 3).unwrap();
    let of = |bytes: u64, devices| Residence::of(&model, (4, false), WeightBudget::Device(bytes), devices).unwrap();
    let (ends, layer) = (2 * 4 * 1100 * 128, 4 * (4 * 128 * 128 + 3 * 128 * 512 + 2 * 128));
    let all = (ends + 6 * layer) as u64;
    assert_eq!((of(all, 2), of(all, 4)), (None, None), "it fits each");
    let halves = (ends + 5 * layer) as u64;
    let spread = of(halves, 2).expect("three layers each, and two that pass");
    assert_eq!((spread.shares.as_slice(), spread.read_bytes, spread.most_bytes() as u64), (&[3, 3][..], 0, halves));
    assert_eq!(of(halves - 1, 2), None, "refused where its memory is compared");
    assert_eq!(of(halves - 1, 4).expect("enough").shares, [2, 2, 1, 1]);
}

#[test]
fn a_plan_says_how_often_layers_are_read() {
    let ran = sandbox(SPEC).run(&["plan", "spec.toml", "--set", "model.memory_mib=3"]).ok();
    says(
        &ran.text,
        [
            "effects, model 'model': 5 of 6 layers are read about 6 times, 5.2 MB each time: 31.5 MB in",
            "s of arithmetic",
        ],
    );
}

#[test]
fn what_cannot_be_is_refused_at_the_key() {
    let little = sandbox(&SPEC.replace("#3\"", "#3\"\nmemory_mib = 1"));
    says(little.refused(), ["memory_mib = 1 is too small", "write memory_mib = 2 or more"]);
    let gradients = r#"
[[step]]
name = "gradients"
kind = "attribution-patching"
sites = ["z[head]"]
positions = ["last"]
"#;
    let refused = sandbox(&(SPEC.replace("#3\"", "#3\"\nmemory_mib = 3") + gradients)).refused();
    says(
        crate::support::flowing(&refused),
        ["gradients need every layer in the memory of one device", "spec.toml:5", "'gradients'"],
    );
    // As much as all take is as if it were not written.
    sandbox(&(SPEC.replace("#3\"", "#3\"\nmemory_mib = 8") + gradients)).ran();
}

/// Llama's shape with 57 million weights, a fifth of them in embedding and unembedding.
#[cfg(target_os = "linux")]
const LARGE: &str = r#"{"model_type": "llama", "vocab_size": 10000, "hidden_size": 512, "intermediate_size": 1536,
    "num_hidden_layers": 14, "num_attention_heads": 8, "tie_word_embeddings": false}"#;

/// Run by the test below in a process of its own, whose peak is not that of other tests.
#[test]
#[ignore = "part of the_peak_is_the_budget_and_two_layers"]
#[cfg(target_os = "linux")]
fn sweep_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), LARGE).unwrap();
    let spec = spec::Model { memory_mib: Some(100), ..spec::Model::of("random:config.json#0") };
    let before = super::memory::peak();
    let model = Model::open(&spec, Lookup { base: folder.path(), checkpoint: None, quiet: true }).unwrap();
    let transformer = model.transformer();
    let tokens = Tokens { ids: vec![1, 2, 3, 4], batch: 2, pos: 2 };
    let last = Positions::At(vec![1]);
    let hooks: Vec<Hook> = (0..14).map(|layer| Hook::Block(layer, Site::Z)).collect();
    let wanted = hooks.iter().map(|&hook| (hook, last.clone())).collect();
    let base = CleanRun::run(transformer, tokens, &wanted, 2, || Ok::<(), NotFinite>(())).unwrap();
    let edits = hooks.iter().map(|&hook| Arc::from(vec![Edit::zero(hook, last.clone(), Units::Of(vec![0]))]));
    let rows: Vec<EditedPrompt> = edits.map(|edits| EditedPrompt { prompt: 0, source: None, edits }).collect();
    Replay::new(transformer, &base, &Activations::new(), 1 << 22).logits(&rows).unwrap();
    println!("peak {} of {} read", super::memory::peak() - before, transformer.reads().unwrap().bytes());
}

/// The same of a model in half width, of few and wide layers: the peak and the most that its plan says.
#[test]
#[ignore = "part of a_layer_in_half_width_passes_through_f32_matrix_by_matrix"]
#[cfg(target_os = "linux")]
fn forward_alone() {
    let folder = tempfile::tempdir().unwrap();
    let wide = r#"{"model_type": "llama", "vocab_size": 100, "hidden_size": 1024, "intermediate_size": 8192,
        "num_hidden_layers": 3, "num_attention_heads": 8, "tie_word_embeddings": false}"#;
    std::fs::write(folder.path().join("config.json"), wide).unwrap();
    let of = spec::Model::of("random:config.json#0");
    let spec = spec::Model { memory_mib: Some(1), dtype: spec::Dtype::Bf16, ..of };
    let lookup = Lookup { base: folder.path(), checkpoint: None, quiet: true };
    let planned = Model::card(&spec, lookup).unwrap().most_bytes;
    let before = super::memory::peak();
    let model = Model::open(&spec, lookup).unwrap();
    model.transformer().forward(&Tokens { ids: vec![1, 2], batch: 1, pos: 2 }, &mut ());
    println!("peak {} of {planned} planned", super::memory::peak() - before);
}

/// The numbers that a test prints which runs in a process of its own: after `peak`, and after `of`.
#[cfg(target_os = "linux")]
fn peak_alone(test: &str) -> [f64; 2] {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([&format!("weights::larger_than_memory::{test}"), "--exact", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    ["peak ", " of "].map(|after| {
        let rest = text.split(after).nth(1).and_then(|rest| rest.split_whitespace().next());
        rest.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{text}"))
    })
}

#[test]
#[cfg(target_os = "linux")]
fn a_layer_in_half_width_passes_through_f32_matrix_by_matrix() {
    let [peak, planned] = peak_alone("forward_alone");
    let matrix = 1024.0 * 8192.0;
    let layer = 4.0 * 1024.0 * 1024.0 + 3.0 * matrix + 2.0 * 1024.0;
    let ends = 2.0 * 100.0 * 1024.0;
    assert_eq!(planned, 2.0 * (ends + 2.0 * layer) + 4.0 * matrix, "two layers, and one matrix in f32");
    // A whole layer in f32 would be 84 MB more.
    assert!(peak <= planned + 30e6, "{} MB of {}", peak / 1e6, planned / 1e6);
    assert!(peak >= 0.8 * planned, "{} MB of {}: the layers are there", peak / 1e6, planned / 1e6);
}

#[test]
#[cfg(target_os = "linux")]
fn the_peak_is_the_budget_and_two_layers() {
    let layer = 4.0 * (4.0 * 512.0 * 512.0 + 3.0 * 512.0 * 1536.0 + 2.0 * 512.0);
    let budget = f64::from(100 << 20);
    let [peak, read] = peak_alone("sweep_alone");
    // Beside activations, and what the first use of threads takes: a third layer would be more.
    assert!(
        peak <= budget + 2.0 * layer + 20e6,
        "{} MB beside {} of budget, layers of {}",
        peak / 1e6,
        budget / 1e6,
        layer / 1e6
    );
    assert!(peak >= 0.8 * budget, "{} MB: what fits is held", peak / 1e6);
    let held = ((budget - 4.0 * 2.0 * 10_000.0 * 512.0) / layer).floor();
    assert_eq!(read, 2.0 * (14.0 - held) * layer, "the base run and the sweep");
}
