//! Files of weights and configurations: what is refused, in which words, and that no input makes the readers panic.

mod checkpoint;
mod configuration;
mod described;
mod experts;
mod folders;
mod half_width;
mod larger_than_memory;
mod memory;
mod names;
mod published;
mod pytorch;
mod random;
mod rotations;
mod safetensors;
mod shards;

use std::path::{Path, PathBuf};

/// A folder of tests/fixtures/models.
fn fixture(model: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(model)
}

/// A copy of a fixture, to be damaged.
fn copy_of(model: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixture(model)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

/// Replaces text in a file.
fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in {}", path.display());
    std::fs::write(path, text.replace(from, to)).unwrap();
}

/// The message of an error, which must contain every one of `parts`.
fn assert_says<T, E: std::fmt::Display>(result: Result<T, E>, parts: &[&str]) {
    let message = match result {
        Ok(_) => panic!("accepted; should be refused with {parts:?}"),
        Err(error) => error.to_string(),
    };
    for part in parts {
        assert!(message.contains(part), "\"{message}\" does not say \"{part}\"");
    }
}
