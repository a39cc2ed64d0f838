//! Training of a classifier: against PyTorch (tests/fixtures/make_probe.py), and what must hold of any.

use ablate::kernel::Adam;
use ablate::probe::{Classifier, EpochOrder, Features, FitSettings, Judged, RowSplit, fit};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::SafeTensors;
use std::convert::Infallible;

fn train(
    classifier: &mut Classifier,
    features: &Features,
    labels: &[u32],
    epochs: impl Iterator<Item = Vec<usize>>,
    lr: f64,
) -> Vec<f64> {
    let settings = FitSettings { adam: Adam::new(lr), batch: 32 };
    match fit(classifier, features, labels, epochs, settings, || Ok::<(), Infallible>(())) {
        Ok(losses) => losses,
        Err(never) => match never {},
    }
}

#[track_caller]
fn close(name: &str, ours: impl IntoIterator<Item = f64>, theirs: &[f32], tolerance: f64) {
    let ours: Vec<f64> = ours.into_iter().collect();
    assert_eq!(ours.len(), theirs.len(), "{name}");
    let off = ours.iter().zip(theirs).map(|(a, b)| (a - f64::from(*b)).abs()).fold(0.0, f64::max);
    assert!(off < tolerance, "{name} is off by {off}");
}

#[test]
fn the_same_steps_give_what_pytorch_gives() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/probe.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: &str| -> Vec<f32> {
        file.tensor(name).unwrap().data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    let integers = |name: &str| -> Vec<i64> {
        file.tensor(name).unwrap().data().as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()
    };
    let x = floats("x");
    let labels: Vec<u32> = integers("labels").into_iter().map(|label| label as u32).collect();
    let order = file.tensor("order").unwrap().shape().to_vec();
    let order: Vec<Vec<usize>> =
        integers("order").chunks(order[1]).map(|rows| rows.iter().map(|&row| row as usize).collect()).collect();
    let features = Features::dense(&x, x.len() / labels.len());
    let first = Classifier { weight: floats("weight"), bias: floats("bias") };
    let test: Vec<usize> = (order[0].len()..labels.len()).collect();
    for (name, lr) in [("0.0003", 3e-4), ("0.03", 3e-2)] {
        let mut ours = first.clone();
        let losses = train(&mut ours, &features, &labels, order.iter().cloned(), lr);
        let theirs = |part: &str| floats(&format!("{name}/{part}"));
        let single = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
        close("weight", single(&ours.weight), &theirs("weight"), 1e-4);
        close("bias", single(&ours.bias), &theirs("bias"), 1e-4);
        close("loss", losses, &theirs("loss"), 1e-4);
        let judged = ours.judge(&features, &labels, &test);
        close("test loss", judged.iter().map(|judged| judged.loss), &theirs("test_loss"), 1e-4);
        let correct: Vec<i64> = judged.iter().map(|judged| i64::from(judged.correct)).collect();
        assert_eq!(correct, integers(&format!("{name}/correct")));
    }
    let moved = floats("0.03/weight").iter().zip(&first.weight).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(moved > 0.5, "the weights of the fixture moved: {moved}");
}

fn accuracy(judged: &[Judged]) -> f64 {
    judged.iter().filter(|judged| judged.correct).count() as f64 / judged.len() as f64
}

