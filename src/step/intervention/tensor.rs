//! A vector, or the rows that span a subspace, from a safetensors file.

use crate::direction::{Directions, Subspace};
use crate::intervene::Basis;
use crate::model::hook::Hook;
use half::{bf16, f16};
use indexmap::IndexMap;
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// Reads a tensor: `[width]`, or `[k, width]`, whose first row is the vector and whose rows span the subspace. They are named after `file` as
/// the spec writes it, below `folder`: placebos are drawn by that name, and are the same from wherever the spec is run.
///
/// # Errors
/// What is wrong with the file or the tensor.
pub fn read_tensor((folder, file): (&Path, &str), name: &str) -> Result<Directions, String> {
    let path = folder.join(file);
    let shown = path.display();
    let bytes = std::fs::read(&path).map_err(|error| format!("{shown}: {error}"))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| format!("{shown}: no safetensors file: {error}"))?;
    let tensor = tensors.tensor(name).map_err(|_| {
        let mut names: Vec<&str> = tensors.names();
        names.sort_unstable();
        names.truncate(8);
        format!("{shown}: no tensor '{name}': it has '{}'", names.join("', '"))
    })?;
    let width = match *tensor.shape() {
        [width] | [_, width] if width > 0 => width,
        ref shape => return Err(format!("{shown}: '{name}' is {shape:?}; a vector is [width], a subspace [k, width]")),
    };
    let data = tensor.data();
    let values: Vec<f32> = match tensor.dtype() {
        Dtype::F32 => numbers(data, f32::from_le_bytes),
        Dtype::F64 => numbers(data, |bytes| f64::from_le_bytes(bytes) as f32),
        Dtype::F16 => numbers(data, |bytes| f16::from_le_bytes(bytes).to_f32()),
        Dtype::BF16 => numbers(data, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        other => return Err(format!("{shown}: '{name}' holds {other:?}; write F32, F64, F16 or BF16")),
    };
    if values.iter().any(|value| !value.is_finite()) || values.is_empty() {
        return Err(format!("{shown}: '{name}' holds no numbers, or values that are none"));
    }
    // A zero vector spans nothing, and can still be written.
    let basis = Basis::spanning(width, &values).map(|basis| basis.rows().to_vec());
    let basis = match basis {
        Ok(basis) => basis,
        Err(_) if values.len() == width => Vec::new(),
        Err(fault) => return Err(format!("{shown}: '{name}': {fault}")),
    };
    let subspace = Subspace {
        hook: Hook::Embed,
        unit: None,
        position: String::new(),
        basis,
        mean: vec![0.0; width],
        means: IndexMap::new(),
        vector: values[..width].to_vec(),
    };
    Ok(Directions {
        step: format!("{file}: {name}"),
        method: "file".into(),
        model: String::new(),
        checkpoint: String::new(),
        template: String::new(),
        subspaces: vec![subspace],
    })
}

fn numbers<const N: usize>(data: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let each = data.chunks_exact(N).filter_map(|bytes| bytes.try_into().ok());
    each.map(number).collect()
}
