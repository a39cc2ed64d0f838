//! Files that were read, kept while they stay as they are: the variants of a spec read the same ones.

use super::read::Unread;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// The largest file that is read: all of it is kept in memory.
const LARGEST: u64 = 1 << 30;
/// How many are kept.
const KEPT: usize = 4;

/// What tells a file that has been read from one that has changed since.
type FileStamp = (PathBuf, u64, Option<SystemTime>);

/// The last files that were read.
pub(super) struct KeptFiles<T>(Mutex<Vec<(FileStamp, Arc<KeptContent<T>>)>>);

/// What was read of a file.
#[derive(Debug)]
pub(super) struct KeptContent<T> {
    pub content: T,
    /// Its size.
    pub bytes: usize,
    pub sha256: String,
}

impl<T> KeptFiles<T> {
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Reads a file, unless it is there and as it was.
    pub fn read(
        &self,
        path: &Path,
        read: impl FnOnce(&[u8]) -> Result<T, Unread>,
    ) -> Result<Arc<KeptContent<T>>, Unread> {
        let unreadable = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                "there is no such file; paths in a spec start from the spec's folder".to_string()
            }
            _ => error.to_string(),
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err("it is a folder; name a file in it".into());
        }
        if metadata.len() > LARGEST {
            return Err("it is larger than 1 GiB; write fewer rows".into());
        }
        let seen: FileStamp = (path.canonicalize().map_err(unreadable)?, metadata.len(), metadata.modified().ok());
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, content)) = last.iter().find(|(other, _)| *other == seen) {
            return Ok(content.clone());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        let content = Arc::new(KeptContent {
            content: read(&bytes)?,
            bytes: bytes.len(),
            sha256: format!("{:x}", Sha256::digest(&bytes)),
        });
        if last.len() == KEPT {
            last.remove(0);
        }
        last.push((seen, content.clone()));
        Ok(content)
    }
}

/// That a file is another than the one whose checksum a spec says.
pub(super) fn other_file(sha256: &str) -> Unread {
    format!("its sha256 is {sha256}, and another is written beside it; write this one, or the file that was meant")
        .into()
}

/// The ending of a file's name, in small letters.
pub(super) fn ending(path: &Path) -> String {
    path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).unwrap_or_default()
}

/// The text of a file, without a byte-order mark.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Unread> {
    let starts: [(&[u8], &str); 5] = [
        (b"PAR1", "it is Parquet; call it NAME.parquet"),
        (&[0x1f, 0x8b], "it is compressed; unpack it first"),
        (b"PK\x03\x04", "it is a spreadsheet or an archive; save it as CSV"),
        (&[0xff, 0xfe], "it is UTF-16; save it as UTF-8"),
        (&[0xfe, 0xff], "it is UTF-16; save it as UTF-8"),
    ];
    if let Some((_, problem)) = starts.into_iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(problem.into());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8; save the file as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
