//! What a configuration describes, against transformers' classes: every key absent, every spelling of rotation and window.
//! `tests/fixtures/make_described.py` asked transformers.

use ablate::kernel::ActivationFunction;
use ablate::model::facts::{PositionEncoding, Residual, SoftCaps};
use ablate::model::family::{self, Description};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a description says, in the words of the fixture.
fn told(Description { facts, names, .. }: &Description) -> Value {
    let activation = match facts.activation {
        ActivationFunction::Silu => "silu",
        ActivationFunction::Gelu => "gelu",
        ActivationFunction::GeluTanh => "gelu_new",
        ActivationFunction::Relu => "relu",
    };
    let parallel = match (facts.family, facts.residual) {
        ("gpt_neox", residual) => json!(residual == Residual::Parallel),
        _ => Value::Null,
    };
    let expected = names.expected(facts.n_vocab, facts.n_ctx, facts.d_model);
    let biases: BTreeSet<String> = expected
        .iter()
        .filter(|expected| expected.name.ends_with(".bias"))
        .map(|expected| {
            let segments: Vec<&str> = expected.name.split('.').collect();
            let last = &segments[segments.len().saturating_sub(3)..];
            last.iter().filter(|part| part.parse::<u32>().is_err()).copied().collect::<Vec<_>>().join(".")
        })
        .collect();
    let mut told = json!({
        "n_layers": facts.n_layers, "n_heads": facts.n_heads, "n_kv_heads": facts.n_kv_heads, "d_model": facts.d_model,
        "d_head": facts.d_head, "d_mlp": facts.d_mlp, "n_vocab": facts.n_vocab, "n_ctx": facts.n_ctx, "eps": facts.norm.eps,
        "activation": activation, "tied": facts.tied, "window": facts.window, "parallel": parallel, "biases": biases,
    });
    match &facts.positions {
        PositionEncoding::Learned => {
            let factors: Vec<f64> = (0..facts.n_layers).map(|layer| facts.scores_of(layer).factor).collect();
            told["score_factors"] = json!(factors);
        }
        PositionEncoding::Rotary(rotary) => {
            let rotary = &rotary.table;
            told["rotated"] = json!(2 * rotary.inv_freq.len());
            told["inv_freq"] = json!(rotary.inv_freq.iter().take(8).collect::<Vec<_>>());
            told["rotation_factor"] = json!(rotary.magnitude);
        }
    }
    told
}

/// Whether two values are the same, numbers within float rounding.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-6 * b.abs()
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

#[test]
fn every_configuration_means_what_transformers_makes_of_it_or_is_refused() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/described.json");
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(fixture["transformers"], "5.24.0");
    let (mut equal, mut refused) = (0, 0);
    for case in fixture["cases"].as_array().unwrap() {
        match (family::from_config(&case["config"]), &case["facts"]) {
            (Ok(_), Value::Null) => panic!("accepted where transformers fails: {case}"),
            (Err(_), Value::Null) => {}
            (Err(error), _) => {
                let told = ["not supported", "'head_dim' is", "cannot share", "rotated dimensions of"]
                    .iter()
                    .any(|part| error.to_string().contains(part));
                assert!(told, "refused: {error}: {case}");
                refused += 1;
            }
            (Ok(description), facts) => {
                let told = told(&description);
                assert!(same(&told, facts), "described as\n{told}\nof\n{case}");
                equal += 1;
            }
        }
    }
    assert!(equal > 150, "{equal} of them are read, {refused} refused");
}

#[test]
fn what_changes_nothing_is_noted() {
    let llama = |key: &str, value: Value| {
        let mut config = json!({"model_type": "llama"});
        config[key] = value;
        family::from_config(&config).unwrap().notes.join("\n")
    };
    assert_eq!(llama("rope_scaling", json!({"rope_type": "linear", "factor": 2.0})), "");
    assert_eq!(
        llama("rope_scaling", json!({"factor": 2.0})),
        "'factor' in 'rope_scaling' changes nothing, here and in transformers: the rotation is of type \"default\""
    );
    assert_eq!(llama("sliding_window", json!(8)), "'sliding_window' is not read in llama, here and in transformers");
    let capped = family::from_config(&json!({"model_type": "gemma3_text", "attn_logit_softcapping": 5.0})).unwrap();
    assert_eq!(capped.facts.caps, SoftCaps::NONE);
    assert_eq!(capped.notes, ["'attn_logit_softcapping' is not read in gemma3, as in transformers"]);
    let both = json!({
        "model_type": "gpt_neox", "rope_scaling": {"type": "linear", "factor": 2.0}, "rope_parameters": {"rope_theta": 3.0},
        "rope_theta": 4.0,
    });
    let notes = family::from_config(&both).unwrap().notes;
    assert_eq!(
        notes,
        [
            "'rope_scaling' is followed and nothing of 'rope_parameters', as in transformers",
            "'rope_theta' is not read in this family, here and in transformers: 'rotary_emb_base' and 'rotary_pct' are",
        ]
    );
}
