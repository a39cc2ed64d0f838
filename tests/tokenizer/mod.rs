//! Tokenizers: the same tokens as the reference implementation, and nothing passed over in silence.

mod arithmetic;
mod auto;
mod chat;
mod folder;
mod hostile;
mod speed;

use std::path::PathBuf;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizers")
}
