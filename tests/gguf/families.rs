//! The families that differ from llama in more than sizes: files of llama.cpp's converter (tests/fixtures/gguf/families.py).

use std::collections::BTreeMap;

use ablate::model::checkpoint::Checkpoint;
use ablate::model::facts::{Facts, PositionEncoding};
use ablate::model::gguf::Gguf;
use ablate::model::host::HostModel;
use ablate::model::transformer::{Tokens, Transformer};
use burn::tensor::{DType, Device};

use super::edited::{Edited, Setting};
use super::fixture;

pub const FAMILIES: [&str; 10] =
    ["qwen3", "olmo2", "olmo3", "gemma2", "gemma3", "mistral", "phi3", "phi3-longrope", "smollm3", "llama-3.2"];

#[derive(serde::Deserialize)]
struct Expected {
    tokens: Vec<Vec<u32>>,
    logits: BTreeMap<String, Vec<Vec<f32>>>,
}

#[test]
fn logits_equal_transformers() {
    let expected: Expected = serde_json::from_slice(&std::fs::read(fixture("families.json")).unwrap()).unwrap();
    assert_eq!(expected.logits.len(), FAMILIES.len());
    let tokens = Tokens::from_rows(&expected.tokens).unwrap();
    for name in FAMILIES {
        let right = expected.logits[name].concat();
        let gguf = Gguf::open(&fixture(&format!("{name}.gguf"))).unwrap().model().unwrap();
        let folder = Checkpoint::open(&fixture(name)).unwrap();
        for (kind, model) in [("file", gguf), ("folder", folder)] {
            let model = Transformer::load(&model, &Device::flex(), DType::F32).unwrap();
            let logits = model.last_logits(&tokens).into_data().try_into_vec::<f32>().unwrap();
            assert_eq!(logits.len(), right.len());
            let largest = logits.iter().zip(&right).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(largest <= 2e-5, "{name}, {kind}: {largest:e}");
        }
    }
}

fn model(edited: &Edited) -> Result<Checkpoint, String> {
    let file = edited.file();
    Gguf::open(file.path()).and_then(Gguf::model).map_err(|error| error.to_string())
}

fn facts(edited: &Edited) -> Facts {
    model(edited).unwrap_or_else(|error| panic!("{error}")).facts().clone()
}

fn refusal(edited: &Edited) -> String {
    model(edited).err().expect("accepted")
}

/// Every setting of every architecture taken away: the model is the same, or its absence means something else, or is an error
/// that names it.
#[test]
fn every_setting_absent() {
    let needed = [
        "attention.head_count",
        "attention.layer_norm_rms_epsilon",
        "block_count",
        "context_length",
        "embedding_length",
        "feed_forward_length",
    ];
    let (kv, width, base, window) =
        ("attention.head_count_kv", "attention.key_length", "rope.freq_base", "attention.sliding_window");
    let cases: [(&str, &[&str]); 6] = [
        ("qwen3", &[kv, width, base]),
        ("olmo2", &[kv, base]),
        ("gemma2", &[kv, width, window, "attn_logit_softcapping", "final_logit_softcapping"]),
        ("gemma3", &[kv, width, base, window, "rope.freq_base_swa", "rope.scaling.factor"]),
        ("phi3", &[kv, window]),
        ("smollm3", &[kv, base]),
    ];
    for (name, other) in cases {
        let whole = Edited::of(&format!("{name}.gguf"));
        let right = facts(&whole);
        let settings = whole.keys().into_iter().filter(|key| key.starts_with(&format!("{name}.")));
        for key in settings {
            let setting = &key[name.len() + 1..];
            match model(&whole.clone().without(&key)) {
                Err(error) if needed.contains(&setting) => assert!(error.contains(&key), "{key}: {error}"),
                Err(error) => assert!([kv, width].contains(&setting), "{key}: {error}"),
                Ok(_) if needed.contains(&setting) => panic!("{key} is needed"),
                Ok(model) => assert_eq!(*model.facts() == right, !other.contains(&setting), "{key}"),
            }
        }
    }
}

