//! What was made of outcomes, remembered: which tables, figures and reports a run wrote of the outcomes that it took from the store or put
//! into it. Of the same outcomes the same program makes the same files for the same spec, so results that are still as they were
//! written need not be made again.

use super::Store;
use crate::manifest::Checksum;
use crate::system::atomic::write_atomic;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Files of results that are not listed in their manifest, itself among them: that lists the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeResults {
    /// The program that made them, as in keys.
    pub build: String,
    /// The files as they were written.
    pub files: Vec<Checksum>,
}

impl Store {
    /// What was made of outcomes; the key must be of everything that it depends on. Nothing where it was not, or where that cannot be
    /// read.
    pub fn made(&self, key: &str) -> Option<MadeResults> {
        let path = self.made_file(key);
        let made = read(&path)?;
        // What is looked up is of use. In a store that is only read there is nothing to collect.
        let _ = fs::OpenOptions::new().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(made)
    }

    /// Remembers what was made of outcomes. That it cannot be written is no loss but of time.
    pub fn remember_made(&self, key: &str, made: &MadeResults) {
        if let (Ok(text), false) = (serde_json::to_vec_pretty(made), self.is_temporary()) {
            let _ = write_atomic(&self.made_file(key), |out| out.write_all(&text));
        }
    }

    /// Forgets what was not looked up within this time, and what another program made, if one is given.
    pub(super) fn forget_made(&self, within: Duration, build: Option<&str>) {
        for entry in fs::read_dir(self.made_folder()).into_iter().flatten().flatten() {
            let path = entry.path();
            let used = entry.metadata().and_then(|about| about.modified());
            // What is of the future was used lately: the clock was set back.
            let is_recent = used.is_ok_and(|used| used.elapsed().map_or(true, |age| age <= within));
            let is_of = |build: &str| read(&path).is_some_and(|made| made.build == build);
            if !is_recent || build.is_some_and(|build| !is_of(build)) {
                let _ = fs::remove_file(&path);
            }
        }
    }

    fn made_folder(&self) -> PathBuf {
        self.root.join("results")
    }

    fn made_file(&self, key: &str) -> PathBuf {
        self.made_folder().join(format!("{key}.json"))
    }
}

fn read(path: &Path) -> Option<MadeResults> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
