//! Checksums of files, remembered so that a model of 16 GB is not read again in every run.

use super::Stamp;
use crate::system::atomic::write_atomic;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes read at once.
const BLOCK: usize = 1 << 20;

/// SHA-256 of files, by path. A file whose [`Stamp`] is as it was is not read again.
#[derive(Debug, Default)]
pub struct Digests {
    /// Where they are remembered from run to run.
    memo: Option<PathBuf>,
    known: Mutex<BTreeMap<PathBuf, (Stamp, String)>>,
}

impl Digests {
    /// Remembered in a file, which need not be there yet. What is in it and cannot be read is as if it were not there.
    pub fn remembered(memo: PathBuf) -> Self {
        let known = read(&memo);
        Self { memo: Some(memo), known: Mutex::new(known) }
    }

    /// The SHA-256 of a file's content, in hex. A file written in the last seconds is read again the next time: its stamp may
    /// not tell it from what is written to it in the same tick.
    ///
    /// # Errors
    /// A file that cannot be read, or that changes while it is.
    pub fn of(&self, path: &Path) -> io::Result<String> {
        let place = path.canonicalize()?;
        let stamp = Stamp::of(&place)?;
        if let Some((known, digest)) = self.known().get(&place)
            && *known == stamp
        {
            return Ok(digest.clone());
        }
        let digest = of_reader(File::open(&place)?)?;
        if Stamp::of(&place)? != stamp {
            return Err(io::Error::other("it changes while it is read"));
        }
        if stamp.settled() {
            self.known().insert(place, (stamp, digest.clone()));
            self.remember();
        }
        Ok(digest)
    }

    /// Bytes that [`Digests::of`] would read of a file.
    pub fn unread(&self, path: &Path) -> u64 {
        let Ok(place) = path.canonicalize() else { return 0 };
        let known = self.known();
        match Stamp::of(&place) {
            Ok(stamp) if known.get(&place).is_none_or(|(known, _)| *known != stamp) => stamp.size(),
            _ => 0,
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<PathBuf, (Stamp, String)>> {
        // What a panic left is still true of the files.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what is known, what others have written since included, and nothing about files that are no longer so. That
    /// it cannot be written is no loss but of time.
    fn remember(&self) {
        let Some(memo) = &self.memo else { return };
        let mut all = read(memo);
        all.extend(self.known().clone());
        all.retain(|path, (stamp, _)| Stamp::of(path).is_ok_and(|now| now == *stamp));
        if let Ok(text) = serde_json::to_vec_pretty(&all) {
            let _ = write_atomic(memo, |out| out.write_all(&text));
        }
    }
}

fn read(memo: &Path) -> BTreeMap<PathBuf, (Stamp, String)> {
    std::fs::read(memo).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// The SHA-256 of everything that is read, in hex.
///
/// # Errors
/// What the reader says.
pub fn of_reader(mut reader: impl Read) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut block = vec![0; BLOCK];
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok(format!("{:x}", digest.finalize())),
            Ok(read) => digest.update(&block[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The SHA-256 of bytes that are part of the program, in hex; worked out once.
pub fn of_program(bytes: &'static [u8]) -> String {
    static KNOWN: Mutex<BTreeMap<(usize, usize), String>> = Mutex::new(BTreeMap::new());
    let place = (bytes.as_ptr() as usize, bytes.len());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(place).or_insert_with(|| of_bytes(bytes)).clone()
}

/// The SHA-256 of bytes, in hex.
pub fn of_bytes(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
