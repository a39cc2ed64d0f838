//! Random numbers: one seed, a stream of its own for each purpose; and draws from the normal distribution.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What random numbers are for; each purpose has its own stream of the seed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Weights = 0,
    Split = 1,
    Order = 2,
    Control = 3,
}

pub(crate) fn stream(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(purpose as u64);
    random
}

/// One draw from the normal distribution, of mean 0 and variance 1 (Box and Muller).
pub(crate) fn normal(random: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}
