//! An open GGUF file.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::header::{GgufHeader, GgufTensor};
use super::metadata::Metadata;
use super::split::GgufSplit;
use crate::model::content::{self, FileContent};
use crate::model::weights::{WeightError, read_at};

/// Bytes read at a time.
const CHUNK: usize = 1 << 18;

/// An open GGUF model (version 2 or 3, little-endian), in one file or several: the headers are in memory, tensors are read
/// when asked for.
#[derive(Debug)]
pub struct Gguf {
    path: PathBuf,
    files: Vec<File>,
    header: GgufHeader,
}

impl Gguf {
    /// Opens a file and reads its header; of a model in parts, all by the first. No tensor is read, but all are known to be
    /// wholly there.
    ///
    /// # Errors
    /// Unreadable, truncated or malformed files, parts that are missing or out of order, and files that are no GGUF at all, with
    /// what they are.
    pub fn open(path: &Path) -> Result<Self, WeightError> {
        let (file, mut header) = open_one(path)?;
        let format = |reason: String| WeightError::format(path, reason);
        let mut files = vec![file];
        let split = GgufSplit::of(&header.metadata, path).map_err(format)?;
        for (part, path) in split.others.iter().enumerate() {
            let part = part + 1;
            let (file, other) = open_one(path)?;
            let place = |reason: String| WeightError::format(path, reason);
            split.check(part, &other.metadata).map_err(place)?;
            for (name, tensor) in other.tensors {
                if header.tensors.insert(name.clone(), GgufTensor { part, ..tensor }).is_some() {
                    return Err(place(format!("tensor '{name}' is in an earlier part too")));
                }
            }
            files.push(file);
        }
        split.check_tensors(header.tensors.len()).map_err(format)?;
        Ok(Self { path: path.to_owned(), files, header })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names, shapes (slowest dimension first) and number formats of all tensors, in the order of the file.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[usize], String)> {
        self.all().map(|(name, tensor)| (name, &*tensor.shape, tensor.quant.to_string()))
    }

    /// The values of a tensor in row-major order, dequantised as the `gguf` Python package does, to the bit.
    ///
    /// # Errors
    /// No such tensor, or the disk fails.
    pub fn tensor(&self, name: &str) -> Result<Vec<f32>, WeightError> {
        let tensor = self.readable(name)?;
        // Bounded: a value takes at least a sixth of a byte of the file, which was checked.
        let mut values = vec![0.0; tensor.elements()];
        self.read(tensor, 0, &mut values)?;
        Ok(values)
    }

    pub(super) fn metadata(&self) -> &Metadata {
        &self.header.metadata
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &GgufTensor)> {
        self.header.tensors.iter().map(|(name, tensor)| (&**name, tensor))
    }

    fn find(&self, name: &str) -> Result<&GgufTensor, WeightError> {
        let missing = || WeightError::format(&self.path, format!("no tensor '{name}'"));
        self.header.tensors.get(name).ok_or_else(missing)
    }

    /// A tensor whose values can be read.
    pub(super) fn readable(&self, name: &str) -> Result<&GgufTensor, WeightError> {
        let tensor = self.find(name)?;
        match tensor.quant.unreadable() {
            Some(why) => Err(WeightError::format(&self.path, format!("tensor '{name}': {why}"))),
            None => Ok(tensor),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&GgufTensor> {
        self.header.tensors.get(name)
    }

    /// Fills `out` with the values of `tensor` from `start`, in row-major order; they must be within it.
    pub(super) fn read(&self, tensor: &GgufTensor, start: usize, out: &mut [f32]) -> Result<(), WeightError> {
        let (block, block_bytes) = (tensor.quant.block(), tensor.quant.block_bytes());
        let mut bytes = vec![0; (out.len().div_ceil(block) * block_bytes).min(CHUNK / block_bytes * block_bytes)];
        let (mut at, mut out) = (start, out);
        while !out.is_empty() {
            let within = at % block;
            let blocks = if within == 0 { (out.len() / block).min(bytes.len() / block_bytes) } else { 0 };
            // Values before and after whole blocks come by way of one block.
            let read = &mut bytes[..blocks.max(1) * block_bytes];
            let offset = tensor.start + (at / block * block_bytes) as u64;
            read_at(&self.files[tensor.part], read, offset).map_err(WeightError::io(&self.path))?;
            let done = if blocks > 0 {
                tensor.quant.dequantize(read, &mut out[..blocks * block]);
                blocks * block
            } else {
                let mut values = vec![0.0; block];
                tensor.quant.dequantize(read, &mut values);
                let part = &values[within..block.min(within + out.len())];
                out[..part.len()].copy_from_slice(part);
                part.len()
            };
            at += done;
            out = &mut out[done..];
        }
        Ok(())
    }

    /// Fills `bytes` with the blocks of `tensor` from the one that begins with the value at `start`.
    pub(super) fn read_blocks(&self, tensor: &GgufTensor, start: usize, bytes: &mut [u8]) -> Result<(), WeightError> {
        let offset = tensor.start + (start / tensor.quant.block() * tensor.quant.block_bytes()) as u64;
        read_at(&self.files[tensor.part], bytes, offset).map_err(WeightError::io(&self.path))
    }
}

fn open_one(path: &Path) -> Result<(File, GgufHeader), WeightError> {
    let open = || {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok((file.try_clone()?, file, size))
    };
    let (reader, file, size) = open().map_err(WeightError::io(path))?;
    let header = GgufHeader::read(reader, size).map_err(|reason| match content::of(path) {
        Some(FileContent::Gguf) | None => WeightError::format(path, reason),
        Some(_) => WeightError::format(path, reason).explained(),
    })?;
    Ok((file, header))
}
