//! The tensors of a GGUF file, with q and k in the order of rows that Hugging Face has.

use std::ops::Range;
use std::path::Path;

use indexmap::IndexMap;

use super::file::Gguf;
use super::header::GgufTensor;
use super::rotation::FACTORS;
use crate::kernel::BlockFormat;
use crate::model::facts::Facts;
use crate::model::weights::{TensorInfo, WeightError, WeightSource};

/// The tensors of a file.
pub(super) struct GgufWeights {
    gguf: Gguf,
    tensors: IndexMap<String, TensorInfo>,
    interleaved: Option<InterleavedHeads>,
}

/// Heads of q and k whose rows were reordered.
struct InterleavedHeads {
    d_head: usize,
    /// Rows of q and of k together, where one matrix has them and v.
    of_fused: usize,
}

impl GgufWeights {
    /// `interleaved`: whether the rows of q and k were reordered.
    pub fn new(gguf: Gguf, facts: &Facts, interleaved: bool) -> Self {
        let info = |tensor: &GgufTensor| TensorInfo { shape: tensor.shape.clone(), stored: tensor.quant.stored() };
        let tensors = gguf.all().filter(|(name, _)| !FACTORS.contains(name));
        let tensors = tensors.map(|(name, tensor)| (name.to_owned(), info(tensor))).collect();
        let heads =
            InterleavedHeads { d_head: facts.d_head, of_fused: facts.d_head * (facts.n_heads + facts.n_kv_heads) };
        Self { gguf, tensors, interleaved: interleaved.then_some(heads) }
    }

    /// The heads that a tensor's rows belong to, and how many rows do, where they were reordered.
    fn reordered(&self, name: &str) -> Option<(usize, usize)> {
        let heads = self.interleaved.as_ref()?;
        match name.split('.').nth(2)? {
            "attn_q" | "attn_k" => Some((heads.d_head, usize::MAX)),
            "attn_qkv" => Some((heads.d_head, heads.of_fused)),
            _ => None,
        }
    }
}

impl WeightSource for GgufWeights {
    fn path(&self) -> &Path {
        self.gguf.path()
    }

    fn bytes_of(&self, name: &str, elements: usize) -> u64 {
        let bytes = |tensor: &GgufTensor| elements.div_ceil(tensor.quant.block()) * tensor.quant.block_bytes();
        self.gguf.get(name).map_or(0, |tensor| bytes(tensor) as u64)
    }

    fn tensors(&self) -> &IndexMap<String, TensorInfo> {
        &self.tensors
    }

    fn blocks(&self, name: &str, rows: &[Range<usize>]) -> Result<Option<(BlockFormat, Vec<u8>)>, WeightError> {
        let tensor = self.gguf.readable(name)?;
        let Some(format) = tensor.quant.blocks() else { return Ok(None) };
        let width = tensor.shape.last().copied().unwrap_or(0);
        let of_row = width / format.values * format.bytes;
        let mut bytes = vec![0; rows.iter().map(Range::len).sum::<usize>() * of_row];
        let reordered = self.reordered(name);
        let stored = |row: usize| match reordered {
            Some((d_head, rows)) if row < rows => stored_row(row, d_head),
            _ => row,
        };
        let each = rows.iter().flat_map(Clone::clone);
        for (row, bytes) in each.zip(bytes.chunks_exact_mut(of_row.max(1))) {
            self.gguf.read_blocks(tensor, stored(row) * width, bytes)?;
        }
        Ok(Some((format, bytes)))
    }

    fn read(&self, name: &str, start: usize, out: &mut [f32]) -> Result<(), WeightError> {
        let tensor = self.gguf.readable(name)?;
        if start.checked_add(out.len()).is_none_or(|end| end > tensor.elements()) {
            let problem = format!("'{name}' has {} elements, {} are wanted from {start}", tensor.elements(), out.len());
            return Err(WeightError::format(self.path(), problem));
        }
        let Some((d_head, rows)) = self.reordered(name) else { return self.gguf.read(tensor, start, out) };
        let width = if tensor.shape.len() > 1 { tensor.shape.iter().skip(1).product() } else { 1 };
        let (mut at, mut out) = (start, out);
        while !out.is_empty() {
            let (row, column) = (at / width, at % width);
            let (part, rest) = out.split_at_mut((width - column).min(out.len()));
            let stored = if row < rows { stored_row(row, d_head) } else { row };
            self.gguf.read(tensor, stored * width + column, part)?;
            at += part.len();
            out = rest;
        }
        Ok(())
    }
}

/// Where a row of q or k lies: in each head, the file has dimensions i and i + d_head/2 as neighbours.
fn stored_row(row: usize, d_head: usize) -> usize {
    let (head, dimension, half) = (row / d_head, row % d_head, d_head / 2);
    head * d_head + 2 * (dimension % half) + dimension / half
}
