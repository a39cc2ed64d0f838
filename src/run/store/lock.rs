//! One process at a time computes a step: the others wait and take what it has put.

use super::{Store, utc, when};
use crate::run::interrupt::{self, Interrupted};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

/// Between two looks at a lock that another has.
const PATIENCE: Duration = Duration::from_millis(100);

/// The right to compute a step; given back when dropped, and by the operating system when the process ends in whatever way, so
/// that no lock outlives its owner.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Who has a lock, for those who wait.
#[derive(Debug, Serialize, Deserialize)]
struct Owner {
    process: u32,
    host: String,
    step: String,
    since: u64,
}

impl Store {
    /// Waits until no other process computes the step with this key; `waiting` is told once by whom it is, if any. `None` where
    /// the store's folder takes no locks: then a step may be computed twice, which harms no result.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn lock(&self, digest: &str, step: &str, waiting: impl FnOnce(&str)) -> Result<Option<Lock>, Interrupted> {
        let path = self.locks().join(digest);
        let mut waiting = Some(waiting);
        loop {
            match try_lock(&path) {
                Ok(Some(mut file)) => {
                    Owner { process: std::process::id(), host: host(), step: step.into(), since: when::now() }
                        .write(&mut file);
                    return Ok(Some(Lock { _file: file }));
                }
                Ok(None) => {
                    if let Some(tell) = waiting.take() {
                        tell(&owner(&path));
                    }
                    interrupt::check()?;
                    std::thread::sleep(PATIENCE);
                }
                Err(_) => return Ok(None),
            }
        }
    }
}

/// `None`: another has it.
pub(super) fn try_lock(path: &Path) -> std::io::Result<Option<File>> {
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

/// An open file can not be removed there.
#[cfg(not(unix))]
fn same_file(_: &File, _: &Path) -> bool {
    true
}

impl Owner {
    /// For people: that it can not be written is no harm.
    fn write(&self, file: &mut File) {
        let text = serde_json::to_string(self).unwrap_or_default();
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
    }
}

fn owner(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    let owner = read.ok().and_then(|_| serde_json::from_str::<Owner>(&text).ok());
    owner.map_or("another process".into(), |Owner { process, host, since, .. }| {
        format!("process {process} on {host}, since {}", utc(since))
    })
}

fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| fs::read_to_string("/etc/hostname"));
    name.map_or_else(|_| "this machine".into(), |name| name.trim().to_string())
}
