//! What blocks hold comes back to the bit, and what is cut off does not come back.

use ablate::resume::{from_bytes, to_bytes};
use proptest::prelude::*;

proptest! {
    /// Any bits of numbers: infinities, every kind of what is no number, negative zeros.
    #[test]
    fn numbers_come_back_to_the_bit(
        doubles in prop::collection::vec(any::<u64>(), 0..20),
        singles in prop::collection::vec(any::<u32>(), 0..20),
        text in ".*",
        flag in any::<Option<bool>>(),
    ) {
        type Value = ((Vec<f64>, String), (Vec<f32>, Option<bool>), [usize; 2]);
        let doubles: Vec<f64> = doubles.into_iter().map(f64::from_bits).collect();
        let singles: Vec<f32> = singles.into_iter().map(f32::from_bits).collect();
        let value: Value = ((doubles.clone(), text), (singles, flag), [1, 7]);
        let bytes = to_bytes(&value).expect("bytes");
        let back: Value = from_bytes(&bytes).expect("as it was");
        prop_assert!(to_bytes(&back).expect("bytes") == bytes);
        prop_assert!(back.0.0.iter().zip(&doubles).all(|(a, b)| a.to_bits() == b.to_bits()));
        for end in 0..bytes.len() {
            prop_assert!(from_bytes::<Value>(&bytes[..end]).is_none(), "cut at {end} of {}", bytes.len());
        }
        prop_assert!(from_bytes::<Value>(&[bytes, vec![0]].concat()).is_none());
    }

    /// Bytes of anything are no reason to panic, or to take all the memory.
    #[test]
    fn noise_is_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = from_bytes::<Vec<Vec<f64>>>(&bytes);
        let _ = from_bytes::<String>(&bytes);
        let _ = from_bytes::<Option<[bool; 3]>>(&bytes);
    }
}
