//! Looking after a store: what is in it, what is whole, and what is no longer of use.

use super::entry::ABOUT;
use super::{Damage, Entry, Store};
use crate::resume as blocks;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, io};

/// An entry as a list shows it.
#[derive(Debug)]
pub struct EntryListing {
    /// Its key.
    pub key: String,
    /// What it says of itself, or what is wrong with it.
    pub entry: Result<Entry, Damage>,
    /// Bytes on the disk.
    pub bytes: u64,
    /// When it was last taken or put.
    pub used: SystemTime,
}

/// A step that was interrupted: what is finished of it.
#[derive(Debug)]
pub struct UnfinishedStep {
    /// Its key.
    pub key: String,
    /// What the blocks are of, or what is wrong with them.
    pub about: Result<blocks::About, String>,
    /// How many there are.
    pub blocks: usize,
    /// Bytes on the disk.
    pub bytes: u64,
    /// When the last was written.
    pub used: SystemTime,
    /// Whether a process is at it.
    pub runs: bool,
}

/// What is kept when a store is collected.
#[derive(Debug, Clone, Copy)]
pub struct Retention<'a> {
    /// Entries that were used within this time.
    pub used_within: Duration,
    /// As many bytes of those, the last used first.
    pub bytes: u64,
    /// Only what this program computed, if given.
    pub build: Option<&'a str>,
}

/// What a collection removed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct CollectionSummary {
    /// Entries.
    pub entries: usize,
    /// Steps that were interrupted and not continued.
    pub unfinished: usize,
    /// Bytes of everything that was removed.
    pub bytes: u64,
}

/// What a process that cannot lock is still writing is younger.
const ABANDONED: Duration = Duration::from_secs(3600);

impl Store {
    /// Every entry, the last used first.
    ///
    /// # Errors
    /// A folder that cannot be read; a store that is not there has no entries.
    pub fn list(&self) -> io::Result<Vec<EntryListing>> {
        let mut listed = Vec::new();
        for shelf in folders(&self.entries())? {
            for place in folders(&shelf)? {
                let Some(key) = place.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
                let entry = match self.find(&key) {
                    Ok(Some(entry)) => Ok(entry),
                    Ok(None) => continue,
                    Err(damage) => Err(damage),
                };
                listed.push(EntryListing { key, entry, bytes: size(&place), used: last_used(&place) });
            }
        }
        listed.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.key.cmp(&b.key)));
        Ok(listed)
    }

    /// Steps that are not done: interrupted, or under way.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn unfinished(&self) -> io::Result<Vec<UnfinishedStep>> {
        let listed = folders(&self.blocks())?.into_iter().filter_map(|place| {
            let key = place.file_name()?.to_string_lossy().into_owned();
            let newest = entries(&place).ok()?.iter().filter_map(|file| fs::metadata(file).ok()?.modified().ok()).max();
            Some(UnfinishedStep {
                about: blocks::About::read(&place),
                blocks: blocks::count(&place),
                bytes: size(&place),
                used: newest.unwrap_or_else(|| last_used(&place)),
                runs: self.is_claimed(&key),
                key,
            })
        });
        Ok(listed.collect())
    }

    /// Removes what is finished of a step that was interrupted.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn remove_unfinished(&self, key: &str) -> io::Result<()> {
        fs::remove_dir_all(self.blocks_of(key))
    }

    /// Removes the blocks of a step that is done: its process may have been killed between putting the entry and that.
    pub(crate) fn remove_leftover(&self, key: &str) {
        if self.blocks_of(key).exists()
            && let Some(_nobody_is_at_it) = self.claim_if_free(key)
        {
            let _ = self.remove_unfinished(key);
        }
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
    pub fn collect(&self, keep: Retention) -> io::Result<CollectionSummary> {
        let mut collected = CollectionSummary::default();
        let mut kept = 0;
        for EntryListing { key, entry, bytes, used } in self.list()? {
            let useful = match &entry {
                Ok(entry) => keep.build.is_none_or(|build| entry.build == build),
                // Another version finds it.
                Err(Damage::OtherVersion(_)) => keep.build.is_none(),
                Err(Damage::Harmed(_)) => false,
            };
            if useful && keep.recent(used) && kept + bytes <= keep.bytes {
                kept += bytes;
                continue;
            }
            self.remove(&key)?;
            collected.entries += 1;
            collected.bytes += bytes;
        }
        for UnfinishedStep { key, about, bytes, used, .. } in self.unfinished()? {
            let useful = about.is_ok_and(|about| keep.build.is_none_or(|build| about.build == build));
            if useful && keep.recent(used) {
                continue;
            }
            if let Some(_nobody_is_at_it) = self.claim_if_free(&key) {
                self.remove_unfinished(&key)?;
                collected.unfinished += 1;
                collected.bytes += bytes;
            }
        }
        for part in folders(&self.parts())? {
            let name = part.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let key = name.split('-').next().unwrap_or_default();
            let old = last_used(&part).elapsed().is_ok_and(|age| age > ABANDONED);
            if old && let Some(_writer_is_gone) = self.claim_if_free(key) {
                collected.bytes += size(&part);
                fs::remove_dir_all(&part)?;
            }
        }
        for claim in entries(&self.claims())? {
            let key = claim.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // Taken, it goes when it is given back; what has an ending is of a moment long ago, when a claim was broken.
            match key.contains('.') {
                true if last_used(&claim).elapsed().is_ok_and(|age| age > ABANDONED) => drop(fs::remove_file(&claim)),
                true => {}
                false => drop(self.claim_if_free(&key)),
            }
        }
        let _ = fs::remove_dir_all(self.locks());
        self.forget_made(keep.used_within, keep.build);
        Ok(collected)
    }
}

impl Retention<'_> {
    /// Whether something was used lately. What is of the future was: the clock was set back.
    fn recent(&self, used: SystemTime) -> bool {
        used.elapsed().map_or(true, |age| age <= self.used_within)
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
