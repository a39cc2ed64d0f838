//! Entries from a store in another folder.

use super::ExchangeSummary;
use crate::store::Store;
use crate::store::entry::{ABOUT, CHECKSUM};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

impl Store {
    /// Takes the entries with these keys over from another store, those that this one has not. Each is checked where it is and, once it
    /// is copied, here, before it has its name.
    ///
    /// # Errors
    /// Folders that cannot be read or written. What is damaged is left, and said.
    pub fn take_over(&self, other: &Self, keys: &[String]) -> io::Result<ExchangeSummary> {
        let mut summary = ExchangeSummary::default();
        for key in keys {
            crate::system::interrupt::check().map_err(io::Error::other)?;
            if self.has_whole(key) {
                summary.present += 1;
                continue;
            }
            match other.find(key).map_err(|damage| damage.to_string()) {
                Ok(Some(entry)) => match other.check(&entry) {
                    Ok(()) => match self.copy(other, key)? {
                        Ok(bytes) => (summary.copied, summary.bytes) = (summary.copied + 1, summary.bytes + bytes),
                        Err(damage) => summary.damaged.push((key.clone(), damage)),
                    },
                    Err(damage) => summary.damaged.push((key.clone(), damage.to_string())),
                },
                Ok(None) => {}
                Err(damage) => summary.damaged.push((key.clone(), damage)),
            }
        }
        Ok(summary)
    }

    /// Whether an entry is here, as it was put.
    pub(super) fn has_whole(&self, key: &str) -> bool {
        matches!(self.find(key), Ok(Some(entry)) if self.check(&entry).is_ok())
    }

    /// Copies an entry; its bytes, or what is wrong with the copy.
    fn copy(&self, other: &Self, key: &str) -> io::Result<Result<u64, String>> {
        static COPIES: AtomicU64 = AtomicU64::new(0);
        let number = COPIES.fetch_add(1, Ordering::Relaxed);
        let part = self.parts().join(format!("{key}-{}-copy{number}", std::process::id()));
        fs::create_dir_all(&part)?;
        let copied = copy_files(&other.entry(key), &part).and_then(|bytes| {
            // As if it were a store of its own: nothing is under a key before it is known to be whole.
            let entry = match Self::read_entry(&part, key) {
                Ok(entry) => entry,
                Err(damage) => return Ok(Err(damage.to_string())),
            };
            if let Err(damage) = Self::check_in(&entry, &part) {
                return Ok(Err(damage.to_string()));
            }
            self.rename(&part, key).map(|()| Ok(bytes))
        });
        if !matches!(copied, Ok(Ok(_))) {
            let _ = fs::remove_dir_all(&part);
        }
        if matches!(copied, Ok(Ok(_))) {
            self.forget_failure(key);
        }
        copied
    }
}

/// Copies the files of an entry, its description last.
fn copy_files(from: &Path, to: &Path) -> io::Result<u64> {
    let mut files: Vec<_> =
        fs::read_dir(from)?.collect::<io::Result<Vec<_>>>()?.iter().map(fs::DirEntry::file_name).collect();
    files.sort_by_key(|name| (name == CHECKSUM, name == ABOUT, name.clone()));
    let mut bytes = 0;
    for name in files {
        bytes += fs::copy(from.join(&name), to.join(&name))?;
        fs::File::open(to.join(&name))?.sync_all()?;
    }
    Ok(bytes)
}
