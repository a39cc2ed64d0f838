//! The fast path of each operation against the same function in f64, which goes through burn's own operations: values
//! and gradients, at shapes that fill vectors, that do not, and that are cut into pieces.

mod accuracy;
mod gradients;
mod half_width;
mod large_array;
mod mixed;
mod naive;

use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Values of standard deviation about 1, the same for the same seed and shape.
fn values(len: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..len).map(|_| (0..3).map(|_| random.random_range(-1.0f32..1.0)).sum()).collect()
}

fn tensor<const D: usize>(shape: [usize; D], seed: u64, device: &Device, dtype: DType) -> Tensor<D> {
    let data = TensorData::new(values(shape.iter().product(), seed), shape.to_vec());
    Tensor::from_data(data, (device, dtype))
}

fn to_f64<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_to_vec().expect("float values")
}

/// Largest difference, relative to the larger of 1 and the reference's magnitude.
fn difference(fast: &[f64], reference: &[f64]) -> f64 {
    assert_eq!(fast.len(), reference.len());
    fast.iter()
        .zip(reference)
        .map(|(a, b)| (a - b).abs() / b.abs().max(1.0))
        .fold(0.0, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { f64::max(a, b) })
}
