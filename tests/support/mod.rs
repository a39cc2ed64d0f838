//! What tests share: a folder with a spec and the binary, as a user has them, and readers of what a run leaves.

mod children;
pub mod device;
mod frames;
mod sandbox;
mod spec_text;

pub use children::{signal, wait_until};
pub use frames::{numbers, texts};
pub use sandbox::{Ran, Sandbox, files_below};
pub(crate) use spec_text::{arith_spec, spec_part};

use std::path::{Path, PathBuf};

/// The binary.
pub const ABLATE: &str = env!("CARGO_BIN_EXE_ablate");

/// A file of the repository.
pub fn repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Fails unless the text has every part.
#[track_caller]
pub fn says<T: AsRef<str>>(text: impl AsRef<str>, parts: impl IntoIterator<Item = T>) {
    let text = text.as_ref();
    for part in parts {
        assert!(text.contains(part.as_ref()), "no {:?} in:\n{text}", part.as_ref());
    }
}

/// A message in one line, as if the terminal were wide enough.
pub fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" | ", " ")
}
