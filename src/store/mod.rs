//! The store: what steps have made, by key, so that a step is computed once (docs/store.md).
//!
//! `entries/AB/KEY/` holds an outcome and the checksums of its files; it is put there whole by a rename. `claims/KEY` keeps two
//! processes from computing one step at once; `parts/` is where entries are written; `blocks/KEY/` has what is finished of a step
//! that runs; `files.json` remembers checksums of models' files, and `models.json` what was seen of models;
//! `results/` has the checksums of what runs made of outcomes.

mod claims;
mod entry;
mod exchange;
mod failure;
pub mod key;
mod maintenance;
mod models;
mod place;
mod put;
mod results;
mod take;

pub use entry::{Damage, Entry};
pub use exchange::{ExchangeSummary, OtherStore, RemoteStore};
pub use failure::StepFailure;
pub use maintenance::{CollectionSummary, EntryListing, Retention, UnfinishedStep};
pub use place::{StoreIsFile, StoreLocation};
pub use put::Provenance;
pub use results::MadeResults;
pub use take::Taken;

use crate::system::Digests;
use std::io;
use std::path::{Path, PathBuf};

/// What may be in a store before its first entry.
const OWN: [&str; 9] =
    ["CACHEDIR.TAG", "blocks", "claims", "failed", "files.json", "locks", "models.json", "parts", "submissions"];

/// A folder of outcomes. It is made when something is first put into it.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    digests: Digests,
    /// Gone with the store, of a store for one command.
    temporary: Option<tempfile::TempDir>,
}

impl Store {
    /// The store in a folder.
    pub fn at(root: PathBuf) -> Self {
        let digests = Digests::remembered(root.join("files.json"));
        Self { root, digests, temporary: None }
    }

    /// A store for one command, gone with it.
    ///
    /// # Errors
    /// No folder for temporary files.
    pub fn temporary() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("ablate-store-").tempdir()?;
        crate::system::interrupt::goes_with_the_process(folder.path());
        Ok(Self { root: folder.path().to_path_buf(), digests: Digests::default(), temporary: Some(folder) })
    }

    /// Whether it is gone with the command.
    pub fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Checksums of files.
    pub fn digests(&self) -> &Digests {
        &self.digests
    }

    fn entries(&self) -> PathBuf {
        self.root.join("entries")
    }

    fn entry(&self, digest: &str) -> PathBuf {
        self.entries().join(digest.get(..2).unwrap_or("")).join(digest)
    }

    /// How many blocks of the step with this key are finished, while it runs or after it was interrupted.
    pub fn finished_blocks(&self, digest: &str) -> usize {
        crate::resume::count(&self.blocks_of(digest))
    }

    fn parts(&self) -> PathBuf {
        self.root.join("parts")
    }

    fn blocks(&self) -> PathBuf {
        self.root.join("blocks")
    }

    /// Where the finished blocks of the step with this key are, while it runs.
    pub(crate) fn blocks_of(&self, digest: &str) -> PathBuf {
        self.blocks().join(digest)
    }

    /// Locks of versions before, which claims have replaced.
    fn locks(&self) -> PathBuf {
        self.root.join("locks")
    }
}
