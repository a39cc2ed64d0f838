//! A `.safetensors` file, read with one system call per piece: nothing is mapped, so nothing stays in memory.
//!
//! The header is parsed here rather than by the `safetensors` crate, whose map forgets duplicate names and whose errors
//! do not say which tensor is wrong. Every number is checked against the file's size before it is used.

use crate::counted::{agreeing, counted};
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::source::{NumberFormat, TensorInfo, WeightSource, convert};
use super::{WeightError, read_at};

/// As the format's own library.
const LARGEST_HEADER: u64 = 100_000_000;
/// Bytes before the header: its length.
const LENGTH: u64 = 8;

/// An open `.safetensors` file whose header has been found consistent.
#[derive(Debug)]
pub struct Safetensors {
    path: PathBuf,
    bytes: ByteSource,
    tensors: IndexMap<String, TensorInfo>,
    /// Byte offset in the file of each tensor, in the order of `tensors`.
    offsets: Vec<u64>,
    /// Names of the types that are not read.
    formats: HashMap<String, String>,
}

impl Safetensors {
    /// Opens the file and checks its header.
    ///
    /// # Errors
    /// When the file cannot be read, is truncated, or its header is not consistent with itself and with the file's size.
    pub fn open(path: &Path) -> Result<Self, WeightError> {
        let file = File::open(path).map_err(WeightError::io(path))?;
        let size = file.metadata().map_err(WeightError::io(path))?.len();
        Self::new(path, ByteSource::File(file), size)
    }

    /// The same from memory; `path` is for messages.
    ///
    /// # Errors
    /// When the bytes are truncated, or the header is not consistent with itself and with their number.
    pub fn from_bytes(path: &Path, bytes: &'static [u8]) -> Result<Self, WeightError> {
        Self::new(path, ByteSource::Memory(bytes), bytes.len() as u64)
    }

    fn new(path: &Path, bytes: ByteSource, size: u64) -> Result<Self, WeightError> {
        let wrong = |reason: String| WeightError::format(path, reason);

        let mut length = [0; LENGTH as usize];
        if size < LENGTH {
            return Err(wrong(format!(
                "not a safetensors file: {}, shorter than the length of a header",
                counted(size, "byte")
            )));
        }
        bytes.read(&mut length, 0).map_err(WeightError::io(path))?;
        let length = u64::from_le_bytes(length);
        if length > LARGEST_HEADER {
            return Err(wrong(format!("not a safetensors file: its first 8 bytes claim a header of {length} bytes")));
        }
        if length > size - LENGTH {
            return Err(wrong(format!(
                "truncated: the header should be {}, the whole file is {size}",
                counted(length, "byte")
            )));
        }
        let mut header = vec![0; length as usize];
        bytes.read(&mut header, LENGTH).map_err(WeightError::io(path))?;

        let SafetensorsHeader(entries) =
            serde_json::from_slice(&header).map_err(|error| wrong(format!("unreadable header: {error}")))?;
        let start = LENGTH + length;
        let others = entries.iter().filter(|(_, entry)| matches!(entry.dtype.stored, NumberFormat::Other(_)));
        let formats = others.map(|(name, entry)| (name.clone(), entry.dtype.name.clone())).collect();
        let (tensors, offsets) = layout(entries, start, size).map_err(wrong)?;
        Ok(Self { path: path.to_owned(), bytes, tensors, offsets, formats })
    }
}

impl WeightSource for Safetensors {
    fn path(&self) -> &Path {
        &self.path
    }

    fn tensors(&self) -> &IndexMap<String, TensorInfo> {
        &self.tensors
    }

    fn read(&self, name: &str, start: usize, out: &mut [f32]) -> Result<(), WeightError> {
        let (index, info) = super::find(self, name, start, out.len())?;
        let width = info.stored.size();
        let mut buffer = vec![0; (out.len() * width).min(1 << 20)];
        let mut offset = self.offsets[index] + (start * width) as u64;
        for piece in out.chunks_mut((1 << 20) / width) {
            let bytes = &mut buffer[..piece.len() * width];
            self.bytes.read(bytes, offset).map_err(WeightError::io(&self.path))?;
            convert(info.stored, bytes, piece);
            offset += bytes.len() as u64;
        }
        Ok(())
    }

