//! What is to be said of a model: by every command that reads one.

use crate::support::{Sandbox, says};

/// A Mistral with a window and a context of 8, and a setting that changes nothing.
const CONFIG: &str = r#"{"model_type": "mistral", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 1005, "max_position_embeddings": 8, "sliding_window": 8,
    "rope_scaling": {"factor": 4.0}}"#;

const SPEC: &str = r#"
title = "Prompts longer than a window"
[model]
source = "random:config.json#1"
[prompts]
template = "{a}+{b}+{a}+{b}+{a}+{b}="
completion = "{c}"
slots = { a = [1, 2], b = [3, 4], c = [5, 6] }
[[step]]
name = "att"
kind = "attention-patterns"
[[table]]
name = "distances"
from = "att"
derive = { distance = "query_index - key_index" }
[[table]]
name = "beyond"
from = "distances"
where = { distance = ">= 8" }
group_by = ["component"]
aggregate = { largest = "max(mean)" }
[[table]]
name = "within"
from = "distances"
where = { distance = "< 8" }
group_by = ["component"]
aggregate = { least = "min(mean)" }
"#;

const UNUSED: &str = "'factor' in 'rope_scaling' changes nothing, here and in transformers";
const BEYOND: &str = "prompts of up to 12 tokens exceed the context of 8 tokens that the model was made for";

#[test]
fn notes_of_a_model_reach_whoever_reads_it() {
    let sandbox = Sandbox::empty();
    sandbox.write("config.json", CONFIG);
    let source = "random:config.json#1";
    let text = sandbox.run(&["model", source]).out;
    assert!(text.contains(&format!("\nnote: {UNUSED}")), "{text}");
    assert!(text.contains("context 8; window of 8 tokens in every layer\n"), "{text}");

    let ran = sandbox.run(&["logits", source, "1+2+1+2+1+2=", "--format", "json"]);
    says(&ran.err, [format!("note: {UNUSED}"), format!("note: {BEYOND}")]);
    ran.json();
    let within = sandbox.run(&["logits", source, "1+2="]).err;
    assert!(!within.contains("prompts of up to"), "{within}");
}

#[test]
fn a_run_tells_them_and_keeps_to_the_window() {
    let sandbox = Sandbox::empty();
    sandbox.write("config.json", CONFIG);
    sandbox.write("spec.toml", SPEC);
    sandbox.ran();
    let report = sandbox.report().replace('\\', ""); // as Markdown escapes names
    for text in [report, sandbox.read("results/spec/manifest.json")] {
        assert!(text.contains(&format!("model 'model': {UNUSED}")) && text.contains(BEYOND), "{text}");
    }
    let beyond = sandbox.table("beyond");
    assert!(beyond.lines().count() == 3 && beyond.lines().skip(1).all(|line| line.ends_with(",0.0")), "{beyond}");
    let within = sandbox.table("within");
    assert!(within.lines().count() == 3 && !within.contains(",0.0\n"), "{within}");
}

#[test]
fn prompts_that_a_table_of_positions_does_not_reach_are_refused_before_any_work() {
    let sandbox = Sandbox::empty();
    let config = r#"{"model_type": "gptj", "n_embd": 32, "n_layer": 1, "n_head": 2, "rotary_dim": 8, "n_positions": 8, "vocab_size": 1005}"#;
    sandbox.write("config.json", config);
    sandbox.write("spec.toml", SPEC);
    for command in ["plan", "run"] {
        says(sandbox.run(&[command, "spec.toml"]).refused(), ["the model has only 8 positions"]);
    }
    let text = sandbox.run(&["logits", "random:config.json#1", "1+2+1+2+1+2="]).err;
    says(text, ["12 tokens are more than the model's 8 positions"]);
}
