//! Random choices that are the same on every machine, in every version.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// A stream of random choices that depends on its seed and purpose alone.
pub struct Random(ChaCha8Rng);

impl Random {
    /// ChaCha8 keyed with the SHA-256 of the seed and the parts of the purpose, so that one purpose's choices do not
    /// change when another is added.
    pub fn new(seed: u64, purpose: &[&str]) -> Random {
        let mut hash = Sha256::new();
        hash.update(b"ablate prompts 1");
        hash.update(seed.to_le_bytes());
        for part in purpose {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Random(ChaCha8Rng::from_seed(hash.finalize().into()))
    }

    /// A number below `bound`, each equally likely; 0 when there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        if bound < 2 {
            return 0;
        }
        // Draws from the incomplete last stretch of `bound` numbers are thrown away: they would favour small results.
        let end = u64::MAX - u64::MAX % bound;
        loop {
            let draw = self.0.next_u64();
            if draw < end {
                // Below a `usize`.
                return (draw % bound) as usize;
            }
        }
    }

    /// Puts the values in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
    }
}
