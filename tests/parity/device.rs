//! Another device against the CPU.
//!
//!     ABLATE_TEST_DEVICE=cuda:0 cargo test --release --features cuda -- --include-ignored parity:: intervene::laws intervene::transformerlens

use super::MODELS;
use super::reference::{Reference, run_on};
use crate::support::device;
use ablate::kernel::to_f32;
use ablate::model::checkpoint::Checkpoint;
use ablate::model::transformer::{Tokens, Transformer};
use ablate::spec::Processing;
use burn::tensor::{DType, Device};
use std::path::Path;

/// Largest difference of a logit, as a share of the largest.
const RELATIVE: f32 = 1e-3;

fn agree(name: &str, cpu: &[f32], found: &[f32], n_vocab: usize) {
    let largest = cpu.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    let difference = cpu.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0f32, |a, b| if b > a { b } else { a });
    assert!(found.iter().all(|logit| logit.is_finite()) && difference <= RELATIVE * largest, "{name}: {difference}");
    let best = |logits: &[f32]| ablate::measure::arg_max(logits);
    let rows = cpu.chunks_exact(n_vocab).zip(found.chunks_exact(n_vocab));
    let (same, all) = rows.fold((0, 0), |(same, all), (a, b)| (same + usize::from(best(a) == best(b)), all + 1));
    assert!(100 * same >= 99 * all, "{name}: the arg-max is the same on {same} of {all}");
}

#[test]
#[ignore = "needs another device: ABLATE_TEST_DEVICE=cuda:0"]
fn another_device_agrees_with_the_cpu() {
    assert!(device::is_another(), "write ABLATE_TEST_DEVICE=cuda:0: the CPU agrees with itself");
    for model in MODELS {
        let tokens = Reference::read(model).tokens;
        let on = |device: Device| run_on(device, model, &tokens, Processing::NONE, DType::F32)["logits"].clone();
        let ((shape, cpu), (_, found)) = (on(Device::flex()), on(device::device()));
        agree(model, &cpu, &found, shape[shape.len() - 1]);
    }
    let weights = Checkpoint::random(Path::new("benches/smollm2.json"), 0).unwrap();
    let ids = (0..500).map(|i| i * 7919 % 49152).collect();
    let tokens = Tokens { ids, batch: 100, pos: 5 };
    let on = |device: Device| {
        let model = Transformer::load(&weights, &device, DType::F32).unwrap();
        (to_f32(model.last_logits(&tokens)), model.facts().n_vocab)
    };
    let ((cpu, n_vocab), (found, _)) = (on(Device::flex()), on(device::device()));
    agree("SmolLM2's shape", &cpu, &found, n_vocab);
}
