//! The trait behind which every file of weights looks the same.

use std::ops::Range;
use std::path::Path;

use indexmap::IndexMap;

use super::WeightError;
use crate::kernel::BlockFormat;

/// Number format of a stored tensor, of those that weights come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// 64-bit IEEE float.
    F64,
    /// 32-bit IEEE float.
    F32,
    /// 16-bit IEEE float.
    F16,
    /// 16-bit brain float.
    Bf16,
    /// A block format of GGUF files, by name; read as f32.
    Quantised(&'static str),
    /// Anything else, a mask or an index, with its size in bytes (0: not known): can be listed, not read.
    Other(usize),
}

impl NumberFormat {
    /// Bytes of an element, of a quantised one as it is read.
    pub fn size(self) -> usize {
        match self {
            NumberFormat::F64 => 8,
            NumberFormat::F32 | NumberFormat::Quantised(_) => 4,
            NumberFormat::F16 | NumberFormat::Bf16 => 2,
            NumberFormat::Other(size) => size,
        }
    }

    /// As ablate writes it in a spec.
    pub fn name(self) -> &'static str {
        match self {
            NumberFormat::F64 => "f64",
            NumberFormat::F32 => "f32",
            NumberFormat::F16 => "f16",
            NumberFormat::Bf16 => "bf16",
            NumberFormat::Quantised(name) => name,
            NumberFormat::Other(_) => "not floats",
        }
    }
}

/// A tensor in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Extents.
    pub shape: Vec<usize>,
    /// Number format.
    pub stored: NumberFormat,
}

/// Something that weights are read from, tensor by tensor, converted to f32.
pub trait WeightSource: Send + Sync {
    /// The file, for messages.
    fn path(&self) -> &Path;

    /// Every tensor by name. All of them are wholly within their file.
    fn tensors(&self) -> &IndexMap<String, TensorInfo>;

    /// Fills `out` with the elements of `name` from `start`, in row-major order.
    ///
    /// # Errors
    /// When there is no such tensor or range, it does not hold floats, or the disk fails.
    fn read(&self, name: &str, start: usize, out: &mut [f32]) -> Result<(), WeightError>;

    /// Whether two tensors hold the same floats in the same shape.
    ///
    /// # Errors
    /// As [`WeightSource::read`]; tensors that do not hold floats are not equal.
    fn equal(&self, a: &str, b: &str) -> Result<bool, WeightError> {
        equal_piecewise(self, a, b)
    }

    /// Bytes of the file that reading so many elements of `name` takes.
    fn bytes_of(&self, name: &str, elements: usize) -> u64 {
        self.tensors().get(name).map_or(0, |info| (elements * info.stored.size()) as u64)
    }

    /// The blocks of some rows of `name`, a matrix, where it is quantised: how their values lie, and their bytes; `None` where it is not.
    ///
    /// # Errors
    /// As [`WeightSource::read`].
    fn blocks(&self, name: &str, rows: &[Range<usize>]) -> Result<Option<(BlockFormat, Vec<u8>)>, WeightError> {
        let _ = (name, rows);
        Ok(None)
    }

    /// Number format of `name` in the file, for people.
    fn format_of(&self, name: &str) -> &str {
        self.tensors().get(name).map_or("", |info| info.stored.name())
    }
}

/// Elements that are compared at a time.
const PIECE: usize = 1 << 18;

/// [`WeightSource::equal`] by reading both, a piece at a time.
pub(super) fn equal_piecewise<S: WeightSource + ?Sized>(source: &S, a: &str, b: &str) -> Result<bool, WeightError> {
    let (Some(of_a), Some(of_b)) = (source.tensors().get(a), source.tensors().get(b)) else { return Ok(false) };
    let floats = |info: &TensorInfo| !matches!(info.stored, NumberFormat::Other(_));
    if of_a.shape != of_b.shape || !floats(of_a) || !floats(of_b) {
        return Ok(false);
    }
    let total: usize = of_a.shape.iter().product();
    let (mut in_a, mut in_b) = (vec![0.0f32; PIECE.min(total)], vec![0.0f32; PIECE.min(total)]);
    for start in (0..total).step_by(PIECE) {
        let length = PIECE.min(total - start);
        source.read(a, start, &mut in_a[..length])?;
        source.read(b, start, &mut in_b[..length])?;
        if !same(&in_a[..length], &in_b[..length]) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether all values are equal; one that is not a number is equal to another.
pub(super) fn same(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

/// Little-endian bytes of `stored` elements to f32; `out` has as many elements as `bytes` holds.
pub(super) fn convert(stored: NumberFormat, bytes: &[u8], out: &mut [f32]) {
    match stored {
        NumberFormat::F32 => each(bytes, out, f32::from_le_bytes),
        NumberFormat::F64 => each(bytes, out, |bytes| f64::from_le_bytes(bytes) as f32),
        NumberFormat::Bf16 => each(bytes, out, |bytes| f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16)),
        NumberFormat::F16 => {
            use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
            let mut bits = vec![0u16; out.len()];
            bits.iter_mut().zip(bytes.as_chunks().0).for_each(|(bits, bytes)| *bits = u16::from_le_bytes(*bytes));
            bits.reinterpret_cast::<half::f16>().convert_to_f32_slice(out);
        }
        NumberFormat::Quantised(_) | NumberFormat::Other(_) => {}
    }
}

fn each<const N: usize>(bytes: &[u8], out: &mut [f32], from: impl Fn([u8; N]) -> f32) {
    out.iter_mut().zip(bytes.as_chunks().0).for_each(|(out, bytes)| *out = from(*bytes));
}
