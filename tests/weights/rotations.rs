//! Rotations of configurations, against the rotary modules of transformers' classes, which `tests/fixtures/make_rotations.py`
//! asked: every spelling of yarn and longrope, of bases and scalings for each kind of layer, and what published models have.

use ablate::kernel::{Pairing, Rotary};
use ablate::model::config::{Config, ConfigError};
use ablate::model::rope::{Rope, RopeKeys};
use serde_json::{Value, json};

/// Parts of the sentences with which ablate refuses what transformers passes over without a word.
const REFUSED: [&str; 3] = ["stands in no section", "passes over 'type'", "none within another"];

/// What a class reads beside the section, and takes where a configuration is silent.
fn keys(family: &str, kind: &str, n_ctx: usize) -> RopeKeys {
    let usual = RopeKeys::usual(n_ctx);
    match (family, kind) {
        ("gemma3_text", "full_attention") => RopeKeys { default_theta: 1_000_000.0, ..usual },
        ("gemma3_text", _) => RopeKeys { theta: Some("rope_local_base_freq"), ..usual },
        ("olmo3", "full_attention") => RopeKeys { default_theta: 500_000.0, ..usual },
        ("olmo3", _) => RopeKeys { theta: None, default_theta: 500_000.0, ..usual },
        ("phi3", _) => RopeKeys { original: Some(4096), longrope_alone: true, ..usual },
        ("smollm3", _) => RopeKeys { default_theta: 2_000_000.0, ..usual },
        ("gpt_neox", _) => {
            RopeKeys { theta: Some("rotary_emb_base"), partial: "rotary_pct", default_partial: 0.25, ..usual }
        }
        _ => usual,
    }
}

fn read(config: &Value, kind: &'static str) -> Result<(Rotary, Vec<String>), ConfigError> {
    let number = |key: &str| config[key].as_u64().map(|number| number as usize);
    let family = config["model_type"].as_str().unwrap();
    let keys = keys(family, kind, number("max_position_embeddings").unwrap_or(1));
    let config = Config::new(config)?;
    let rope = if kind == "all" { Rope::of(&config, &keys)? } else { Rope::of_kind(&config, &keys, kind)? };
    let split = || number("hidden_size").unwrap() / number("num_attention_heads").unwrap();
    let d_head = number("head_dim").unwrap_or_else(split);
    let rotary = rope.rotary((d_head as f64 * rope.partial) as usize, Pairing::HalfSplit)?;
    Ok((rotary, config.notes()))
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * b.abs()
}

/// What differs from what transformers computed of one kind of layer, if anything.
fn difference(rotary: &Rotary, truth: &Value) -> Option<String> {
    let factor = truth["factor"].as_f64().unwrap();
    if !near(f64::from(rotary.magnitude), factor) {
        return Some(format!("magnitude {} in place of {factor}", rotary.magnitude));
    }
    for (number, of_length) in truth["lengths"].as_array().unwrap().iter().enumerate() {
        let length = of_length["length"].as_u64().unwrap() as usize;
        let expected: Vec<f64> =
            of_length["inv_freq"].as_array().unwrap().iter().map(|f| f.as_f64().unwrap()).collect();
        let found = rotary.frequencies(length);
        if found.len() != expected.len() {
            return Some(format!("{} frequencies in place of {}", found.len(), expected.len()));
        }
        let wrong = found.iter().zip(&expected).position(|(&found, &expected)| !near(f64::from(found), expected));
        if let Some(pair) = wrong {
            return Some(format!(
                "frequency {pair} of a prompt of {length} tokens is {} in place of {}",
                found[pair], expected[pair]
            ));
        }
        if number == 0 && rotary.frequencies(1) != found {
            return Some("the shortest prompt has others".into());
        }
    }
    None
}

