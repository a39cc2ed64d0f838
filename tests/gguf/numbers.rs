use ablate::model::gguf::Gguf;

use super::fixture;

/// Random bytes with extreme scales, and quantised normal values, of every number format; NaN equals NaN.
#[test]
fn dequantised_to_the_bit() {
    let gguf = Gguf::open(&fixture("quants.gguf")).unwrap();
    let names: Vec<String> = gguf.tensors().map(|(name, ..)| name.to_owned()).collect();
    let mut formats = std::collections::BTreeSet::new();
    for name in names.iter().filter(|name| !name.starts_with("expected.")) {
        let values = gguf.tensor(name).unwrap();
        let expected = gguf.tensor(&format!("expected.{name}")).unwrap();
        assert_eq!(values.len(), expected.len(), "{name}");
        for (i, (value, expected)) in values.iter().zip(&expected).enumerate() {
            let same = value.to_bits() == expected.to_bits() || (value.is_nan() && expected.is_nan());
            assert!(same, "{name}[{i}]: {value:e} is not {expected:e}");
        }
        formats.insert(name.split('.').next().unwrap().to_owned());
    }
    let all = ["BF16", "F16", "F32", "Q4_0", "Q4_1", "Q4_K", "Q5_0", "Q5_1", "Q5_K", "Q6_K", "Q8_0"];
    assert_eq!(formats.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn shapes_are_slowest_first_and_formats_named() {
    let gguf = Gguf::open(&fixture("quants.gguf")).unwrap();
    let (_, shape, format) = gguf.tensors().find(|(name, ..)| *name == "Q5_1.normal").unwrap();
    assert_eq!((shape, &*format), (&[3usize, 128][..], "Q5_1"));
    assert!(gguf.tensor("nothing").unwrap_err().to_string().ends_with("quants.gguf: no tensor 'nothing'"));
}
