//! One `.safetensors` file.

use ablate::model::weights::{Safetensors, WeightError, WeightSource};
use proptest::prelude::*;

use super::{assert_says, fixture};

/// A file of a header and `data` zero bytes.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

/// Opens bytes as a file and reads every tensor of floats in it.
fn read_all(bytes: &[u8]) -> Result<Vec<(String, Vec<f32>)>, WeightError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let source = Safetensors::open(file.path())?;
    let floats = source.tensors().iter().filter(|(name, _)| source.format_of(name) != "not floats");
    floats
        .map(|(name, info)| {
            let mut values = vec![0.0; info.shape.iter().product()];
            source.read(name, 0, &mut values)?;
            Ok((name.clone(), values))
        })
        .collect()
}

#[test]
fn each_float_format_is_converted() {
    let numbers = [0.0f32, -0.0, 1.0, -2.5, 0.15625, 65504.0, f32::INFINITY];
    let halves = numbers.map(half::f16::from_f32);
    let brains = numbers.map(half::bf16::from_f32);
    let formats: [(&str, Vec<u8>, Vec<f32>); 4] = [
        ("F64", numbers.iter().flat_map(|&number| f64::from(number).to_le_bytes()).collect(), numbers.to_vec()),
        ("F32", numbers.iter().flat_map(|number| number.to_le_bytes()).collect(), numbers.to_vec()),
        ("F16", halves.iter().flat_map(|half| half.to_le_bytes()).collect(), halves.map(|half| half.to_f32()).to_vec()),
        ("BF16", brains.iter().flat_map(|brain| brain.to_le_bytes()).collect(), brains.map(|b| b.to_f32()).to_vec()),
    ];
    for (format, data, expected) in formats {
        let header = format!(r#"{{"x":{{"dtype":"{format}","shape":[7],"data_offsets":[0,{}]}}}}"#, data.len());
        let mut bytes = file(&header, 0);
        bytes.extend_from_slice(&data);
        let (_, found) = read_all(&bytes).unwrap().remove(0);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&expected), "{format}");
    }
}

#[test]
fn pieces_equal_the_whole() {
    let path = fixture("llama-gqa").join("model.safetensors");
    let source = Safetensors::open(&path).unwrap();
    for (name, info) in source.tensors() {
        let elements = info.shape.iter().product();
        let mut whole = vec![0.0; elements];
        source.read(name, 0, &mut whole).unwrap();
        for start in [0, 1, elements / 3, elements - 1] {
            let mut piece = vec![0.0; (elements - start).min(5)];
            source.read(name, start, &mut piece).unwrap();
            assert_eq!(piece, whole[start..start + piece.len()], "{name} from {start}");
        }
        assert_says(source.read(name, 1, &mut whole), &[name, "asked for"]);
        assert_says(source.read(name, usize::MAX, &mut whole[..1]), &[name, "asked for"]);
    }
    assert_says(source.read("absent", 0, &mut []), &["no tensor 'absent'"]);
}

#[test]
fn memory_and_file_agree() {
    let path = fixture("ablate").join("model.safetensors");
    let bytes: &'static [u8] = std::fs::read(&path).unwrap().leak();
    let (from_file, from_memory) = (Safetensors::open(&path).unwrap(), Safetensors::from_bytes(&path, bytes).unwrap());
    assert_eq!(from_file.tensors(), from_memory.tensors());
    let (mut a, mut b) = (vec![0.0; 20], vec![1.0; 20]);
    from_file.read("embed.weight", 30, &mut a).unwrap();
    from_memory.read("embed.weight", 30, &mut b).unwrap();
    assert_eq!(a, b);
}