fn fixture() -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rotations.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_rotation_is_the_one_that_transformers_computes_or_is_refused() {
    let fixture = fixture();
    assert_eq!(fixture["transformers"], "5.24.0");
    let (mut equal, mut refused, mut changing) = (0, 0, 0);
    let mut wrong = Vec::new();
    for case in fixture["cases"].as_array().unwrap() {
        let config = &case["config"];
        let mut complain = |what: &str| wrong.push(format!("{}: {what}\n  {config}", case["name"]));
        let Some(kinds) = case["rotations"].as_object() else {
            let per_kind = ["gemma3_text", "olmo3"].contains(&config["model_type"].as_str().unwrap());
            let kinds: &[&str] = if per_kind { &["full_attention", "sliding_attention"] } else { &["all"] };
            if kinds.iter().all(|kind| read(config, kind).is_ok()) {
                complain("accepted where transformers fails");
            }
            continue;
        };
        for (kind, truth) in kinds {
            let kind = ["all", "full_attention", "sliding_attention"].into_iter().find(|known| known == kind).unwrap();
            match read(config, kind) {
                Err(error) if REFUSED.iter().any(|part| error.to_string().contains(part)) => refused += 1,
                Err(error) => complain(&format!("{kind}: refused: {error}")),
                Ok((rotary, _)) => match difference(&rotary, truth) {
                    Some(what) => complain(&format!("{kind}: {what}")),
                    None => {
                        equal += 1;
                        changing += usize::from(truth["lengths"].as_array().unwrap().len() == 2);
                    }
                },
            }
        }
    }
    assert!(wrong.is_empty(), "{} rotations differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(equal > 150 && refused > 0 && changing > 10, "{equal} are equal, {changing} by length; {refused} refused");
}

/// What a reader would take for something else, and transformers does without a word.
#[test]
fn what_changes_nothing_in_a_rotation_is_noted() {
    let notes = |config: Value, kind| read(&config, kind).unwrap().1.join("\n");
    let shape = json!({"hidden_size": 64, "num_attention_heads": 4, "max_position_embeddings": 256});
    let of = |family: &str, changes: Value| {
        let mut config = shape.clone();
        config["model_type"] = json!(family);
        for (key, value) in changes.as_object().unwrap() {
            config[key] = value.clone();
        }
        config
    };
    let yarn = json!({"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 32, "truncate": false});
    let olmo3 = of("olmo3", json!({"rope_theta": 70.0, "rope_scaling": yarn}));
    assert_eq!(
        notes(olmo3.clone(), "full_attention"),
        "'rope_scaling': 'truncate' changes nothing, here and in transformers, which reads it beside the sections"
    );
    assert_eq!(
        notes(olmo3, "sliding_attention"),
        "'rope_theta' is not the base of \"sliding_attention\", here and in transformers 5, which is 500000; a section of that \
         name in 'rope_parameters' could give another"
    );
    let mut yarn = yarn;
    yarn["mscale"] = json!(0.7);
    assert_eq!(
        notes(of("llama", json!({"rope_scaling": yarn, "original_max_position_embeddings": 64})), "all"),
        "'original_max_position_embeddings' in 'rope_scaling' changes nothing, here and in transformers: the one beside it is \
         64\n'rope_scaling': 'mscale' changes nothing, here and in transformers: 'mscale' and 'mscale_all_dim' count together alone"
    );
    let beside = json!({"rope_parameters": {"full_attention": {"rope_theta": 5.0}, "rope_theta": 6.0}});
    assert_eq!(
        notes(of("gemma3_text", beside), "sliding_attention"),
        "'rope_theta' in 'rope_parameters' changes nothing, here and in transformers: it stands in no section"
    );
}

#[test]
fn wrong_scalings_are_refused_by_name() {
    let llama = |scaling: Value| {
        read(
            &json!({"model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "max_position_embeddings": 64,
                "rope_scaling": scaling}),
            "all",
        )
        .unwrap_err()
        .to_string()
    };
    let cases = [
        (json!({"rope_type": "yarn"}), "'rope_scaling': 'factor' is missing"),
        (json!({"rope_type": "yarn", "factor": 2, "beta_fast": -1}), "'beta_fast' must be a number above 0, found -1"),
        (json!({"rope_type": "yarn", "factor": 2, "truncate": 3}), "'truncate' must be true or false, found 3"),
        (json!({"rope_type": "yarn", "factor": 2, "rope_theta": 1}), "needs a base above 1, found 1"),
        (json!({"rope_type": "yarn", "factor": 2, "beta_fast": 1e-308}), "frequencies that are not finite"),
        (json!({"rope_type": "longrope", "short_factor": [1]}), "'long_factor' is missing"),
        (json!({"rope_type": "longrope", "short_factor": [0], "long_factor": [1]}), "'short_factor' must be a list"),
        (
            json!({"rope_type": "longrope", "short_factor": [1, 2], "long_factor": [1, 2]}),
            "'long_factor' has 2 factors for 8 pairs of rotated dimensions",
        ),
        (
            json!({"rope_type": "dynamic", "factor": 2}),
            "scaling \"dynamic\" is not supported; supported: default, linear",
        ),
    ];
    for (scaling, part) in cases {
        let error = llama(scaling);
        assert!(error.contains(part), "{error}");
    }
}
