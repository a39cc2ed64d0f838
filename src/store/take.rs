//! Taking an outcome out of the store.

use super::{Entry, Store};
use crate::Error;
use crate::manifest::SelfCheck;
use crate::step::Outcome;
use crate::store::key::Key;
use crate::system::atomic::write_atomic;
use crate::system::time::utc;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// What the store has under a key.
pub enum Taken {
    /// The outcome as it was, its files in the results folder.
    Found(Box<(Outcome, Entry)>),
    /// Nothing.
    Nothing,
    /// An entry that is not as it was put, and what is wrong with it.
    Damaged(String),
}

impl Store {
    /// The outcome under a key, for a step of this name in this results folder; `names` as in [`super::Provenance`].
    ///
    /// # Errors
    /// Files that cannot be written into the results folder.
    pub fn take(&self, key: &Key, step: &str, names: &[String], dir: &Path) -> Result<Taken, Error> {
        let found = match self.peek(key, names) {
            Ok(None) => return Ok(Taken::Nothing),
            Ok(Some(entry)) => entry,
            Err(damage) => return Ok(Taken::Damaged(damage)),
        };
        match self.outcome(&found, step, dir)? {
            Ok(outcome) => {
                self.used(&found);
                Ok(Taken::Found(Box::new((outcome, found))))
            }
            Err(damage) => Ok(Taken::Damaged(damage)),
        }
    }

    /// The entry that [`Store::take`] would take, its files not read.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn peek(&self, key: &Key, names: &[String]) -> Result<Option<Entry>, String> {
        let found = match self.find(&key.digest) {
            Ok(None) => self.find(&key.named(names)),
            found => found,
        };
        found.map_err(|damage| damage.to_string())
    }

    fn outcome(&self, entry: &Entry, step: &str, dir: &Path) -> Result<Result<Outcome, String>, Error> {
        let folder = self.entry(&entry.key);
        let mut outcome = Outcome { notes: entry.notes.clone(), prompts: entry.prompts.clone(), ..Outcome::default() };
        for frame in &entry.frames {
            match frame.read(&folder) {
                Ok(rows) => outcome.frames.push((format!("{step}{}", frame.part), rows)),
                Err(damage) => return Ok(Err(damage.to_string())),
            }
        }
        // All are checked before any is written.
        if let Some(damage) = entry.files.iter().find_map(|file| file.content.check(&folder).err()) {
            return Ok(Err(damage.to_string()));
        }
        for file in &entry.files {
            let path = dir.join(&file.path);
            let copy =
                |out: &mut dyn io::Write| io::copy(&mut File::open(folder.join(&file.content.file))?, out).map(drop);
            write_atomic(&path, copy).map_err(Error::failed(format!("step '{step}'")))?;
            outcome.files.push(path);
        }
        let when = utc(entry.computed);
        let check =
            |check: &SelfCheck| SelfCheck { step: step.into(), from_store: Some(when.clone()), ..check.clone() };
        outcome.checks = entry.checks.iter().map(check).collect();
        Ok(Ok(outcome))
    }

    /// Takes note that an entry was of use, for what is collected first.
    pub(crate) fn used(&self, entry: &Entry) {
        let about = self.entry(&entry.key).join(crate::store::entry::ABOUT);
        // In a store that is only read there is nothing to collect.
        let _ = fs::OpenOptions::new().append(true).open(about).and_then(|file| file.set_modified(SystemTime::now()));
    }
}