fn bases(facts: &Facts) -> (f32, Option<f32>) {
    let PositionEncoding::Rotary(rotary) = &facts.positions else { panic!("{:?}", facts.positions) };
    (rotary.table.inv_freq[1], rotary.windowed.as_ref().map(|table| table.inv_freq[1]))
}

fn layers(edited: &Edited) -> Vec<usize> {
    facts(edited).window.map(|window| window.layers).unwrap_or_default()
}

/// By a number n (all but each nth), by a list, and by what llama.cpp takes where nothing is said.
#[test]
fn layers_with_a_window() {
    let gemma3 = Edited::of("gemma3.gguf");
    let pattern = "gemma3.attention.sliding_window_pattern";
    assert_eq!(layers(&gemma3), [0, 1, 2, 3, 4, 6]);
    let every = |n| layers(&gemma3.clone().with(&[(pattern, Setting::Count(n))]));
    assert_eq!(every(3), [0, 1, 3, 4, 6]);
    assert_eq!(every(1), [0usize; 0]);
    assert_eq!(every(0), [0, 1, 2, 3, 4, 5, 6]);
    let listed = [true, false, false, true, false, false, false];
    assert_eq!(layers(&gemma3.clone().with(&[(pattern, Setting::Bools(&listed))])), [0, 3]);
    assert_eq!(layers(&gemma3.clone().with(&[(pattern, Setting::Counts(&listed.map(u32::from)))])), [0, 3]);
    let error = refusal(&gemma3.clone().with(&[(pattern, Setting::Bools(&[true]))]));
    assert!(error.contains(&format!("'{pattern}' has 1 value for 7 layers")), "{error}");
    assert_eq!(layers(&gemma3.without("gemma3.attention.sliding_window")), [0usize; 0]);
    let olmo3 = Edited::of("olmo3.gguf");
    assert_eq!(layers(&olmo3), [0, 2]);
    assert_eq!(layers(&olmo3.clone().without("olmo2.attention.sliding_window_pattern")), [0, 1, 2]);
    // Without its window it is an OLMo 2, all of whose layers are rotated alike.
    let olmo2 = facts(&olmo3.without("olmo2.attention.sliding_window"));
    assert_eq!((olmo2.family, olmo2.window.clone(), bases(&olmo2).1), ("olmo2", None, None));
    let gemma2 = facts(&Edited::of("gemma2.gguf").without("gemma2.attention.sliding_window"));
    assert_eq!(gemma2.window.unwrap().tokens, 4096);
}

#[test]
fn bases_of_layers_with_a_window() {
    // Pair 1 of 6: the base to the power of -1/6, over the scaling's factor in layers that see all.
    let pair = |base: f64, factor: f64| (base.powf(-1.0 / 6.0) / factor) as f32;
    let near = |a: f32, b: f32| (a - b).abs() <= 2e-7 * b;
    let gemma3 = Edited::of("gemma3.gguf");
    for (edited, full, local) in [
        (gemma3.clone(), pair(1000.0, 8.0), pair(100.0, 1.0)),
        (gemma3.clone().without("gemma3.rope.freq_base_swa"), pair(1000.0, 8.0), pair(10_000.0, 1.0)),
        (gemma3.clone().without("gemma3.rope.scaling.factor"), pair(1000.0, 1.0), pair(100.0, 1.0)),
    ] {
        let (here, there) = bases(&facts(&edited));
        assert!(near(here, full) && near(there.unwrap(), local), "{here} {there:?}, should be {full} {local}");
    }
    // One that is not the other layers' is refused where all are rotated alike.
    let error = refusal(&Edited::of("gemma2.gguf").with(&[("gemma2.rope.freq_base_swa", Setting::Float(500.0))]));
    assert!(error.contains("'gemma2.rope.freq_base_swa' is 500"), "{error}");
}

