use crate::kernel;
use crate::model::facts::Facts;
use burn::tensor::{DType, Device, Distribution, Tensor};
use std::time::Instant;

/// Rows of the products that are timed.
const ROWS: usize = 1024;

/// Share of the matrix-product speed that whole sweeps reach, for predictions: see docs/benchmarks.md.
const REACHED: f64 = 0.8;

/// Floating-point operations per second that sweeps over a model of this shape reach on a device, from a few products.
pub fn calibrate(facts: &Facts, device: &Device, dtype: DType) -> f64 {
    let x = Tensor::<3>::random([1, ROWS, facts.d_model], Distribution::Default, device).cast(dtype);
    let w = Tensor::<2>::random([facts.d_model, facts.d_mlp], Distribution::Default, device).cast(dtype);
    let operations = (2 * ROWS * facts.d_model * facts.d_mlp) as f64;
    // Enough of them for 50 ms or so, at least four.
    let start = Instant::now();
    let mut fastest = f64::INFINITY;
    for repeat in 0..64 {
        let begin = Instant::now();
        // Reading a value waits for a device that works on its own.
        let product = kernel::linear(x.clone(), w.clone(), None);
        std::hint::black_box(product.slice([0..1, 0..1, 0..1]).into_data());
        fastest = fastest.min(begin.elapsed().as_secs_f64());
        if repeat >= 3 && start.elapsed().as_millis() > 50 {
            break;
        }
    }
    REACHED * operations / fastest
}
