//! The weights as stored: every logit and activation as transformers has it.

use ablate::spec::Processing;
use burn::tensor::DType;

use super::MODELS;
use super::reference::{Reference, compare, run};

#[test]
fn logits_and_every_hook_equal_transformers() {
    for model in MODELS {
        let reference = Reference::read(model);
        let found = run(model, &reference.tokens, Processing::NONE, DType::F32);
        compare(model, &reference.plain, &found, 5e-5);
    }
}

#[test]
fn every_hook_that_is_visited_has_a_reference() {
    for model in MODELS {
        let reference = Reference::read(model);
        let found = run(model, &reference.tokens, Processing::NONE, DType::F32);
        let unknown: Vec<_> = found.keys().filter(|name| !reference.plain.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "{model}: nothing to compare {unknown:?} with");
    }
}