#[test]
fn inconsistent_headers_are_refused_with_what_is_wrong() {
    let one =
        |shape: &str, offsets: &str| format!(r#"{{"x":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#);
    let two = |first: &str, second: &str| {
        format!(
            r#"{{"x":{{"dtype":"F32","shape":[2],"data_offsets":{first}}},"y":{{"dtype":"F32","shape":[2],"data_offsets":{second}}}}}"#
        )
    };
    let cases: &[(String, usize, &[&str])] = &[
        (one("[3]", "[0,8]"), 8, &["'x'", "[3]", "F32", "does not fill its 8 bytes"]),
        (one("[4294967296,4294967296,4294967296]", "[0,8]"), 8, &["'x'", "does not fill"]),
        (one("[9223372036854775808,2]", "[0,0]"), 0, &["'x'", "does not fill"]),
        (one("[2]", "[0,16]"), 8, &["truncated", "'x'", "8 bytes are missing"]),
        (one("[2]", "[0,18446744073709551615]"), 8, &["truncated"]),
        (one("[2]", "[8,0]"), 8, &["'x'", "bytes 8 to 0"]),
        (one("[2]", "[8,16]"), 16, &["'x'", "before it ends at 0"]),
        (one("[-1]", "[0,8]"), 8, &["unreadable header", "-1"]),
        (one("[1e30]", "[0,8]"), 8, &["unreadable header"]),
        (one("[2]", "[0,8]"), 9, &["1 byte after the last tensor"]),
        (two("[0,8]", "[4,12]"), 12, &["'y'", "ends at 8"]),
        (two("[0,8]", "[12,20]"), 20, &["'y'", "ends at 8"]),
        (two("[0,8]", "[8,16]").replace("\"y\"", "\"x\""), 16, &["two tensors are named 'x'"]),
        (one("[2]", "[0,8]").replace("F32", "F33"), 8, &["'x' holds F33, which is not a type"]),
        ("[]".into(), 0, &["unreadable header"]),
        ("{".into(), 0, &["unreadable header"]),
        (r#"{"x":1}"#.into(), 0, &["unreadable header"]),
        (format!(r#"{{"x":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000)), 0, &["unreadable header"]),
    ];
    for (header, data, parts) in cases {
        assert_says(read_all(&file(header, *data)), parts);
    }
}

#[test]
fn lengths_are_checked_before_they_are_used() {
    assert_says(read_all(b"short"), &["not a safetensors file", "5 bytes"]);
    assert_says(read_all(&[]), &["not a safetensors file"]);
    for length in [1 << 60, u64::MAX, 100_000_001] {
        assert_says(read_all(&length.to_le_bytes()), &["not a safetensors file", &length.to_string()]);
    }
    assert_says(read_all(&99_000_000u64.to_le_bytes()), &["truncated", "99000000 bytes"]);
}

#[test]
fn every_truncation_is_refused() {
    let bytes = std::fs::read(fixture("ablate").join("model.safetensors")).unwrap();
    for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        assert!(read_all(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
}

#[test]
fn an_absent_file_is_named() {
    assert_says(
        Safetensors::open(std::path::Path::new("/no/such/model.safetensors")),
        &["/no/such/model.safetensors: "],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_all(&bytes);
    }

    #[test]
    fn random_headers_do_not_panic(header in r#"[\{\}\[\]",:0-9a-zA-Z_\- ]{0,120}"#, data in 0usize..64) {
        let _ = read_all(&file(&header, data));
    }

    #[test]
    fn damaged_files_do_not_panic(damage in proptest::collection::vec((0usize..3000, any::<u8>()), 1..8)) {
        let mut bytes = std::fs::read(fixture("ablate").join("model.safetensors")).unwrap();
        for (place, byte) in damage {
            bytes[place] = byte;
        }
        let _ = read_all(&bytes);
    }

    #[test]
    fn damaged_numbers_do_not_panic(places in proptest::collection::vec((0usize..60, 0usize..6), 1..4)) {
        let numbers = ["0", "1", "18446744073709551615", "9223372036854775808", "-1", "4294967296"];
        let header = String::from_utf8(file(r#"{"x":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"y":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}"#, 0)[8..].to_vec()).unwrap();
        let mut parts: Vec<String> = header.split_inclusive([',', '[', ']', ':']).map(String::from).collect();
        for (place, number) in places {
            let place = place % parts.len();
            if parts[place].starts_with(|c: char| c.is_ascii_digit()) {
                let end = parts[place].pop().unwrap();
                parts[place] = format!("{}{end}", numbers[number]);
            }
        }
        let _ = read_all(&file(&parts.concat(), 32));
    }
}
