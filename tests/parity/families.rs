//! The families that differ from llama in their norms, windows, caps and rotations, against transformers and TransformerLens's
//! bridge: the models of `tests/fixtures/make_families.py`.

use ablate::model::checkpoint::Checkpoint;
use ablate::model::family;
use ablate::spec::Processing;
use burn::tensor::DType;

use super::processing::same_probabilities;
use super::reference::{Reference, compare, folder, run};
use crate::support::device;

/// Folders under tests/fixtures/families; a test checks that the list is complete.
pub const FAMILIES: [&str; 38] = [
    "gemma2",
    "gemma2-mha-bf16-sharded",
    "gemma2-mqa",
    "gemma2-untied-biases-v5",
    "gemma3",
    "gemma3-linear",
    "gemma3-mha-bf16-sharded-v5",
    "gemma3-nested",
    "gemma3-untied-biases",
    "llama32",
    "llama32-bf16-sharded",
    "llama32-mha-biases",
    "llama32-v5",
    "mistral",
    "mistral-mha-bf16-sharded",
    "mistral-tied-v5",
    "mistral-wide",
    "olmo2",
    "olmo2-bf16-sharded-v5",
    "olmo2-linear",
    "olmo2-mqa-biases",
    "olmo3",
    "olmo3-bf16-sharded-v5",
    "olmo3-mqa-biases",
    "olmo3-yarn-v5",
    "phi3",
    "phi3-bf16-sharded-v5",
    "phi3-longrope",
    "phi3-partial-tied",
    "qwen3",
    "qwen3-mha-bf16-sharded",
    "qwen3-mqa-biases",
    "qwen3-window",
    "qwen3-yarn-v5",
    "smollm3",
    "smollm3-mha-bf16-sharded-v5",
    "smollm3-mqa-biases",
    "smollm3-window",
];

/// Folders under tests/fixtures/experts: models with experts.
pub const EXPERTS: [&str; 9] = [
    "mixtral",
    "mixtral-bf16-sharded-v5",
    "mixtral-mqa-window",
    "olmoe",
    "olmoe-clipped-biases",
    "olmoe-gqa-normed",
    "qwen3-moe",
    "qwen3-moe-dense-blocks",
    "qwen3-moe-step-bf16",
];

/// Both.
pub fn all() -> impl Iterator<Item = &'static str> {
    FAMILIES.into_iter().chain(EXPERTS)
}

#[test]
fn every_fixture_is_tested() {
    for tested in [&FAMILIES[..], &EXPERTS] {
        let mut folders: Vec<_> = std::fs::read_dir(folder(tested[0]).parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        folders.sort();
        assert_eq!(folders, tested);
    }
}

#[test]
fn logits_and_every_hook_equal_transformers() {
    for model in all() {
        let reference = Reference::read(model);
        let found = run(model, &reference.tokens, Processing::NONE, DType::F32);
        compare(model, &reference.plain, &found, 5e-5);
        let unknown: Vec<_> = found.keys().filter(|name| !reference.plain.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "{model}: nothing to compare {unknown:?} with");
    }
}

/// In every combination of what can be folded and centred.
#[test]
fn processing_changes_no_probability() {
    for model in all() {
        same_probabilities(model, &Reference::read(model));
    }
}

#[test]
fn what_transformers_5_saves_describes_the_same_model() {
    for model in all() {
        let read = |file: &str| {
            let text = std::fs::read_to_string(folder(model).join(file)).unwrap();
            let config = serde_json::from_str(&text).unwrap();
            family::from_config(&config).unwrap_or_else(|error| panic!("{model}/{file}: {error}"))
        };
        let (original, saved) = (read("config.json"), read("config.saved.json"));
        assert_eq!((saved.facts, saved.names), (original.facts, original.names), "{model}");
    }
}

/// Random weights of a configuration have the shapes of the file.
#[test]
fn random_weights_are_as_many_as_the_stored() {
    use ablate::model::host::HostModel;
    for model in all() {
        let random = Checkpoint::random(&folder(model).join("config.json"), 1).unwrap();
        let stored = Checkpoint::open(&folder(model)).unwrap();
        assert_eq!(random.facts(), stored.facts(), "{model}");
        assert_eq!(random.parameters(), stored.parameters(), "{model}");
    }
}

/// Not of experts, of which others may be chosen.
#[test]
fn sixteen_bits_stay_near_f32() {
    for model in FAMILIES {
        super::precision::near_in_sixteen_bits(model, &Reference::read(model));
    }
}

#[test]
fn experts_run_in_sixteen_bits() {
    for model in EXPERTS {
        let reference = Reference::read(model);
        for dtype in [DType::BF16, DType::F16].into_iter().filter(|&dtype| device::computes_in(dtype)) {
            let found = run(model, &reference.tokens, Processing::NONE, dtype);
            assert!(found["logits"].1.iter().all(|logit| logit.is_finite()), "{model} in {dtype:?}");
        }
    }
}