/// Rows about the corners of a simplex, of one corner each.
fn clusters(rows: usize, classes: usize, width: usize, seed: u64) -> (Vec<f32>, Vec<u32>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<u32> = (0..rows).map(|row| (row % classes) as u32).collect();
    let value = |label: u32, at: usize, noise: f32| noise + if at == label as usize { 3.0 } else { 0.0 };
    let x = labels.iter().flat_map(|&label| (0..width).map(move |at| (label, at)));
    (x.map(|(label, at)| value(label, at, random.random_range(-0.5..0.5))).collect(), labels)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn separable_classes_are_learned_and_labels_by_chance_are_not(seed in 0u64..1000, classes in 2usize..8) {
        let (width, rows) = (9, 600);
        let (x, labels) = clusters(rows, classes, width, seed);
        let features = Features::dense(&x, width);
        let split = RowSplit::new(rows, 0.8, seed);
        prop_assert_eq!((split.train.len(), split.test.len()), (480, 120));
        let score = |labels: &[u32], test: &[usize]| {
            let mut classifier = Classifier::random(width, classes, seed);
            train(&mut classifier, &features, labels, EpochOrder::new(&split.train, seed).take(40), 1e-2);
            accuracy(&classifier.judge(&features, labels, test))
        };
        prop_assert_eq!(score(&labels, &split.test), 1.0);
        prop_assert_eq!(score(&labels, &split.train), 1.0);
        let mut random = ChaCha8Rng::seed_from_u64(seed + 1);
        let chance: Vec<u32> = (0..rows).map(|_| random.random_range(0..classes as u32)).collect();
        // Five standard deviations of a share of 120 about the chance level.
        let level = 1.0 / classes as f64;
        let bound = 5.0 * (level * (1.0 - level) / 120.0).sqrt();
        let found = score(&chance, &split.test);
        prop_assert!((found - level).abs() < bound, "{} is not about {}", found, level);
    }

    #[test]
    fn a_split_has_every_row_once_and_the_same_for_the_same_seed(count in 2usize..300, share in 0.01f64..0.99, seed: u64) {
        let split = RowSplit::new(count, share, seed);
        let mut all: Vec<usize> = split.train.iter().chain(&split.test).copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..count).collect::<Vec<_>>());
        prop_assert_eq!(split.train.len(), (count as f64 * share).round() as usize);
        prop_assert_eq!(&RowSplit::new(count, share, seed), &split);
        for order in EpochOrder::new(&split.train, seed).take(3) {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(&sorted, &split.train);
        }
    }

    /// Features that lie apart in a larger array are those rows; standardised ones have mean 0 and deviation 1 over the rows that
    /// are learned, and one that never changes is 0.
    #[test]
    fn features_are_the_rows_that_are_meant(seed: u64, first in 0usize..5, width in 1usize..6) {
        let (rows, stride) = (40, 11);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut data: Vec<f32> = (0..rows * stride).map(|_| random.random_range(-2.0..5.0)).collect();
        data.chunks_exact_mut(stride).for_each(|row| row[first] = 0.1);
        let features = Features::new(&data, stride, first, width);
        let mut out = Vec::new();
        features.gather(&[3, 0], &mut out);
        let row = |row: usize| &data[row * stride + first..][..width];
        prop_assert_eq!(&out[..width], row(3));
        prop_assert_eq!(&out[width..], row(0));
        let learned: Vec<usize> = (0..30).collect();
        features.standardized(&learned).gather(&learned, &mut out);
        for column in 0..width {
            let values: Vec<f64> = out.iter().skip(column).step_by(width).map(|&value| f64::from(value)).collect();
            let mean = values.iter().sum::<f64>() / 30.0;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 30.0;
            prop_assert!(mean.abs() < 1e-5, "mean {}", mean);
            let expected = if column == 0 { 0.0 } else { 1.0 };
            prop_assert!((variance - expected).abs() < 1e-4, "variance {}", variance);
        }
    }
}

#[test]
fn the_first_weights_are_uniform_within_one_over_the_root_of_the_inputs() {
    let classifier = Classifier::random(64, 100, 7);
    let bound = 1.0 / 8.0;
    assert_eq!((classifier.weight.len(), classifier.bias.len()), (6400, 100));
    assert!(classifier.weight.iter().chain(&classifier.bias).all(|value| value.abs() <= bound));
    let variance = classifier.weight.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / 6400.0;
    assert!((variance / (f64::from(bound).powi(2) / 3.0) - 1.0).abs() < 0.05, "{variance}");
    assert_eq!(classifier, Classifier::random(64, 100, 7));
    assert_ne!(classifier, Classifier::random(64, 100, 8));
}
