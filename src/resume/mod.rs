//! Keeps the finished blocks of a step while it runs: a run that is killed loses only its current block, and the next
//! run of the same step takes the others (docs/store.md).
//!
//! They lie in the store under the step's key, which has everything that changes a number. Where blocks end depends on more
//! than that, [`Terms`]: blocks of other terms are dropped, so that a run that was interrupted ends to the bit as one that was not.

mod bits;
mod file;
mod series;

pub use bits::{Bits, from_bytes, to_bytes};
pub use series::{Latest, Series};

use crate::counted::counted;
use crate::system::atomic::write_atomic;
use crate::system::progress::Progress;
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Version of the form of the folder.
const FORMAT: u32 = 2;
/// What a folder of blocks says of itself.
const ABOUT: &str = "about.json";

/// What a folder of blocks is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Version of the form.
    pub format: u32,
    /// Name of the step.
    pub step: String,
    /// Its kind.
    pub kind: String,
    /// The spec.
    pub spec: String,
    /// The program, as in keys.
    pub build: String,
    /// What the ends of blocks depend on besides the key.
    pub terms: Terms,
    /// When the first was written, in seconds since 1970.
    pub begun: u64,
}

/// What decides where blocks end, and how their work is cut, and is in no key: it must not change results beyond the last digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// `run.memory_mib`
    pub memory_mib: usize,
    /// `run.batch`
    pub batch: Option<usize>,
    /// Threads of the CPU backend.
    pub threads: usize,
    /// The processor: caches decide how matrix products are cut.
    pub processor: String,
    /// The devices of the spec's models.
    pub devices: Vec<String>,
}

impl std::fmt::Display for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "run.memory_mib = {}", self.memory_mib)?;
        if let Some(batch) = self.batch {
            write!(f, ", run.batch = {batch}")?;
        }
        let on: Vec<&str> = self.devices.iter().chain([&self.processor]).map(String::as_str).collect();
        write!(f, ", {} on {}", counted(self.threads, "thread"), on.join(", "))
    }
}

/// Keeps the finished blocks of a step.
pub struct Blocks<'a>(Option<BlockFolder<'a>>);

/// Where they are kept, and how far the step is.
struct BlockFolder<'a> {
    folder: PathBuf,
    about: About,
    progress: &'a Progress,
    /// Whether the step's key is still what it was: a model's files may change while it runs.
    unchanged: Box<dyn Fn() -> bool + 'a>,
    /// Told once why no more blocks are kept.
    refused: Box<dyn Fn(&std::io::Error) + 'a>,
    /// Whether further blocks are written.
    open: Cell<bool>,
    /// The blocks within which work is under way, and what has been asked for in each.
    within: RefCell<Vec<String>>,
    counts: RefCell<HashMap<String, usize>>,
    /// Blocks that were written or taken.
    held: Cell<usize>,
    /// Whether it was said that the step goes on from another run.
    told: Cell<bool>,
}

impl<'a> Blocks<'a> {
    /// Keeps nothing.
    pub fn off() -> Self {
        Self(None)
    }

    /// Keeps them in `folder`. What is there of the same step on the same terms is taken; other things are dropped, and it is said.
    pub(crate) fn at(
        folder: PathBuf,
        about: About,
        progress: &'a Progress,
        unchanged: impl Fn() -> bool + 'a,
        refused: impl Fn(&std::io::Error) + 'a,
    ) -> Self {
        let step = &about.step;
        let discard = |why: &str| {
            progress.say(&format!("note: step '{step}': finished blocks of an interrupted run cannot be used: {why}"));
            let _ = fs::remove_dir_all(&folder);
        };
        match found(&folder) {
            None => {}
            // It was killed before the first block.
            Some(Err(_)) if count(&folder) == 0 => drop(fs::remove_dir_all(&folder)),
            Some(Err(damage)) => discard(&damage),
            Some(Ok(before)) if before.terms != about.terms => {
                discard(&format!("they were made with {}, and this run has {}", before.terms, about.terms));
            }
            Some(Ok(_)) => {}
        }
        Self(Some(BlockFolder {
            folder,
            about,
            progress,
            unchanged: Box::new(unchanged),
            refused: Box::new(refused),
            open: Cell::new(true),
            within: RefCell::default(),
            counts: RefCell::default(),
            held: Cell::new(0),
            told: Cell::new(false),
        }))
    }