/// Gemma's files do not say by what scores are scaled: llama.cpp knows the largest models by their layers.
#[test]
fn scale_of_scores_by_the_number_of_layers() {
    for (name, layers, largest) in [("gemma2", 2, 46), ("gemma3", 7, 62)] {
        let file = Edited::of(&format!("{name}.gguf"));
        let grown = (layers..largest).fold(file.clone(), |file, layer| file.block_again(0, layer));
        let grown = grown.with(&[(&format!("{name}.block_count"), Setting::Count(largest as u32))]);
        // 32 wide, 4 heads of 12.
        assert_eq!(facts(&file).scores.over_root_of, Some(12.0));
        assert_eq!(facts(&grown).scores.over_root_of, Some(8.0));
        let notes = model(&grown).unwrap().notes().join("\n");
        assert!(notes.contains("is taken as the 27B model, as in llama.cpp: 1/\u{221a}8"), "{notes}");
        assert!(!model(&file).unwrap().notes().iter().any(|note| note.contains("27B")));
    }
}

#[test]
fn caps() {
    let caps = |edited: &Edited| (facts(edited).caps.scores, facts(edited).caps.logits);
    let gemma2 = Edited::of("gemma2.gguf");
    assert_eq!(caps(&gemma2), (Some(2.0), Some(3.0)));
    // As llama.cpp and transformers take silence.
    let silent = gemma2.clone().without("gemma2.attn_logit_softcapping").without("gemma2.final_logit_softcapping");
    assert_eq!(caps(&silent), (Some(50.0), Some(30.0)));
    let gemma3 = Edited::of("gemma3.gguf");
    let capped = |value| gemma3.clone().with(&[("gemma3.final_logit_softcapping", Setting::Float(value))]);
    assert_eq!(caps(&gemma3), (None, None));
    assert_eq!(caps(&capped(0.0)), (None, None));
    assert_eq!(caps(&capped(25.0)), (None, Some(25.0)));
    let error = refusal(&gemma3.clone().with(&[("gemma3.attn_logit_softcapping", Setting::Float(50.0))]));
    assert!(error.contains("'gemma3.attn_logit_softcapping': a model with this setting is not supported"), "{error}");
}

#[test]
fn factors_of_long_prompts() {
    let file = Edited::of("phi3-longrope.gguf");
    for gone in ["rope_factors_short.weight", "rope_factors_long.weight"] {
        let error = refusal(&file.clone().renamed(gone, "rope_freqs.weight"));
        assert!(error.contains("must both be there, or neither"), "{error}");
    }
    let error = refusal(&file.clone().with(&[("phi3.rope.scaling.type", Setting::Text("yarn"))]));
    assert!(error.contains("'phi3.rope.scaling.type' is 'yarn' beside 'rope_factors_short.weight'"), "{error}");
    let error = refusal(&Edited::of("qwen3.gguf").floats("rope_factors_long.weight", &[1.0; 6]));
    assert!(error.contains("are not supported in qwen3"), "{error}");
    let error =
        refusal(&file.renamed("rope_factors_short.weight", "old").floats("rope_factors_short.weight", &[1.0; 3]));
    assert!(error.contains("3 factors for 4 pairs"), "{error}");
}

/// llama.cpp's converter can write q, k and v as one matrix (`--fuse-qkv`), and reorders q's and k's rows first.
#[test]
fn fused_queries_keys_and_values() {
    for name in ["llama-3.2", "qwen3", "gemma2"] {
        let plain = Edited::of(&format!("{name}.gguf"));
        let fused = plain
            .clone()
            .joined("blk.1.attn_qkv.weight", ["attn_q", "attn_k", "attn_v"].map(|part| format!("blk.1.{part}.weight")));
        let (plain, fused) = (model(&plain).unwrap(), model(&fused).unwrap());
        assert_eq!(plain.block(1).unwrap(), fused.block(1).unwrap(), "{name}");
    }
}

#[test]
fn what_a_reader_should_know() {
    let notes = |edited: &Edited| model(edited).unwrap().notes().join("\n");
    let window = notes(&Edited::of("phi3.gguf"));
    assert!(
        window.contains("attention sees 5 tokens ('phi3.attention.sliding_window'), as in transformers"),
        "{window}"
    );
    assert_eq!(notes(&Edited::of("phi3-longrope.gguf")), "");
    assert_eq!(notes(&Edited::of("mistral.gguf")), "");
}
