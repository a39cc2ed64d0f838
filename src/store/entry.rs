//! What an entry holds, and whether it is whole.

use super::Store;
use crate::manifest::{PromptsRecord, SelfCheck};
use crate::store::key::inputs::Inputs;
use crate::system::digests::{of_bytes, of_reader};
use crate::system::job::ClusterJob;
use crate::table::read_parquet;
use polars::prelude::DataFrame;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Version of the form of entries.
pub(crate) const FORMAT: u32 = 2;
/// What an entry says of itself.
pub(crate) const ABOUT: &str = "entry.json";
/// SHA-256 of that, in hex.
pub(crate) const CHECKSUM: &str = "entry.sha256";

/// The outcome of a step and how it came about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Version of the form.
    pub format: u32,
    /// The key that it is under.
    pub key: String,
    /// Kind of the step.
    pub kind: String,
    /// Name of the step.
    pub step: String,
    /// The spec that it was computed for.
    pub spec: String,
    /// When, in seconds since 1970.
    pub computed: u64,
    /// How long it took.
    pub seconds: f64,
    /// On which processor.
    pub processor: String,
    /// The program that computed it, as in its key.
    pub build: String,
    /// The job of a cluster that it was computed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<ClusterJob>,
    /// Frames of rows.
    pub frames: Vec<StoredFrame>,
    /// Files that the step wrote.
    pub files: Vec<StoredFile>,
    /// Notes.
    pub notes: Vec<String>,
    /// Self-checks, all of them passed.
    pub checks: Vec<SelfCheck>,
    /// The prompts that the step ran on.
    #[serde(default)]
    pub prompts: Vec<PromptsRecord>,
    /// Everything that the key is of.
    pub inputs: Inputs,
    /// SHA-256 of this description, in hex, which has the checksums of all files; empty while it is not written.
    #[serde(skip)]
    pub checksum: String,
}

/// Rows, as Parquet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredFrame {
    /// What follows the step's name in the name of the rows: nothing, or `.prompts`.
    pub part: String,
    /// The file.
    pub content: Content,
}

/// A file that the step wrote into the results folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredFile {
    /// Where, relative to that folder.
    pub path: PathBuf,
    /// The file.
    pub content: Content,
}

/// A file of an entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Content {
    /// Its name in the entry's folder.
    pub file: String,
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// Why an entry is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It is not as it was put.
    #[error("{0}")]
    Harmed(String),
    /// It is whole, and of another version of this program.
    #[error("it has version {0} of the store's format, and this program reads version {FORMAT}")]
    OtherVersion(u32),
}

/// The part of an entry's description that every version has.
#[derive(Deserialize)]
struct Form {
    format: u32,
}

impl Store {
    /// The entry under a key, its own description checked, its files not yet.
    ///
    /// # Errors
    /// An entry that is not whole.
    pub fn find(&self, digest: &str) -> Result<Option<Entry>, Damage> {
        let folder = self.entry(digest);
        if !folder.join(ABOUT).exists() && !folder.exists() {
            return Ok(None);
        }
        Self::read_entry(&folder, digest).map(Some)
    }

    /// The description of the entry that a folder has, checked.
    ///
    /// # Errors
    /// One that is not whole.
    pub(super) fn read_entry(folder: &Path, digest: &str) -> Result<Entry, Damage> {
        let text = fs::read(folder.join(ABOUT)).map_err(|error| Damage::Harmed(format!("{ABOUT}: {error}")))?;
        let checksum = fs::read_to_string(folder.join(CHECKSUM))
            .map_err(|error| Damage::Harmed(format!("{CHECKSUM}: {error}")))?;
        let found = of_bytes(&text);
        if checksum.trim() != found {
            return Err(Damage::Harmed(format!("{ABOUT}: wrong checksum")));
        }
        let wrong = |error: serde_json::Error| Damage::Harmed(format!("{ABOUT}: {error}"));
        let Form { format } = serde_json::from_slice(&text).map_err(wrong)?;
        if format != FORMAT {
            return Err(Damage::OtherVersion(format));
        }
        let entry: Entry = serde_json::from_slice(&text).map_err(wrong)?;
        if entry.key != digest {
            return Err(Damage::Harmed(format!("{ABOUT}: it belongs to another key")));
        }
        Ok(Entry { checksum: found, ..entry })
    }

    /// Whether every file of an entry is as it was put, without reading the rows that are in it.
    pub fn is_as_put(&self, entry: &Entry) -> bool {
        let folder = self.entry(&entry.key);
        let frames = entry.frames.iter().map(|frame| &frame.content);
        frames.chain(entry.files.iter().map(|file| &file.content)).all(|content| content.check(&folder).is_ok())
    }

    /// Reads and checks every file of an entry.
    ///
    /// # Errors
    /// The first that is not as it was.
    pub fn check(&self, entry: &Entry) -> Result<(), Damage> {
        Self::check_in(entry, &self.entry(&entry.key))
    }

    /// The same of one that is in another folder.
    pub(super) fn check_in(entry: &Entry, folder: &Path) -> Result<(), Damage> {
        entry.frames.iter().try_for_each(|frame| frame.read(folder).map(drop))?;
        entry.files.iter().try_for_each(|file| file.content.check(folder))
    }
}

impl StoredFrame {
    /// The rows.
    pub(crate) fn read(&self, folder: &Path) -> Result<DataFrame, Damage> {
        let Content { file, sha256, .. } = &self.content;
        let damage = |problem: String| Damage::Harmed(format!("{file}: {problem}"));
        let bytes = fs::read(folder.join(file)).map_err(|error| damage(error.to_string()))?;
        if of_bytes(&bytes) != *sha256 {
            return Err(damage("wrong checksum".into()));
        }
        read_parquet(bytes).map_err(|error| damage(error.to_string()))
    }
}

impl Content {
    /// Whether the file is as it was.
    pub(crate) fn check(&self, folder: &Path) -> Result<(), Damage> {
        let damage = |problem: String| Damage::Harmed(format!("{}: {problem}", self.file));
        let digest =
            File::open(folder.join(&self.file)).and_then(of_reader).map_err(|error| damage(error.to_string()))?;
        if digest == self.sha256 { Ok(()) } else { Err(damage("wrong checksum".into())) }
    }

    /// Of a file that is there.
    pub(crate) fn of(folder: &Path, file: String) -> io::Result<Self> {
        let path = folder.join(&file);
        let (sha256, bytes) = (of_reader(File::open(&path)?)?, fs::metadata(&path)?.len());
        Ok(Self { file, sha256, bytes })
    }
}

impl Entry {
    /// Bytes of its files.
    pub fn bytes(&self) -> u64 {
        let frames = self.frames.iter().map(|frame| frame.content.bytes);
        frames.chain(self.files.iter().map(|file| file.content.bytes)).sum()
    }
}