    fn format_of(&self, name: &str) -> &str {
        self.formats
            .get(name)
            .map_or_else(|| self.tensors.get(name).map_or("", |info| info.stored.name()), String::as_str)
    }
}

/// Where the bytes are.
#[derive(Debug)]
enum ByteSource {
    File(File),
    Memory(&'static [u8]),
}

impl ByteSource {
    /// Fills `out` from `offset`.
    fn read(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            ByteSource::File(file) => read_at(file, out, offset),
            ByteSource::Memory(bytes) => {
                let bytes = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)?.get(..out.len()));
                out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }
}

/// Checks every entry and their order in the file: one after the other, without gaps, to the file's end.
fn layout(
    mut entries: Vec<(String, TensorEntry)>,
    start: u64,
    size: u64,
) -> Result<(IndexMap<String, TensorInfo>, Vec<u64>), String> {
    entries.sort_by_key(|(_, entry)| entry.data_offsets);
    let available = size - start;
    let mut tensors = IndexMap::with_capacity(entries.len());
    let mut offsets = Vec::with_capacity(entries.len());
    let mut end = 0;
    for (name, entry) in entries {
        let (from, to) = entry.data_offsets;
        if to > available {
            return Err(format!(
                "truncated: '{name}' should end at byte {to} of {available} ({} {} missing)",
                counted(to - available, "byte"),
                agreeing(to - available, "is", "are")
            ));
        }
        if from != end || to < from {
            return Err(format!("'{name}' is at bytes {from} to {to}, but the tensor before it ends at {end}"));
        }
        let stored = entry.dtype.stored;
        let bytes = entry.shape.iter().try_fold(stored.size(), |product, &extent| product.checked_mul(extent));
        let known = stored != NumberFormat::Other(0);
        if known && bytes.map(|bytes| bytes as u64) != Some(to - from) {
            return Err(format!(
                "'{name}' of shape {:?} and type {} does not fill its {} bytes",
                entry.shape,
                entry.dtype.name,
                to - from
            ));
        }
        end = to;
        offsets.push(start + from);
        if tensors.insert(name.clone(), TensorInfo { shape: entry.shape, stored }).is_some() {
            return Err(format!("two tensors are named '{name}'"));
        }
    }
    match available - end {
        0 => Ok((tensors, offsets)),
        extra => Err(format!(
            "{} after the last tensor, which {} to none",
            counted(extra, "byte"),
            agreeing(extra, "belongs", "belong")
        )),
    }
}

/// What the header says about one tensor.
#[derive(Deserialize)]
struct TensorEntry {
    dtype: NamedFormat,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// A type's name and what it means.
struct NamedFormat {
    name: String,
    stored: NumberFormat,
}

impl<'de> Deserialize<'de> for NamedFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let stored = match name.as_str() {
            "F64" => NumberFormat::F64,
            "F32" => NumberFormat::F32,
            "F16" => NumberFormat::F16,
            "BF16" => NumberFormat::Bf16,
            "I64" | "U64" | "C64" => NumberFormat::Other(8),
            "I32" | "U32" => NumberFormat::Other(4),
            "I16" | "U16" => NumberFormat::Other(2),
            "I8" | "U8" | "BOOL" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => {
                NumberFormat::Other(1)
            }
            // One of a later version of the format: it matters where the tensor is wanted, and only there.
            _ => NumberFormat::Other(0),
        };
        Ok(Self { name, stored })
    }
}

/// The header's entries in order, duplicates and all.
struct SafetensorsHeader(Vec<(String, TensorEntry)>);

impl<'de> Deserialize<'de> for SafetensorsHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = SafetensorsHeader;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SafetensorsHeader, A::Error> {
                let mut entries = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        entries.push((name, map.next_value()?));
                    }
                }
                Ok(SafetensorsHeader(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
