//! Blocks that follow each other, and states of which the latest is kept.

use super::{Bits, BlockFolder, Blocks, file, to_bytes};
use crate::counted::{agreeing, counted};
use crate::system::digests::of_bytes;
use std::fmt::Debug;
use std::fs;
use std::time::{Duration, Instant};

/// Work that takes less is not worth a file, unless there is more of it.
const BRIEF: Duration = Duration::from_millis(500);

/// Bytes that are written in a second, about: what is computed faster than that is computed again.
const BYTES_PER_SECOND: f64 = 2e8;

/// Letters of the names of files.
const LETTERS: usize = 24;

/// Blocks that follow each other, by number.
pub struct Series<'b> {
    blocks: Option<&'b BlockFolder<'b>>,
    identity: String,
    count: usize,
}

/// A state that work goes on from: the latest is kept.
pub struct Latest<'b> {
    blocks: Option<&'b BlockFolder<'b>>,
    identity: String,
}

impl<'a> Blocks<'a> {
    /// Work in blocks: `what` says of what, `parts` how it is cut. Blocks of the same name that were cut otherwise are not taken.
    /// Says how many are there.
    pub fn series<P: Debug>(&self, what: &str, parts: &[P]) -> Series<'_> {
        let Some(blocks) = &self.0 else { return Series { blocks: None, identity: String::new(), count: parts.len() } };
        let identity = blocks.name(&format!("{what} {parts:?}"));
        let series = Series { blocks: Some(blocks), identity, count: parts.len() };
        let there =
            (0..parts.len()).filter(|&number| file::path(&blocks.folder, &series.file(number)).exists()).count();
        if there > 0 {
            blocks.told.set(true);
            let (step, total) = (&blocks.about.step, parts.len());
            blocks.progress.say(&format!(
                "step '{step}': {there} of {} {} there from an interrupted run ({what})",
                counted(total, "block"),
                agreeing(there, "is", "are")
            ));
        }
        series
    }

    /// Work that is one block.
    ///
    /// # Errors
    /// What `compute` returns.
    pub fn once<T: Bits, E>(&self, what: &str, compute: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let Some(blocks) = &self.0 else { return compute() };
        let series = Series { blocks: Some(blocks), identity: blocks.name(what), count: 1 };
        series.get_or(0, |_| blocks.tell(), compute)
    }

    /// Work that goes on from a state.
    pub fn latest(&self, what: &str) -> Latest<'_> {
        let blocks = self.0.as_ref();
        Latest { blocks, identity: blocks.map(|blocks| blocks.name(what)).unwrap_or_default() }
    }
}

impl Series<'_> {
    /// What a block gave before, of which `found` is told, or else what `compute` gives. Blocks within it are kept until it is done.
    ///
    /// # Errors
    /// What `compute` returns.
    pub fn get_or<T: Bits, E>(
        &self,
        number: usize,
        found: impl FnOnce(&T),
        compute: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(blocks) = self.blocks else { return compute() };
        let (name, identity) = (self.file(number), self.block(number));
        if let Some(value) = blocks.read(&name, &identity) {
            found(&value);
            return Ok(value);
        }
        let began = Instant::now();
        let before = blocks.held.get();
        blocks.within.borrow_mut().push(name.clone());
        let value = compute();
        blocks.within.borrow_mut().pop();
        let value = value?;
        let took = began.elapsed();
        let has_inner = blocks.held.get() > before;
        let bytes = to_bytes(&value);
        let worth = took.as_secs_f64() > bytes.as_ref().map_or(0, Vec::len) as f64 / BYTES_PER_SECOND;
        // Blocks within it go, so it must be there: that it took no time may be because they were taken.
        let wanted = has_inner || worth && (self.count > 1 || took > BRIEF);
        let written = wanted && blocks.write(&name, &identity, bytes);
        blocks.count(written);
        if has_inner && written {
            blocks.remove_within(&name);
        }
        Ok(value)
    }

    /// What a block gave before.
    pub fn take<T: Bits>(&self, number: usize) -> Option<T> {
        self.blocks?.read(&self.file(number), &self.block(number))
    }

    /// Keeps what a block gave.
    pub fn keep<T: Bits>(&self, number: usize, value: &T) {
        if let Some(blocks) = self.blocks {
            blocks.count(blocks.write(&self.file(number), &self.block(number), to_bytes(value)));
        }
    }

    fn block(&self, number: usize) -> String {
        format!("{} block {number}", self.identity)
    }

    fn file(&self, number: usize) -> String {
        let within = self.blocks.map(|blocks| blocks.prefix()).unwrap_or_default();
        within + short(&of_bytes(self.block(number).as_bytes()))
    }
}

impl Latest<'_> {
    /// The latest state, of a run that was interrupted.
    pub fn take<T: Bits>(&self) -> Option<T> {
        let blocks = self.blocks?;
        let state = blocks.read(&self.file(), &self.identity)?;
        blocks.tell();
        Some(state)
    }

    /// Keeps a state in place of the one before.
    pub fn keep<T: Bits>(&self, state: &T) {
        let Some(blocks) = self.blocks else { return };
        let is_first = !file::path(&blocks.folder, &self.file()).exists();
        blocks.count(blocks.write(&self.file(), &self.identity, to_bytes(state)) && is_first);
    }

    /// Whether states are kept at all.
    pub fn is_kept(&self) -> bool {
        self.blocks.is_some_and(|blocks| blocks.open.get())
    }

    fn file(&self) -> String {
        let within = self.blocks.map(|blocks| blocks.prefix()).unwrap_or_default();
        within + short(&of_bytes(self.identity.as_bytes()))
    }
}

impl BlockFolder<'_> {
    /// What the names of blocks within the one under way begin with.
    fn prefix(&self) -> String {
        self.within.borrow().last().map(|name| format!("{name}.")).unwrap_or_default()
    }

    fn read<T: Bits>(&self, name: &str, identity: &str) -> Option<T> {
        match file::read(&self.folder, name, identity) {
            Ok(value) => {
                self.count(value.is_some());
                value
            }
            Err(damage) => {
                let step = &self.about.step;
                self.progress.say(&format!(
                    "note: step '{step}': a block of an interrupted run is damaged ({damage}), so it is computed again"
                ));
                None
            }
        }
    }

    /// Says, once, that the step goes on.
    fn tell(&self) {
        if !self.told.replace(true) {
            self.progress.say(&format!("step '{}': continues an interrupted run", self.about.step));
        }
    }

    /// Removes the blocks within one that is done.
    fn remove_within(&self, name: &str) {
        let inside = format!("{name}.");
        for file in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let other = file.file_name();
            let other = other.to_string_lossy();
            if other.starts_with(&inside) && other[inside.len()..].contains('.') {
                let _ = fs::remove_file(file.path());
            }
        }
    }
}

fn short(digest: &str) -> &str {
    digest.get(..LETTERS).unwrap_or(digest)
}
