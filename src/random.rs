//! Random numbers of training: one seed, a stream of its own for each purpose.

use rand::SeedableRng;
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
