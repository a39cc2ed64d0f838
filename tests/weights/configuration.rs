//! `config.json`: what is refused, and how each spelling is read.

use ablate::model::facts::PositionEncoding;
use ablate::model::family;
use serde_json::{Value, json};

use super::{assert_says, fixture};

fn config(model: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture(model).join("config.json")).unwrap()).unwrap()
}

/// A fixture's configuration with some keys changed; `null` removes.
fn with(model: &str, changes: Value) -> Value {
    let mut config = config(model);
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

#[test]
fn unknown_families_are_refused_with_those_that_are_known() {
    let parts = ["'model_type' is \"bert\"", "phi3, smollm3, gpt_neox, gptj, gpt2, ablate"];
    assert_says(family::from_config(&json!({"model_type": "bert"})), &parts);
    assert_says(family::from_config(&json!({"vocab_size": 3})), &["'model_type' is missing", "llama"]);
    assert_says(family::from_config(&json!({"model_type": 3})), &["'model_type' must be a string, found a number"]);
    assert_says(family::from_config(&json!("llama")), &["expected an object"]);
}

#[test]
fn what_would_change_the_computation_is_refused_by_name() {
    let cases = [
        (
            "llama-gqa",
            json!({"rope_scaling": {"rope_type": "proportional", "factor": 4.0}}),
            "scaling \"proportional\" is not supported; supported: default, linear, llama3, yarn, longrope",
        ),
        ("llama-gqa", json!({"rope_scaling": {"type": "dynamic", "factor": 4.0}}), "\"dynamic\""),
        ("llama-gqa", json!({"rope_scaling": {"type": "linear"}}), "'rope_scaling': 'factor' is missing"),
        ("llama-gqa", json!({"hidden_act": "mish"}), "'hidden_act' is \"mish\"; supported: silu, gelu"),
        ("llama-gqa", json!({"num_local_experts": 8}), "a mixture of experts"),
        ("llama-gqa", json!({"quantization_config": {"bits": 4}}), "use a GGUF file"),
        ("llama-gqa", json!({"alibi": true}), "linear biases"),
        ("llama-gqa", json!({"partial_rotary_factor": 0.5}), "partly rotated"),
        ("llama-gqa", json!({"num_key_value_heads": 2}), "3 query heads cannot share 2 key/value heads"),
        ("llama-gqa", json!({"head_dim": 9}), "9 rotated dimensions"),
        ("llama-biases-sharded", json!({"num_attention_heads": 5}), "a width of 24 cannot be split among 5 heads"),
        (
            "qwen2-v5",
            json!({"layer_types": ["full_attention", "chunked_attention"]}),
            "'layer_types' has \"chunked_attention\"",
        ),
        ("llama-gqa", json!({"hidden_size": null}), "'hidden_size' is null"),
        ("gpt2-untied", json!({"add_cross_attention": true}), "cross-attention"),
        ("gptj", json!({"rotary_dim": 16}), "16 rotated dimensions of a head that has 12"),
        ("gptj", json!({"rotary_dim": 5}), "must be even"),
        ("gptj", json!({"rotary_dim": null}), "'rotary_dim' is null"),
        ("ablate", json!({"norm_eps": 0}), "'norm_eps' must be a number above 0, found 0"),
        ("ablate", json!({"d_model": null}), "'d_model' is missing"),
        ("ablate", json!({"n_layers": 100_000}), "'n_layers' must be at most 1000"),
        ("ablate", json!({"d_mlp": 2.5}), "'d_mlp' must be a whole number from 1 to"),
    ];
    for (model, changes, part) in cases {
        assert_says(family::from_config(&with(model, changes)), &[part]);
    }
}

#[test]
fn both_spellings_of_rotations_are_one() {
    let old = with("llama3-rope", json!({"rope_theta": 1234.0}));
    let mut new = old.clone();
    let mut rope = old["rope_scaling"].clone();
    rope["rope_theta"] = json!(1234.0);
    new["rope_parameters"] = rope;
    new["rope_scaling"] = Value::Null;
    new["rope_theta"] = Value::Null;
    let (old, new) = (family::from_config(&old).unwrap(), family::from_config(&new).unwrap());
    assert_eq!((&old.facts, &old.names), (&new.facts, &new.names));
    let PositionEncoding::Rotary(rotary) = old.facts.positions else { panic!("no rotation") };
    assert!((0.5..1.0).contains(&rotary.table.inv_freq[0]), "a wavelength of 2π is on the ramp from 4 to 16");
    let last = 1.0 / 1234f64.powf(14.0 / 16.0) / 8.0;
    assert!((f64::from(rotary.table.inv_freq[7]) / last - 1.0).abs() < 1e-6, "low ones divided by 8");
}

#[test]
fn what_transformers_5_saves_describes_the_same_model() {
    let mut compared = 0;
    for model in crate::parity::MODELS.into_iter().filter(|model| *model != "ablate") {
        let text = std::fs::read_to_string(fixture(model).join("config.saved.json")).unwrap();
        let saved: Value = serde_json::from_str(&text).unwrap();
        assert!(["5.23.0", "5.24.0"].iter().any(|version| saved["transformers_version"] == *version));
        let (saved, original) = (family::from_config(&saved).unwrap(), family::from_config(&config(model)).unwrap());
        assert_eq!((saved.facts, saved.names), (original.facts, original.names), "{model}");
        compared += 1;
    }
    assert_eq!(compared, 18);
}

#[test]
fn no_value_of_any_key_panics_or_asks_for_memory() {
    let hostile = [
        json!(0),
        json!(-1),
        json!(1),
        json!(0.5),
        json!(1e300),
        json!(u64::MAX),
        json!(1u64 << 28),
        json!(4096),
        json!(true),
        json!("x"),
        json!([]),
        json!({}),
        json!({"rope_type": 3}),
        json!({"factor": -1, "rope_type": "linear"}),
        json!(null),
    ];
    for model in crate::parity::MODELS {
        let original = config(model);
        for key in original.as_object().unwrap().keys() {
            for value in &hostile {
                let _ = family::from_config(&with(model, json!({key.clone(): value})));
            }
        }
        for key in
            ["head_dim", "n_inner", "rotary_dim", "rope_theta", "sliding_window", "layer_types", "attention_bias"]
        {
            for value in &hostile {
                let _ = family::from_config(&with(model, json!({key: value})));
            }
        }
    }
}
