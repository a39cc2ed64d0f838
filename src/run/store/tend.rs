//! Looking after a store: what is in it, what is whole, and what is no longer of use.

use super::entry::{ABOUT, Damage};
use super::lock::try_lock;
use super::{Entry, Store};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// An entry as a list shows it.
#[derive(Debug)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// What it says of itself, or what is wrong with it.
    pub entry: Result<Entry, Damage>,
    /// Bytes on the disk.
    pub bytes: u64,
    /// When it was last taken or put.
    pub used: SystemTime,
}

/// What is kept when a store is collected.
#[derive(Debug, Clone, Copy)]
pub struct Keep<'a> {
    /// Entries that were used within this time.
    pub used_within: Duration,
    /// As many bytes of those, the last used first.
    pub bytes: u64,
    /// Only what this program computed, if given.
    pub build: Option<&'a str>,
}

/// What a collection removed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Collected {
    /// Entries.
    pub entries: usize,
    /// Bytes of everything that was removed.
    pub bytes: u64,
}

/// What a process that can not lock is still writing is younger.
const ABANDONED: Duration = Duration::from_secs(3600);

impl Store {
    /// Every entry, the last used first.
    ///
    /// # Errors
    /// A folder that can not be read; a store that is not there has no entries.
    pub fn list(&self) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for shelf in folders(&self.entries())? {
            for place in folders(&shelf)? {
                let Some(key) = place.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
                let entry = match self.find(&key) {
                    Ok(Some(entry)) => Ok(entry),
                    Ok(None) => continue,
                    Err(damage) => Err(damage),
                };
                listed.push(Listed { key, entry, bytes: size(&place), used: last_used(&place) });
            }
        }
        listed.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.key.cmp(&b.key)));
        Ok(listed)
    }

    /// Removes an entry.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn remove(&self, key: &str) -> io::Result<()> {
        self.discard(&self.entry(key))
    }

    /// Removes what is not to be kept, entries that are not whole, and what processes that were killed left behind.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn collect(&self, keep: Keep) -> io::Result<Collected> {
        let mut collected = Collected::default();
        let mut kept = 0;
        for Listed { key, entry, bytes, used } in self.list()? {
            let of_build = |entry: &Entry| keep.build.is_none_or(|build| entry.build == build);
            let recent = used.elapsed().map_or(true, |age| age <= keep.used_within);
            if entry.as_ref().is_ok_and(of_build) && recent && kept + bytes <= keep.bytes {
                kept += bytes;
                continue;
            }
            self.remove(&key)?;
            collected.entries += 1;
            collected.bytes += bytes;
        }
        for part in folders(&self.parts())? {
            let name = part.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let key = name.split('-').next().unwrap_or_default();
            let old = last_used(&part).elapsed().is_ok_and(|age| age > ABANDONED);
            if old && let Ok(Some(_writer_is_gone)) = try_lock(&self.locks().join(key)) {
                collected.bytes += size(&part);
                fs::remove_dir_all(&part)?;
            }
        }
        for lock in entries(&self.locks())? {
            if let Ok(Some(_nobody_has_it)) = try_lock(&lock) {
                let _ = fs::remove_file(&lock);
            }
        }
        Ok(collected)
    }
}

fn last_used(place: &Path) -> SystemTime {
    let time = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).ok();
    time(&place.join(ABOUT)).or_else(|| time(place)).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn size(folder: &Path) -> u64 {
    let files = entries(folder).unwrap_or_default();
    files.iter().filter_map(|file| fs::metadata(file).ok()).map(|about| about.len()).sum()
}

fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// What is in a folder, by name; nothing in one that is not there.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(found) => {
            let mut paths = found.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
            paths.sort();
            Ok(paths)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
