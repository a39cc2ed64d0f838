//! A block as a file: a checksum, what the block is, and what it gave.

use super::Bits;
use super::bits::{from_bytes, to_bytes};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What a file of a block begins with; the number is the version of the form.
const MAGIC: &[u8] = b"ablate block 2\n";
/// Bytes of a SHA-256.
const DIGEST: usize = 32;
/// How the names of such files end.
pub(crate) const ENDING: &str = ".block";

/// Writes a block. Nothing waits for the disk: what a power cut takes is found by the checksum.
///
/// # Errors
/// What the operating system says; then there is nothing under the name.
pub(crate) fn write(folder: &Path, name: &str, identity: &str, value: &[u8]) -> io::Result<()> {
    let content = [&to_bytes(identity)?, value].concat();
    let part = folder.join(format!("{name}.{}.part", std::process::id()));
    let bytes = [MAGIC, &Sha256::digest(&content), &content].concat();
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path(folder, name)));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// What a block gave; `None` where there is no such file.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn read<T: Bits>(folder: &Path, name: &str, identity: &str) -> Result<Option<T>, String> {
    let bytes = match fs::read(path(folder, name)) {
        Ok(bytes) => bytes,
        // The second where the store is a file: of which the end of the step says that nothing is kept.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error.to_string()),
    };
    let (digest, content) = bytes
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.split_at_checked(DIGEST))
        .ok_or_else(|| "it is cut off, or has another version".to_string())?;
    if Sha256::digest(content).as_slice() != digest {
        return Err("wrong checksum".into());
    }
    match postcard::take_from_bytes::<&str>(content) {
        Ok((found, value)) if found == identity => {
            from_bytes(value).map(Some).ok_or_else(|| "it holds something else".into())
        }
        _ => Err("it belongs to other work".into()),
    }
}

/// Where a block is.
pub(crate) fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{ENDING}"))
}
