//! GGUF files: numbers to the bit as the reference package reads them, models as the same models read from Hugging Face
//! folders, and no trust in any number that a file announces.

mod edited;
mod families;
mod foreign;
mod gemma3;
mod hostile;
mod keys;
mod models;
mod numbers;
mod smollm2;
mod split;
mod words;

use std::path::PathBuf;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gguf").join(name)
}