    /// How many blocks are there.
    pub(crate) fn held(&self) -> usize {
        self.0.as_ref().map_or(0, |blocks| blocks.held.get())
    }

    /// Drops what is there: the step is to begin anew.
    pub(crate) fn forget(&self) {
        if let Some(blocks) = &self.0 {
            let _ = fs::remove_dir_all(&blocks.folder);
        }
    }

    /// Removes them: the step is done, or its results are not to be kept.
    pub(crate) fn discard(&self) {
        if let Some(blocks) = &self.0 {
            blocks.open.set(false);
            let _ = fs::remove_dir_all(&blocks.folder);
        }
    }
}

impl BlockFolder<'_> {
    /// The name of what is asked for now: what it is, in which block, for the how manyth time. Steps ask for the same things in the
    /// same order whenever they run.
    fn name(&self, what: &str) -> String {
        let inside = self.within.borrow().join(" / ");
        let name = format!("{inside} / {what}");
        let mut counts = self.counts.borrow_mut();
        let times = counts.entry(name.clone()).or_default();
        *times += 1;
        format!("{name} #{times}")
    }

    /// Counts a block that is there.
    fn count(&self, is_there: bool) {
        self.held.set(self.held.get() + usize::from(is_there));
    }

    /// Writes a block; whether it is there.
    fn write(&self, name: &str, identity: &str, value: std::io::Result<Vec<u8>>) -> bool {
        if !self.open.get() {
            return false;
        }
        if !(self.unchanged)() {
            // The results will not be kept either, which is said then.
            self.open.set(false);
            let _ = fs::remove_dir_all(&self.folder);
            return false;
        }
        match self.begin().and_then(|()| file::write(&self.folder, name, identity, &value?)) {
            Ok(()) => true,
            Err(error) => {
                self.open.set(false);
                (self.refused)(&error);
                false
            }
        }
    }

    /// Makes the folder.
    fn begin(&self) -> std::io::Result<()> {
        let about = self.folder.join(ABOUT);
        if about.exists() {
            return Ok(());
        }
        let text = serde_json::to_vec_pretty(&self.about)?;
        write_atomic(&about, |out| out.write_all(&text)).map_err(|error| error.source)
    }
}

/// What a folder of blocks says of itself, if it is there.
fn found(folder: &Path) -> Option<Result<About, String>> {
    if !folder.is_dir() {
        return None;
    }
    let read = || -> Result<About, String> {
        let text = fs::read(folder.join(ABOUT)).map_err(|error| format!("{ABOUT}: {error}"))?;
        let about: About = serde_json::from_slice(&text).map_err(|error| format!("{ABOUT}: {error}"))?;
        if about.format == FORMAT { Ok(about) } else { Err(format!("they are of version {}", about.format)) }
    };
    Some(read())
}

impl About {
    /// Of blocks that begin now.
    pub(crate) fn new(step: &str, kind: &str, spec: &str, build: &str, terms: Terms, begun: u64) -> Self {
        let [step, kind, spec, build] = [step, kind, spec, build].map(String::from);
        Self { format: FORMAT, step, kind, spec, build, terms, begun }
    }

    /// What a folder of blocks says of itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        found(folder).unwrap_or_else(|| Err("it is gone".into()))
    }
}

/// How many finished blocks a folder has for a run on these terms.
pub(crate) fn left(folder: &Path, terms: &Terms) -> usize {
    match found(folder) {
        Some(Ok(about)) if about.terms == *terms => count(folder),
        _ => 0,
    }
}

/// How many blocks a folder has.
pub(crate) fn count(folder: &Path) -> usize {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter(|file| file.file_name().to_string_lossy().ends_with(file::ENDING)).count()
}
