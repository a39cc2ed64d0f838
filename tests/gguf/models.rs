use ablate::kernel::Rotary;
use ablate::model::checkpoint::Checkpoint;
use ablate::model::facts::{Facts, PositionEncoding};
use ablate::model::gguf::Gguf;
use ablate::model::host::HostModel;

use super::families::FAMILIES;
use super::fixture;

/// Each model was written in both forms with the same values: every weight must be equal to the bit.
#[test]
fn same_weights_as_the_hugging_face_folder() {
    for name in ["llama", "llama-3.1", "llama-linear", "qwen2", "gpt2", "gptneox"].into_iter().chain(FAMILIES) {
        let gguf = Gguf::open(&fixture(&format!("{name}.gguf"))).unwrap().model().unwrap_or_else(|e| panic!("{e}"));
        let folder = Checkpoint::open(&fixture(name)).unwrap();
        assert_same(gguf.facts(), folder.facts(), name);
        assert_eq!(gguf.embedding().unwrap(), folder.embedding().unwrap(), "{name}");
        assert_eq!(gguf.head().unwrap(), folder.head().unwrap(), "{name}");
        for layer in 0..folder.facts().n_layers {
            assert_eq!(gguf.block(layer).unwrap(), folder.block(layer).unwrap(), "{name}, block {layer}");
        }
    }
}

/// The file holds epsilon and factors in single precision, Llama 3's scaling as factors, and Mistral as a llama.
fn assert_same(gguf: &Facts, folder: &Facts, name: &str) {
    let mut rounded = folder.clone();
    rounded.norm.eps = f64::from(folder.norm.eps as f32);
    if name == "mistral" {
        rounded.family = "llama";
    }
    if let (PositionEncoding::Rotary(here), PositionEncoding::Rotary(there)) = (&gguf.positions, &mut rounded.positions)
    {
        near(&here.table, &mut there.table, name);
        assert_eq!(here.windowed.is_some(), there.windowed.is_some(), "{name}");
        if let (Some(here), Some(there)) = (&here.windowed, &mut there.windowed) {
            near(here, there, name);
        }
    }
    assert_eq!(*gguf, rounded, "{name}");
}

/// Holds the frequencies to those of the folder, and makes the folder's the same.
fn near(here: &Rotary, there: &mut Rotary, name: &str) {
    assert_eq!(here.inv_freq.len(), there.inv_freq.len(), "{name}");
    for (here, there) in here.inv_freq.iter().zip(&mut there.inv_freq) {
        assert!((*here - *there).abs() <= 3e-7 * *there, "{name}: {here} {there}");
        *there = *here;
    }
}

/// Replaces the first `from` in a fixture by as many bytes of `to`.
fn changed(name: &str, from: &[u8], to: &[u8]) -> tempfile::NamedTempFile {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(fixture(name)).unwrap();
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    let file = tempfile::Builder::new().suffix(".gguf").tempfile().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn refusal(name: &str, from: &[u8], to: &[u8]) -> String {
    let file = changed(name, from, to);
    match Gguf::open(file.path()).and_then(Gguf::model) {
        Ok(_) => panic!("accepted {}", String::from_utf8_lossy(to)),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let cases: [(&str, &[u8], &[u8], &str); 7] = [
        ("llama.gguf", b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0mamba", "architecture 'mamba' is not supported"),
        ("llama.gguf", b"llama.block_count", b"llama.block_cXunt", "metadata 'llama.block_count' is missing"),
        ("llama.gguf", b"blk.1.ffn_up.weight", b"blk.1.ffn_uX.weight", "missing: 'blk.1.ffn_up.weight' [64, 32]"),
        ("llama.gguf", b"blk.1.ffn_up.weight", b"blk.1.ffn_uX.weight", "unexpected: 'blk.1.ffn_uX.weight' [64, 32]"),
        ("llama.gguf", b"blk.1.ffn_up.weight", b"blk.0.ffn_up.weight", "duplicate tensor name 'blk.0.ffn_up.weight'"),
        (
            "llama-linear.gguf",
            b"linear",
            b"yarn-x",
            "'yarn-x', which is not supported here; supported: none, linear, yarn",
        ),
        ("llama-3.1.gguf", b"rope_freqs.weight", b"rope_freqX.weight", "unexpected: 'rope_freqX.weight' [6]"),
    ];
    for (name, from, to, part) in cases {
        let error = refusal(name, from, to);
        assert!(error.contains(part), "{error}");
    }
}
