//! The paper's specs on a random model of each family: planned without a change but the model, one of them run on a few prompts.

use crate::support::{Sandbox, repository};
use serde_json::{Value, json};

/// A configuration of each family that has as many heads and neurons as the specs rank.
fn configurations() -> Vec<(&'static str, Value)> {
    let shape = json!({
        "num_hidden_layers": 5, "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 4, "hidden_size": 16,
        "intermediate_size": 6400, "vocab_size": 1200, "max_position_embeddings": 64, "rms_norm_eps": 1e-6,
    });
    let kinds = ["sliding_attention", "full_attention", "sliding_attention", "sliding_attention", "full_attention"];
    let windows = json!({ "sliding_window": 3, "layer_types": kinds });
    let of = |family, keys: &Value| {
        let mut config = shape.clone();
        let object = config.as_object_mut().expect("an object");
        object.insert("model_type".into(), json!(family));
        object.extend(keys.as_object().cloned().expect("an object"));
        (family, config)
    };
    let none = json!({});
    vec![
        of("mistral", &json!({ "sliding_window": 3 })),
        of("qwen3", &none),
        of("gemma2", &windows),
        of("gemma3_text", &windows),
        of("olmo2", &none),
        of("olmo3", &windows),
        of("phi3", &json!({ "sliding_window": 3 })),
        of("smollm3", &none),
    ]
}

#[test]
fn run_on_every_family() {
    for (family, config) in configurations() {
        let sandbox = Sandbox::of(&[(&format!("{family}.json"), &config.to_string())]);
        let model = format!("model.source=random:{}#1", sandbox.at(format!("{family}.json")).display());
        let paper = |name: &str| repository(&format!("experiments/paper/{name}.toml")).display().to_string();
        let planned =
            [paper("fig02-effects"), paper("fig04-neurons"), paper("fig11-circuits"), paper("fig14-attention")];
        let planned = planned.iter().map(String::as_str);
        sandbox.run(&["plan"].into_iter().chain(planned).chain(["--set", &model]).collect::<Vec<_>>()).ok();
        // On a few of its prompts, whatever the model answers.
        let few = ["operands.a=\"0..12\"", "operands.b=\"0..12\"", "keep=\"all\""].map(|key| format!("prompts.{key}"));
        let results = format!("output.dir={}", sandbox.at("results").display());
        let settings =
            [&model, &results, "prompt_sets.discovery.sample=3"].into_iter().chain(few.iter().map(String::as_str));
        let spec = paper("fig02-effects");
        let run: Vec<&str> = ["run", "-q", &spec].into_iter().chain(settings.flat_map(|key| ["--set", key])).collect();
        sandbox.run(&run).ok();
        let report = sandbox.read("results/report.md");
        assert!(report.contains("attn.hook_z"), "{family}: {report}");
    }
}
