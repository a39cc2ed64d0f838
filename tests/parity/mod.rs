//! Every family against transformers and TransformerLens, on the models of `tests/fixtures/make_models.py` and, in `families`, of
//! `make_families.py`.

mod device;
pub mod families;
mod norms;
mod precision;
mod processing;
pub mod reference;
mod unprocessed;

/// Folders under tests/fixtures/models; a test checks that the list is complete.
pub const MODELS: [&str; 19] = [
    "ablate",
    "gpt2-bare-names",
    "gpt2-scores",
    "gpt2-untied",
    "gptj",
    "gptj-whole-head",
    "llama-biases-sharded",
    "llama-gqa",
    "llama-tied-bf16",
    "llama3-rope",
    "llama3-rope-v5",
    "mistral-f16",
    "mistral-window",
    "neox-parallel",
    "neox-sequential",
    "neox-v5-bin-sharded",
    "qwen2-tied-bin",
    "qwen2-v5",
    "qwen2-window",
];

#[test]
fn every_fixture_is_tested() {
    let mut folders: Vec<_> = std::fs::read_dir(reference::folder(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert_eq!(folders, MODELS);
}
