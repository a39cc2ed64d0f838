//! What blocks hold comes back to the bit, and what is cut off does not come back.

use ablate::resume::Bits;
use proptest::prelude::*;

fn same<T: Bits>(value: &T) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    value.write(&mut bytes);
    let back = T::read(&mut bytes.as_slice())?;
    let mut again = Vec::new();
    back.write(&mut again);
    (again == bytes).then_some(bytes)
}

proptest! {
    /// Any bits of numbers: infinities, every kind of what is no number, negative zeros.
    #[test]
    fn numbers_come_back_to_the_bit(
        doubles in prop::collection::vec(any::<u64>(), 0..20),
        singles in prop::collection::vec(any::<u32>(), 0..20),
        text in ".*",
        flag in any::<Option<bool>>(),
    ) {
        let doubles: Vec<f64> = doubles.into_iter().map(f64::from_bits).collect();
        let singles: Vec<f32> = singles.into_iter().map(f32::from_bits).collect();
        let value = ((doubles.clone(), text), (singles, flag), [1usize, 7]);
        let bytes = same(&value).expect("as it was");
        let back = <((Vec<f64>, String), (Vec<f32>, Option<bool>), [usize; 2])>::read(&mut bytes.as_slice()).expect("a value");
        prop_assert!(back.0.0.iter().zip(&doubles).all(|(a, b)| a.to_bits() == b.to_bits()));
        for end in 0..bytes.len() {
            let mut cut = &bytes[..end];
            let read = <((Vec<f64>, String), (Vec<f32>, Option<bool>), [usize; 2])>::read(&mut cut);
            prop_assert!(read.is_none(), "cut at {end} of {}", bytes.len());
        }
    }

    /// Bytes of anything are no reason to panic, or to take all the memory.
    #[test]
    fn noise_is_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Vec::<Vec<f64>>::read(&mut bytes.as_slice());
        let _ = String::read(&mut bytes.as_slice());
        let _ = Option::<[bool; 3]>::read(&mut bytes.as_slice());
    }
}
