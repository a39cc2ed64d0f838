//! Weights spread over several files by an index: `model.safetensors.index.json`, `pytorch_model.bin.index.json`.

use crate::counted::{agreeing, counted};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;

use super::WeightError;
use super::source::{TensorInfo, WeightSource};

/// An index may list many names; none is as large as this.
const LARGEST_INDEX: u64 = 100_000_000;

/// Several files as one.
pub struct Shards<S> {
    path: PathBuf,
    shards: Vec<S>,
    tensors: IndexMap<String, TensorInfo>,
    /// Which shard each tensor is in, in the order of `tensors`.
    shard_of: Vec<usize>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: IndexMap<String, String>,
}

/// Reads an index, whose shards lie beside it.
fn read(path: &Path) -> Result<Index, WeightError> {
    let wrong = |reason: String| WeightError::format(path, reason);
    let size = std::fs::metadata(path).map_err(WeightError::io(path))?.len();
    if size > LARGEST_INDEX {
        return Err(wrong(format!("an index of {size} bytes; the largest that is read has {LARGEST_INDEX}")));
    }
    let text = std::fs::read(path).map_err(WeightError::io(path))?;
    let index: Index = serde_json::from_slice(&text).map_err(|error| wrong(format!("unreadable index: {error}")))?;
    match index.weight_map.values().find(|file| !is_plain_name(file)) {
        Some(file) => Err(wrong(format!("shard '{file}' is not the name of a file beside the index"))),
        None => Ok(index),
    }
}

/// The files that an index names, each once.
pub(super) fn files(index: &Path) -> Result<Vec<PathBuf>, WeightError> {
    let names: BTreeSet<String> = read(index)?.weight_map.into_values().collect();
    Ok(names.into_iter().map(|name| index.with_file_name(name)).collect())
}

impl<S: WeightSource> Shards<S> {
    /// Reads the index and opens every shard it names with `open`.
    ///
    /// # Errors
    /// When the index cannot be read, shards are missing (all of them are named), a shard is not readable or lacks a
    /// tensor that the index says it has, or two shards hold the same name.
    pub fn open(path: &Path, open: impl Fn(&Path) -> Result<S, WeightError>) -> Result<Self, WeightError> {
        let wrong = |reason: String| WeightError::format(path, reason);
        let Index { weight_map } = read(path)?;
        let files: BTreeSet<&str> = weight_map.values().map(String::as_str).collect();
        let folder = path.parent().unwrap_or(Path::new(""));
        let missing: Vec<_> = files.iter().filter(|file| !folder.join(file).is_file()).copied().collect();
        if !missing.is_empty() {
            return Err(wrong(format!(
                "{} of {} {} missing: {}",
                missing.len(),
                counted(files.len(), "shard"),
                agreeing(missing.len(), "is", "are"),
                missing.join(", ")
            )));
        }

        let shards = files.iter().map(|file| open(&folder.join(file))).collect::<Result<Vec<_>, _>>()?;
        let mut tensors = IndexMap::new();
        let mut shard_of = Vec::new();
        for (number, shard) in shards.iter().enumerate() {
            for (name, info) in shard.tensors() {
                if tensors.insert(name.clone(), info.clone()).is_some() {
                    return Err(wrong(format!("'{name}' is in two shards")));
                }
                shard_of.push(number);
            }
        }
        let numbers: IndexMap<&str, usize> = files.iter().enumerate().map(|(number, file)| (*file, number)).collect();
        let astray = |(name, file): &(&String, &String)| {
            let found = tensors.get_index_of(*name).map(|index| shard_of[index]);
            found.is_none() || found != numbers.get(file.as_str()).copied()
        };
        if let Some((name, file)) = weight_map.iter().find(astray) {
            return Err(wrong(format!("'{name}' is not in {file}")));
        }
        Ok(Self { path: path.to_owned(), shards, tensors, shard_of })
    }
}

impl<S: WeightSource> WeightSource for Shards<S> {
    fn path(&self) -> &Path {
        &self.path
    }

    fn tensors(&self) -> &IndexMap<String, TensorInfo> {
        &self.tensors
    }

    fn read(&self, name: &str, start: usize, out: &mut [f32]) -> Result<(), WeightError> {
        let (index, _) = super::find(self, name, start, out.len())?;
        self.shards[self.shard_of[index]].read(name, start, out)
    }

    fn equal(&self, a: &str, b: &str) -> Result<bool, WeightError> {
        let shard = |name: &str| self.tensors.get_index_of(name).map(|index| self.shard_of[index]);
        match (shard(a), shard(b)) {
            (Some(of_a), Some(of_b)) if of_a == of_b => self.shards[of_a].equal(a, b),
            _ => super::source::equal_piecewise(self, a, b),
        }
    }

    fn format_of(&self, name: &str) -> &str {
        self.tensors.get_index_of(name).map_or("", |index| self.shards[self.shard_of[index]].format_of(name))
    }
}

/// Whether `file` is one name, without a path to elsewhere.
fn is_plain_name(file: &str) -> bool {
    let mut parts = Path::new(file).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(name)), None) if name == file)
}
