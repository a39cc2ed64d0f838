//! Gemma 3 270M. Needs a download of 253 MB:
//!
//!     scripts/fetch-gemma3.sh
//!     cargo test --release -- --ignored gemma3
//!
//! `GEMMA3` names the file where it is not at `models/gemma-3-270m-q4_k_m.gguf`. The reference is `transformers`
//! (tests/fixtures/gguf/gemma3.py).

use std::collections::BTreeSet;
use std::path::PathBuf;

use ablate::model::facts::HeadNorm;
use ablate::model::gguf::Gguf;
use ablate::model::host::HostModel;
use ablate::model::processing::Processed;
use ablate::model::transformer::{Tokens, Transformer};
use ablate::spec::Processing;
use burn::tensor::{DType, Device};

use super::fixture;

/// Largest difference allowed between two computations in single precision, of the largest logit.
const TOLERANCE: f32 = 1e-3;

#[derive(serde::Deserialize)]
struct Reference {
    texts: Vec<Text>,
    prompts: Vec<Prompt>,
}

#[derive(serde::Deserialize)]
struct Text {
    text: String,
    ids: Vec<u32>,
}

#[derive(serde::Deserialize)]
struct Prompt {
    text: String,
    ids: Vec<u32>,
    top: Vec<(usize, f32)>,
    every_2111th: Vec<f32>,
}

fn reference() -> Reference {
    serde_json::from_slice(&std::fs::read(fixture("gemma3.json")).unwrap()).unwrap()
}

fn open() -> Gguf {
    let usual = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/gemma-3-270m-q4_k_m.gguf");
    let path = std::env::var_os("GEMMA3").map_or_else(usual, PathBuf::from);
    assert!(path.is_file(), "no {}; run scripts/fetch-gemma3.sh", path.display());
    Gguf::open(&path).unwrap()
}

#[test]
#[ignore = "needs models/gemma-3-270m-q4_k_m.gguf: scripts/fetch-gemma3.sh"]
fn facts() {
    let gguf = open();
    let formats: BTreeSet<String> = gguf.tensors().map(|(.., format)| format).collect();
    assert_eq!(formats.into_iter().collect::<Vec<_>>(), ["F32", "Q4_K", "Q5_0", "Q6_K", "Q8_0"]);
    let model = gguf.model().unwrap();
    let facts = model.facts();
    assert_eq!((facts.n_layers, facts.d_model, facts.n_heads, facts.n_kv_heads, facts.d_mlp), (18, 640, 4, 1, 2048));
    assert_eq!((facts.d_head, facts.n_vocab, facts.tied), (256, 262_144, true));
    assert_eq!((facts.scores.over_root_of, facts.head_norm), (Some(256.0), Some(HeadNorm::EachHead)));
    let window = facts.window.as_ref().unwrap();
    assert_eq!((window.tokens, window.layers.len()), (512, 15));
    assert!([5, 11, 17].iter().all(|layer| !window.layers.contains(layer)));
}

#[test]
#[ignore = "needs models/gemma-3-270m-q4_k_m.gguf: scripts/fetch-gemma3.sh"]
fn tokens_equal_the_published_tokenizer_s() {
    let tokenizer = open().tokenizer().unwrap();
    assert!(tokenizer.adds_bos() && tokenizer.bos() == Some(2));
    for Text { text, ids } in reference().texts {
        assert_eq!(tokenizer.encode(&text).unwrap().ids, ids, "{text:?}");
    }
}

#[test]
#[ignore = "needs models/gemma-3-270m-q4_k_m.gguf: scripts/fetch-gemma3.sh"]
fn logits_equal_transformers() {
    let prompts = reference().prompts;
    assert_eq!(prompts.len(), 20);
    assert!(prompts.iter().any(|prompt| prompt.ids.len() > 512), "none is longer than the window");
    let load = |processing| {
        Transformer::load(&Processed::new(open().model().unwrap(), processing), &Device::flex(), DType::F32).unwrap()
    };
    for (kind, processing) in [("as stored", Processing::NONE), ("processed", Processing::default())] {
        let model = load(processing);
        let mut largest = 0f32;
        for Prompt { text, ids, top, every_2111th } in &prompts {
            let tokens = Tokens::from_rows(std::slice::from_ref(ids)).unwrap();
            let ours = model.last_logits(&tokens).into_data().try_into_vec::<f32>().unwrap();
            let best = (0..ours.len()).max_by(|&a, &b| ours[a].total_cmp(&ours[b])).unwrap();
            assert_eq!(best, top[0].0, "{kind}: {text:?}");
            // Processing shifts all logits of a prompt alike.
            let shift = if processing == Processing::NONE { 0.0 } else { ours[best] - top[0].1 };
            let sampled = every_2111th.iter().enumerate().map(|(k, &logit)| (2111 * k, logit));
            let all = top.iter().copied().chain(sampled);
            let scale = top[0].1.abs();
            largest = all.map(|(token, logit)| (ours[token] - shift - logit).abs() / scale).fold(largest, f32::max);
        }
        println!("{kind}: largest difference from transformers, of the largest logit: {largest:e}");
        assert!(largest <= TOLERANCE, "{kind}: {largest:e}");
    }
}
