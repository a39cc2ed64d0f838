//! `random:` weights.

use ablate::model::checkpoint::Checkpoint;
use ablate::model::host::HostModel;

use super::fixture;

fn random(model: &str, seed: u64) -> Checkpoint {
    Checkpoint::random(&fixture(model).join("config.json"), seed).unwrap()
}

#[test]
fn every_family_has_random_weights() {
    for model in crate::parity::MODELS {
        let (host, stored) = (random(model, 1), Checkpoint::open(&fixture(model)).unwrap());
        assert_eq!(host.facts(), stored.facts());
        assert_eq!(host.parameters(), stored.parameters());
        assert_eq!(host.block(0).unwrap().q.weight.shape, stored.block(0).unwrap().q.weight.shape);
    }
}

#[test]
fn a_seed_is_a_model_whatever_is_read_first() {
    let (a, b, other) = (random("llama-gqa", 7), random("llama-gqa", 7), random("llama-gqa", 8));
    let last_first = (b.head().unwrap(), b.block(1).unwrap(), b.block(0).unwrap());
    assert_eq!((a.block(0).unwrap(), a.block(1).unwrap()), (last_first.2, last_first.1));
    assert_eq!(a.head().unwrap(), last_first.0);
    assert_ne!(a.block(0).unwrap(), other.block(0).unwrap());
    assert_ne!(a.block(0).unwrap().q, a.block(1).unwrap().q);
}

#[test]
fn values_are_centred_with_the_deviation_of_an_initialisation() {
    let host = random("neox-parallel", 3);
    let values = host.block(0).unwrap().mlp.dense().unwrap().up.weight.data.clone();
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt();
    assert!(mean.abs() < 1.5e-3, "{mean}");
    assert!((deviation - 0.02).abs() < 1e-3, "{deviation}");
    assert!(host.block(0).unwrap().ln1.unwrap().scale.unwrap().data.iter().all(|&scale| scale == 1.0));
}

#[test]
fn a_model_too_large_for_any_machine_is_described_and_refused_only_when_read() {
    let folder = super::copy_of("ablate");
    let config = folder.path().join("config.json");
    super::edit(&config, "\"vocab_size\": 37", "\"vocab_size\": 200000000");
    super::edit(&config, "\"d_model\": 18", "\"d_model\": 200000000");
    let host = Checkpoint::random(&config, 0).unwrap();
    assert!(host.parameters() > 80_000_000_000_000_000);
    super::assert_says(host.embedding(), &["config.json: not enough memory for a tensor of 160000000.0 GB"]);
}
