//! Putting an outcome into the store: written beside its place, read back, then renamed.

use super::entry::{ABOUT, CHECKSUM, Content, FORMAT, StoredFile, StoredFrame};
use super::{Entry, Store};
use crate::step::Outcome;
use crate::store::key::Key;
use crate::system::atomic::write_atomic;
use crate::system::digests::of_bytes;
use crate::system::job::ClusterJob;
use crate::system::time as when;
use crate::table;
use crate::table::read_parquet;
use polars::prelude::{DataFrame, DataType};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io};

/// How an outcome came about.
#[derive(Debug, Clone, Copy)]
pub struct Provenance<'a> {
    /// Name of the step.
    pub step: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// The spec.
    pub spec: &'a str,
    /// How long it took.
    pub seconds: f64,
    /// On which processor.
    pub processor: &'a str,
    /// The program, as in keys.
    pub build: &'a str,
    /// Names that may be in the outcome: the step's, and those of what it reads.
    pub names: &'a [String],
    /// The results folder that its files are in.
    pub dir: &'a Path,
}

impl Store {
    /// Puts an outcome under its key, in place of what is there. An outcome with names of steps in it is put under a key of its
    /// own with these names. Nothing is under the key until all of it is. Returns [`Entry::checksum`].
    ///
    /// # Errors
    /// Files that cannot be written, and outcomes that would not come back as they are.
    pub fn put(&self, key: &Key, outcome: &Outcome, about: &Provenance) -> io::Result<String> {
        let digest = if names_within(outcome, about.names) { key.named(about.names) } else { key.digest.clone() };
        static PARTS: AtomicU64 = AtomicU64::new(0);
        let number = PARTS.fetch_add(1, Ordering::Relaxed);
        let part = self.parts().join(format!("{digest}-{}-{number}", std::process::id()));
        fs::create_dir_all(&part)?;
        let put = write(&part, &digest, key, outcome, about)
            .and_then(|checksum| self.rename(&part, &digest).map(|()| checksum));
        if put.is_err() {
            let _ = fs::remove_dir_all(&part);
        }
        put
    }

    /// Puts a whole entry in its place.
    pub(super) fn rename(&self, part: &Path, digest: &str) -> io::Result<()> {
        self.tag();
        let place = self.entry(digest);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        self.discard(&place)?;
        match fs::rename(part, &place) {
            // Another process, that takes no locks, was quicker: its entry is of the same key.
            Err(_) if place.join(ABOUT).is_file() => fs::remove_dir_all(part),
            renamed => renamed,
        }
    }

    /// Takes what is under a name away at once, and then deletes it.
    pub(crate) fn discard(&self, place: &Path) -> io::Result<()> {
        if !place.exists() {
            return Ok(());
        }
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let aside = self.parts().join(format!("{name}-{}-old", std::process::id()));
        fs::create_dir_all(self.parts())?;
        fs::rename(place, &aside)?;
        fs::remove_dir_all(&aside)
    }

    /// Backup programs leave out folders with this file (<https://bford.info/cachedir/>).
    fn tag(&self) {
        let tag = self.root.join("CACHEDIR.TAG");
        if !tag.exists() {
            let text = "Signature: 8a477f597d28d172789f06886806bc55\n# Results that ablate keeps: see `ablate store --help`.\n";
            let _ = write_atomic(&tag, |out| out.write_all(text.as_bytes()));
        }
    }
}

/// Seconds of computing from which on results are worth waiting for the disk.
const WORTH: f64 = 2.0;

