//! Locks between processes: on a step in the store, on a folder of results.

use super::host::host;
use super::time::{now, utc};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// A lock that is held; given back when dropped, and by the operating system when the process ends in whatever way, so that no lock
/// outlives its owner.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// The file, where it is to go with the lock.
    gone_after: Option<PathBuf>,
}

/// Who has a lock, for those who wait.
#[derive(Debug, Serialize, Deserialize)]
struct Owner {
    process: u32,
    host: String,
    #[serde(alias = "step")]
    work: String,
    since: u64,
}

impl Lock {
    /// Takes the lock that a file stands for, for some work. `None`: another has it; see [`owner`].
    ///
    /// # Errors
    /// A folder that takes no locks or no files.
    pub(crate) fn take(path: &Path, work: &str) -> io::Result<Option<Self>> {
        let Some(mut file) = try_lock(path)? else { return Ok(None) };
        Owner { process: std::process::id(), host: host(), work: work.into(), since: now() }.write(&mut file);
        Ok(Some(Self { file, gone_after: None }))
    }

    /// The same, its file gone with the lock.
    ///
    /// # Errors
    /// As [`Lock::take`].
    pub(crate) fn take_without_trace(path: &Path, work: &str) -> io::Result<Option<Self>> {
        let mut lock = Self::take(path, work)?;
        lock.iter_mut().for_each(|lock| lock.gone_after = Some(path.to_path_buf()));
        Ok(lock)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is held: whoever opens it then sees that it is no longer the file of that name.
        if let Some(path) = self.gone_after.take().filter(|path| same_file(&self.file, path)) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The locked file; `None`: another has it.
///
/// # Errors
/// A folder that takes no locks or no files.
pub(crate) fn try_lock(path: &Path) -> io::Result<Option<File>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    loop {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // It may have been removed between opening and locking it: then others lock a new file of that name.
        if same_file(&file, path) {
            return Ok(Some(file));
        }
    }
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

/// An open file cannot be removed there.
#[cfg(not(unix))]
fn same_file(_: &File, _: &Path) -> bool {
    true
}

impl Owner {
    /// For people: that it cannot be written is no harm.
    fn write(&self, file: &mut File) {
        let text = serde_json::to_string(self).unwrap_or_default();
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
    }
}

/// Who has a lock, as far as that is known.
pub(crate) fn owner(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    let owner = read.ok().and_then(|_| serde_json::from_str::<Owner>(&text).ok());
    owner.map_or("another process".into(), |Owner { process, host: on, since, .. }| match process {
        own if own == std::process::id() && on == host() => "another spec of this run".into(),
        process => format!("process {process} on {on}, since {}", utc(since)),
    })
}
