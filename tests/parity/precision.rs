//! Sixteen-bit weights and arithmetic: near the f32 logits, and not equal to them.

use ablate::spec::Processing;
use burn::tensor::DType;

use super::MODELS;
use super::reference::{Reference, run};

#[test]
fn sixteen_bits_stay_near_f32() {
    for model in MODELS {
        near_in_sixteen_bits(model, &Reference::read(model));
    }
}

/// Fails where weights and arithmetic of two bytes give other logits than those of the reference.
pub fn near_in_sixteen_bits(model: &str, reference: &Reference) {
    let (_, wanted) = &reference.plain["logits"];
    for (dtype, tolerance) in [(DType::BF16, 0.05), (DType::F16, 0.01)] {
        let (_, found) = &run(model, &reference.tokens, Processing::NONE, dtype)["logits"];
        let squares = |values: &mut dyn Iterator<Item = f32>| values.map(|value| value * value).sum::<f32>().sqrt();
        let error = squares(&mut found.iter().zip(wanted).map(|(found, wanted)| found - wanted))
            / squares(&mut wanted.iter().copied());
        assert!(error < tolerance, "{model} in {dtype:?}: relative error {error}");
        assert!(error > 1e-6, "{model} in {dtype:?}: nothing was rounded");
    }
}