/// Each file is closed before the entry has its name: other machines that share the store find it whole, or not at all. Of what took
/// long to compute each is on the disk by then; what a power cut takes of the rest is found by its checksum.
fn write(part: &Path, digest: &str, key: &Key, outcome: &Outcome, about: &Provenance) -> io::Result<String> {
    let mut frames = Vec::new();
    for (number, (name, frame)) in outcome.frames.iter().enumerate() {
        let file = format!("rows{number}.parquet");
        let bytes = table::to_parquet(frame).map_err(io::Error::other)?;
        write_through(&part.join(&file), &bytes, about)?;
        let content = Content { file, sha256: of_bytes(&bytes), bytes: bytes.len() as u64 };
        let back = read_parquet(bytes).map_err(io::Error::other)?;
        if !same(frame, &back) {
            return Err(io::Error::other(format!("rows '{name}' cannot be read back from Parquet unchanged")));
        }
        frames.push(StoredFrame { part: after(name, about.step)?, content });
    }
    let mut files = Vec::new();
    for (number, path) in outcome.files.iter().enumerate() {
        let file = format!("file{number}");
        let place = part.join(&file);
        fs::copy(path, &place)?;
        if about.seconds >= WORTH {
            fs::File::open(&place)?.sync_all()?;
        }
        files.push(StoredFile { path: within(path, about.dir)?, content: Content::of(part, file)? });
    }
    let entry = Entry {
        format: FORMAT,
        key: digest.to_string(),
        kind: about.kind.to_string(),
        step: about.step.to_string(),
        spec: about.spec.to_string(),
        computed: when::now(),
        seconds: about.seconds,
        processor: about.processor.to_string(),
        build: about.build.to_string(),
        job: ClusterJob::here(),
        frames,
        files,
        notes: outcome.notes.clone(),
        checks: outcome.checks.clone(),
        prompts: outcome.prompts.clone(),
        inputs: key.inputs.clone(),
        checksum: String::new(),
    };
    let text = serde_json::to_vec_pretty(&entry)?;
    let checksum = of_bytes(&text);
    write_through(&part.join(CHECKSUM), checksum.as_bytes(), about)?;
    write_through(&part.join(ABOUT), &text, about)?;
    Ok(checksum)
}

/// Writes a file; onto the disk, where it is worth that.
fn write_through(path: &Path, bytes: &[u8], about: &Provenance) -> io::Result<()> {
    use std::io::Write;
    let mut file = fs::File::create_new(path)?;
    file.write_all(bytes)?;
    if about.seconds >= WORTH { file.sync_all() } else { Ok(()) }
}

/// What follows the step's name in the name of rows.
fn after(name: &str, step: &str) -> io::Result<String> {
    let part = name.strip_prefix(step).filter(|part| part.is_empty() || part.starts_with('.'));
    part.map(String::from).ok_or_else(|| io::Error::other(format!("rows '{name}' are not named after step '{step}'")))
}

/// A file's path in the results folder.
fn within(path: &Path, dir: &Path) -> io::Result<PathBuf> {
    let inside = path.strip_prefix(dir).ok();
    let inside = inside.filter(|path| path.components().all(|part| matches!(part, Component::Normal(_))));
    inside.map(Path::to_path_buf).ok_or_else(|| {
        io::Error::other(format!(
            "{} is outside the results folder, and the store keeps only files within it",
            path.display()
        ))
    })
}

/// Whether rows are the same: names, types and values.
fn same(a: &DataFrame, b: &DataFrame) -> bool {
    a.schema() == b.schema() && a.equals_missing(b)
}

/// Whether names of steps are in the rows, the files or the notes, which are then of no use under other names. Files are not
/// looked into.
fn names_within(outcome: &Outcome, names: &[String]) -> bool {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    !outcome.files.is_empty()
        || outcome.notes.iter().any(|note| quoted.iter().any(|name| note.contains(name)))
        || outcome.frames.iter().any(|(_, frame)| has_a_name(frame, names))
}

fn has_a_name(frame: &DataFrame, names: &[String]) -> bool {
    frame.columns().iter().filter(|column| *column.dtype() == DataType::String).any(|column| {
        column.str().is_ok_and(|texts| texts.iter().flatten().any(|text| names.iter().any(|name| name == text)))
    })
}
