//! A real pretrained model. Needs a download of 98 MB:
//!
//!     scripts/fetch-smollm2.sh
//!     cargo test --release -- --ignored smollm2
//!
//! `SMOLLM2` names the file where it is not at `models/SmolLM2-135M-Instruct.Q4_1.gguf`. The reference is `transformers`
//! (tests/fixtures/gguf/smollm2.py).

use std::path::PathBuf;

use ablate::model::checkpoint::Checkpoint;
use ablate::model::gguf::Gguf;
use ablate::model::host::HostModel;
use ablate::model::processing::Processed;
use ablate::model::tokenizer::Tokenizer;
use ablate::model::transformer::{Tokens, Transformer};
use ablate::spec::Processing;
use burn::tensor::{DType, Device};

use super::fixture;

/// Largest difference allowed between two computations in single precision. Logits reach 37 here, and transformers' own
/// in single and in double precision differ by up to 7.3e-5; what is measured stands in the assertions' messages.
const TOLERANCE: f32 = 2e-4;

#[derive(serde::Deserialize)]
struct Reference {
    single_against_double: f32,
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
    top: Vec<(usize, f32)>,
    every_101st: Vec<f32>,
}

fn reference() -> Reference {
    serde_json::from_slice(&std::fs::read(fixture("smollm2.json")).unwrap()).unwrap()
}

fn open() -> (Checkpoint, Tokenizer) {
    let usual = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    let path = std::env::var_os("SMOLLM2").map_or_else(usual, PathBuf::from);
    assert!(path.is_file(), "no {}; run scripts/fetch-smollm2.sh", path.display());
    let gguf = Gguf::open(&path).unwrap();
    let tokenizer = gguf.tokenizer().unwrap();
    (gguf.model().unwrap(), tokenizer)
}

#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn facts() {
    let (model, tokenizer) = open();
    let facts = model.facts();
    assert_eq!((facts.n_layers, facts.d_model, facts.n_heads, facts.n_kv_heads, facts.d_mlp), (30, 576, 9, 3, 1536));
    assert!(facts.tied && facts.n_vocab == 49152);
    assert_eq!(tokenizer.description(), "BPE, 49152 tokens");
    assert_eq!(tokenizer.largest_single_token_integer(), Some(9));
    assert_eq!(tokenizer.bos().and_then(|id| tokenizer.token(id)).as_deref(), Some("<|im_start|>"));
    assert!(!tokenizer.adds_bos());
}

#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn tokens_equal_transformers() {
    let (_, tokenizer) = open();
    for Text { text, ids } in reference().texts {
        // `transformers` drops the rule that splits off numerals such as ½ when it reads a GGUF file; the model's own
        // tokenizer.json (digits one by one, by Unicode's notion of a numeral) and llama.cpp's `smollm` have it, as ablate.
        if text.chars().any(|c| c.is_numeric() && !c.is_ascii_digit()) {
            continue;
        }
        assert_eq!(tokenizer.encode(&text).unwrap().ids, ids, "{text:?}");
        assert_eq!(tokenizer.decode(&ids).unwrap(), text);
    }
}

#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn logits_equal_transformers() {
    let (model, tokenizer) = open();
    let Reference { single_against_double, prompts, .. } = reference();
    assert!(single_against_double < TOLERANCE);
    let whole = std::fs::read(fixture("smollm2-logits.bin")).unwrap();
    let whole: Vec<f32> = whole.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let whole: Vec<&[f32]> = whole.chunks(model.facts().n_vocab).collect();
    assert_eq!((prompts.len(), whole.len()), (20, 2));
    let load =
        |processing| Transformer::load(&Processed::new(open().0, processing), &Device::flex(), DType::F32).unwrap();
    let (stored, processed) = (load(Processing::NONE), load(Processing::default()));
    let (mut largest, mut largest_processed) = (0f32, 0f32);
    for (i, Prompt { text, top, every_101st }) in prompts.iter().enumerate() {
        let ids = tokenizer.encode(text).unwrap().ids;
        let tokens = Tokens::from_rows(&[ids]).unwrap();
        let logits = |model: &Transformer| model.last_logits(&tokens).into_data().try_into_vec::<f32>().unwrap();
        let ours = logits(&stored);
        let sampled = every_101st.iter().enumerate().map(|(k, &logit)| (101 * k, logit));
        let all = whole.get(i).into_iter().flat_map(|whole| whole.iter().copied().enumerate());
        for (token, logit) in top.iter().copied().chain(sampled).chain(all) {
            largest = largest.max((ours[token] - logit).abs());
        }
        let best = (0..ours.len()).max_by(|&a, &b| ours[a].total_cmp(&ours[b])).unwrap();
        assert_eq!(best, top[0].0, "{text:?}");
        // Processing shifts all logits of a prompt alike.
        let changed = logits(&processed);
        let shift = changed[best] - ours[best];
        for (changed, ours) in changed.iter().zip(&ours) {
            largest_processed = largest_processed.max((changed - ours - shift).abs());
        }
    }
    println!(
        "largest difference from transformers: {largest:e}; after processing, but for a shift: {largest_processed:e}"
    );
    assert!(largest < TOLERANCE, "{largest:e}");
    assert!(largest_processed < TOLERANCE, "{largest_processed:e}");
}
