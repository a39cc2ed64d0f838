//! `pytorch_model.bin`.

use ablate::model::weights::{Pytorch, WeightError, WeightSource};
use proptest::prelude::*;

use super::{assert_says, fixture};

fn read_all(bytes: &[u8]) -> Result<usize, WeightError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let source = Pytorch::open(file.path())?;
    for (name, info) in source.tensors() {
        let elements = info.shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent));
        let mut values = vec![0.0; elements.unwrap_or(0).min(1 << 16)];
        source.read(name, 0, &mut values)?;
    }
    Ok(source.tensors().len())
}

fn stored() -> Vec<u8> {
    std::fs::read(fixture("qwen2-tied-bin").join("pytorch_model.bin")).unwrap()
}

#[test]
fn whole_files_are_read() {
    assert_eq!(read_all(&stored()).unwrap(), 27, "the tied unembedding is named too");
}

#[test]
fn other_files_and_truncated_ones_are_refused() {
    assert!(read_all(b"").is_err());
    assert!(read_all(b"not a pickle").is_err());
    assert!(read_all(&std::fs::read(fixture("ablate").join("model.safetensors")).unwrap()).is_err());
    let bytes = stored();
    for length in (0..bytes.len()).step_by(1009).chain([bytes.len() - 1]) {
        assert!(read_all(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
    assert_says(Pytorch::open(std::path::Path::new("/no/such.bin")), &["/no/such.bin: "]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_not_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), pickle in any::<bool>()) {
        if pickle {
            bytes.splice(0..0, [0x80, 2]);
        }
        let _ = read_all(&bytes);
    }

    #[test]
    fn damaged_files_do_not_panic(damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut bytes = stored();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = read_all(&bytes);
    }

    #[test]
    fn damaged_pickles_do_not_panic(damage in proptest::collection::vec((0usize..2500, any::<u8>()), 1..6)) {
        let mut bytes = stored();
        for (place, byte) in damage {
            bytes[place] = byte;
        }
        let _ = read_all(&bytes);
    }
}
