//! Weights that are read while a model runs, in the midst of a forward pass, which has no way to say that the disk fails.

use super::{TensorInfo, WeightError, WeightSource};
use crate::kernel::BlockFormat;
use indexmap::IndexMap;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// What reading weights while a model runs has come to: how much was read, and whether a read has failed. What is computed after
/// a failure is not numbers, and whoever is about to use a result of the model looks here first.
#[derive(Debug, Clone, Default)]
pub struct WeightReads(Arc<ReadCount>);

#[derive(Debug, Default)]
struct ReadCount {
    bytes: AtomicU64,
    failure: OnceLock<String>,
    /// Room that weights of a layer took which was given back.
    room: Mutex<Vec<Vec<f32>>>,
}

impl WeightReads {
    /// Bytes of files that were read.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// The first failure, if there was any.
    pub fn failure(&self) -> Option<&str> {
        self.0.failure.get().map(String::as_str)
    }

    /// Whether both are of one model.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(in crate::model) fn add(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Keeps the room of weights that are not used any more for those that are read next: allocators keep what is freed, and where
    /// threads free and allocate by turns, more than is in use.
    pub(in crate::model) fn give_back(&self, room: Vec<f32>) {
        self.room().push(room);
    }

    /// Room for so many values, whatever they are, where some was given back.
    pub(in crate::model) fn take(&self, elements: usize) -> Option<Vec<f32>> {
        let mut room = self.room();
        let place = room.iter().position(|room| room.len() == elements)?;
        Some(room.swap_remove(place))
    }

    /// Frees what was given back and not taken: layers may differ.
    pub(in crate::model) fn free(&self) {
        self.room().clear();
    }

    fn room(&self) -> MutexGuard<'_, Vec<Vec<f32>>> {
        self.0.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, error: &WeightError) {
        self.0.failure.get_or_init(|| error.to_string());
    }
}

/// A source whose reads do not fail: where its file does, that is noted, and the values are not numbers.
pub(in crate::model) struct Outlasting {
    pub source: Box<dyn WeightSource>,
    pub reads: WeightReads,
}

impl WeightSource for Outlasting {
    fn path(&self) -> &Path {
        self.source.path()
    }

    fn tensors(&self) -> &IndexMap<String, TensorInfo> {
        self.source.tensors()
    }

    fn read(&self, name: &str, start: usize, out: &mut [f32]) -> Result<(), WeightError> {
        if let Err(error) = self.source.read(name, start, out) {
            self.reads.note(&error);
            out.fill(f32::NAN);
        }
        Ok(())
    }

    fn equal(&self, a: &str, b: &str) -> Result<bool, WeightError> {
        self.source.equal(a, b)
    }

    fn bytes_of(&self, name: &str, elements: usize) -> u64 {
        self.source.bytes_of(name, elements)
    }

    fn blocks(&self, name: &str, rows: &[Range<usize>]) -> Result<Option<(BlockFormat, Vec<u8>)>, WeightError> {
        // Where the bytes cannot be read, neither can the values, and that is noted.
        Ok(self.source.blocks(name, rows).unwrap_or(None))
    }

    fn format_of(&self, name: &str) -> &str {
        self.source.format_of(name)
    }
}
