use std::time::{Duration, Instant};

use ablate::model::gguf::Gguf;
use ablate::model::host::HostModel;
use proptest::prelude::*;

use super::fixture;

/// Opens bytes and reads all that can be read of them.
fn open(bytes: &[u8]) -> Result<(), String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let open = || Gguf::open(file.path()).map_err(|e| e.to_string());
    let gguf = open()?;
    for (name, ..) in gguf.tensors() {
        gguf.tensor(name).map_err(|e| e.to_string())?;
    }
    let tokenizer = gguf.tokenizer().map(|tokenizer| tokenizer.encode("12+3=").map(drop));
    let model = gguf.model().map_err(|e| e.to_string())?;
    model.embedding().and_then(|_| model.head()).map_err(|e| e.to_string())?;
    (0..model.facts().n_layers).try_for_each(|layer| model.block(layer).map(drop)).map_err(|e| e.to_string())?;
    tokenizer.map_err(|e| e.to_string())?.map_err(|e| e.to_string())
}

/// A file under construction.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn head(version: u32, tensors: u64, settings: u64) -> Self {
        Self(b"GGUF".to_vec()).u32(version).u64(tensors).u64(settings)
    }

    fn u32(mut self, n: u32) -> Self {
        self.0.extend(n.to_le_bytes());
        self
    }

    fn u64(mut self, n: u64) -> Self {
        self.0.extend(n.to_le_bytes());
        self
    }

    fn text(self, text: &str) -> Self {
        let mut bytes = self.u64(text.len() as u64);
        bytes.0.extend(text.as_bytes());
        bytes
    }

    fn tensor(self, name: &str, extents: &[u64], kind: u32, offset: u64) -> Self {
        let bytes = self.text(name).u32(extents.len() as u32);
        extents.iter().fold(bytes, |bytes, &extent| bytes.u64(extent)).u32(kind).u64(offset)
    }

    fn zeros(mut self, count: usize) -> Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }
}

const HUGE: [u64; 5] = [1 << 28, 1 << 33, 1 << 60, 1 << 63, u64::MAX];

#[test]
fn announced_numbers_are_not_believed() {
    let start = Instant::now();
    for huge in HUGE {
        let key = |kind: u32| Bytes::head(3, 0, 1).text("k").u32(kind);
        let cases = [
            Bytes::head(3, huge, 0).zeros(200),
            Bytes::head(3, 0, huge).zeros(200),
            Bytes::head(3, 0, 1).u64(huge).zeros(200),
            key(8).u64(huge).zeros(200),
            key(9).u32(8).u64(huge).zeros(200),
            key(9).u32(0).u64(huge).zeros(200),
            key(9).u32(12).u64(huge).zeros(200),
            key(9).u32(9).u64(huge).zeros(200),
            Bytes::head(3, 1, 0).tensor("t", &[huge], 0, 0).zeros(200),
            Bytes::head(3, 1, 0).tensor("t", &[32, huge, huge], 2, 0).zeros(200),
            Bytes::head(3, 1, 0).tensor("t", &[32], 0, huge & !31).zeros(200),
        ];
        for (i, case) in cases.iter().enumerate() {
            assert!(open(&case.0).is_err(), "case {i} with {huge}");
        }
    }
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn malformed_headers_say_what_is_wrong() {
    let key = |kind: u32| Bytes::head(3, 0, 1).text("k").u32(kind);
    let tensor = |extents: &[u64], kind, offset| Bytes::head(3, 1, 0).tensor("t", extents, kind, offset).zeros(600);
    let cases = [
        (Bytes(b"PK\x03\x04".to_vec()), "a file of PyTorch's under another name"),
        (Bytes(Vec::new()), "an empty file"),
        (Bytes::head(1, 0, 0), "GGUF version 1 is not supported; supported: 2, 3"),
        (Bytes::head(3u32.swap_bytes(), 0, 0), "big-endian"),
        (key(13).zeros(64), "metadata 'k': byte 37: unknown value type 13"),
        (key(9).u32(77).u64(0).zeros(64), "unknown value type 77"),
        (key(9).u32(9).u64(1).u32(9).u64(1).u32(9).u64(1).u32(9).u64(1).u32(9).u64(1).zeros(64), "lists within lists"),
        (Bytes::head(3, 0, 2).text("k").u32(7).zeros(1).text("k").u32(7).zeros(1), "duplicate metadata key 'k'"),
        (Bytes::head(3, 0, 1).text("general.alignment").u32(4).u32(33), "must be a power of two, found 33"),
        (tensor(&[], 0, 0), "0 dimensions"),
        (tensor(&[1, 1, 1, 1, 1], 0, 0), "5 dimensions"),
        (tensor(&[0], 0, 0), "the extents [0] are impossible with F32 values"),
        (tensor(&[33], 2, 0), "the extents [33] are impossible with Q4_0 values"),
        (tensor(&[32], 10, 0), "tensor 't': number format Q2_K (type 10) is not supported; supported: F32, F16"),
        (tensor(&[32], 4, 0), "number format unknown (type 4)"),
        (tensor(&[32], 0, 8), "its offset 8 is not a multiple of the alignment 32"),
        (tensor(&[32, 32], 0, 0), "end after the file does"),
        (tensor(&[8], 0, 0), "metadata 'general.architecture' is missing"),
    ];
    for (bytes, part) in cases {
        let error = open(&bytes.0).expect_err(part);
        assert!(error.contains(part), "{part}: {error}");
    }
    let error = Gguf::open(std::path::Path::new("/nowhere/model.gguf")).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/model.gguf: "), "{error}");
}

/// Wherever a file ends early, it is refused.
#[test]
fn truncated_files_are_refused() {
    let bytes = std::fs::read(fixture("llama.gguf")).unwrap();
    let last = bytes.len() - 1;
    for length in (0..2000).chain((2000..last).step_by(997)).chain([last]) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes[..length]).unwrap();
        assert!(Gguf::open(file.path()).is_err(), "{length} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&bytes).is_err());
        let mut with_magic = b"GGUF\x03\0\0\0".to_vec();
        with_magic.extend(&bytes);
        prop_assert!(open(&with_magic).is_err());
    }

    /// A few bytes of a valid file's head changed: an error or a model, never a panic.
    #[test]
    fn changed_bytes(changes in prop::collection::vec((0usize..3000, any::<u8>()), 1..4), name in 0usize..6) {
        let names =
            ["llama.gguf", "gptneox.gguf", "words-llama-bpe.gguf", "gemma3.gguf", "phi3-longrope.gguf", "olmo3.gguf"];
        let mut bytes = std::fs::read(fixture(names[name])).unwrap();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let _ = open(&bytes);
    }
}
