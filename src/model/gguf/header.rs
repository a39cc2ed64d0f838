//! The head of a GGUF file: version, metadata, and where each tensor lies. Everything a length is used for is checked
//! against the file's size first.

use std::fs::File;

use indexmap::IndexMap;

use super::bytes::ByteReader;
use super::metadata::{Metadata, MetadataValue};
use super::quant::Quant;

/// Where a tensor lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GgufTensor {
    /// Extents, slowest first (the file has them fastest first).
    pub shape: Vec<usize>,
    /// Number format.
    pub quant: Quant,
    /// Which of the model's files it lies in.
    pub part: usize,
    /// First byte in the file. All of the tensor is within the file, where its format is known.
    pub start: u64,
}

impl GgufTensor {
    /// Number of values, which the size of the file bounds where the format is known.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The head of a file.
#[derive(Debug)]
pub(super) struct GgufHeader {
    pub metadata: Metadata,
    pub tensors: IndexMap<String, GgufTensor>,
}

/// A tensor as announced: where it lies is relative to an end that is not known yet.
struct Announced {
    name: String,
    shape: Vec<usize>,
    quant: Quant,
    offset: u64,
    bytes: u64,
}

/// A tensor's shortest description: an empty name, one extent, type, offset.
const SHORTEST_TENSOR: u64 = 8 + 4 + 8 + 4 + 8;
/// A setting's shortest: an empty name, a type, one byte.
const SHORTEST_SETTING: u64 = 8 + 4 + 1;

impl GgufHeader {
    /// Reads the head of a file of `size` bytes. Errors are fragments that name the place.
    pub fn read(file: File, size: u64) -> Result<Self, String> {
        let mut bytes = ByteReader::new(file, size);
        if bytes.array::<4>()? != *b"GGUF" {
            return Err("not a GGUF file: it does not begin with 'GGUF'".into());
        }
        check_version(&mut bytes)?;
        let tensor_count = bytes.u64()?;
        let setting_count = bytes.u64()?;
        bytes.expect(setting_count, SHORTEST_SETTING, "metadata entries")?;
        let mut metadata = Metadata::default();
        for _ in 0..setting_count {
            let key = bytes.text()?;
            let value = MetadataValue::read(&mut bytes).map_err(|problem| format!("metadata '{key}': {problem}"))?;
            metadata.insert(key, value)?;
        }
        bytes.expect(tensor_count, SHORTEST_TENSOR, "tensors")?;
        let announced = (0..tensor_count).map(|_| Announced::read(&mut bytes)).collect::<Result<Vec<_>, _>>()?;
        let alignment = alignment(&metadata)?;
        // At most the header limit plus the alignment's 32 bits: no overflow.
        let data = bytes.position().next_multiple_of(alignment);
        let mut tensors = IndexMap::with_capacity(announced.len());
        for tensor in announced {
            let name = tensor.name.clone();
            let placed = tensor.place(data, alignment, size)?;
            if tensors.insert(name.clone(), placed).is_some() {
                return Err(format!("duplicate tensor name '{name}'"));
            }
        }
        Ok(Self { metadata, tensors })
    }
}

fn check_version(bytes: &mut ByteReader) -> Result<(), String> {
    match bytes.u32()? {
        2 | 3 => Ok(()),
        version if matches!(version.swap_bytes(), 1..=3) => {
            Err("a big-endian GGUF file; convert it (gguf-convert-endian FILE little)".into())
        }
        version => Err(format!("GGUF version {version} is not supported; supported: 2, 3")),
    }
}

fn alignment(metadata: &Metadata) -> Result<u64, String> {
    match metadata.count("general.alignment")?.unwrap_or(32) {
        alignment if alignment.is_power_of_two() && alignment <= 1 << 31 => Ok(alignment),
        other => Err(format!("metadata 'general.alignment' must be a power of two, found {other}")),
    }
}

impl Announced {
    fn read(bytes: &mut ByteReader) -> Result<Self, String> {
        let at = bytes.position();
        let name = bytes.text()?;
        let wrong = |problem: String| format!("tensor '{name}': {problem}");
        let dimensions = bytes.u32()?;
        if !(1..=4).contains(&dimensions) {
            return Err(wrong(format!("{dimensions} dimensions, at byte {at}; tensors have 1 to 4")));
        }
        let mut extents = Vec::new();
        for _ in 0..dimensions {
            extents.push(bytes.u64()?);
        }
        let tag = bytes.u32()?;
        let offset = bytes.u64()?;
        let quant = Quant::of(tag);
        let row = extents.first().copied().unwrap_or_default();
        let elements = extents.iter().try_fold(1u64, |product, &extent| product.checked_mul(extent));
        let (Some(elements @ 1..), true) = (elements, row.is_multiple_of(quant.block() as u64)) else {
            return Err(wrong(format!("the extents {extents:?} are impossible with {quant} values")));
        };
        let size = (elements / quant.block() as u64).checked_mul(quant.block_bytes() as u64);
        let size = size.ok_or_else(|| wrong(format!("the extents {extents:?} overflow")))?;
        let shape = extents.iter().rev().map(|&extent| usize::try_from(extent)).collect::<Result<_, _>>();
        let shape = shape.map_err(|_| wrong(format!("the extents {extents:?} overflow")))?;
        Ok(Self { name, shape, quant, offset, bytes: size })
    }

    fn place(self, data: u64, alignment: u64, size: u64) -> Result<GgufTensor, String> {
        let wrong = |problem: String| format!("tensor '{}': {problem}", self.name);
        if !self.offset.is_multiple_of(alignment) {
            return Err(wrong(format!("its offset {} is not a multiple of the alignment {alignment}", self.offset)));
        }
        let start = data.checked_add(self.offset);
        match start.and_then(|start| start.checked_add(self.bytes)) {
            Some(end) if end <= size => {
                Ok(GgufTensor { shape: self.shape, quant: self.quant, part: 0, start: start.unwrap_or_default() })
            }
            _ => Err(wrong(format!(
                "its {} bytes at offset {} end after the file does, which has {size} bytes: was it fully downloaded?",
                self.bytes, self.offset
            ))),
        }
    }
}
