//! A vector, or the rows that span a subspace, from a safetensors file.

use crate::direction::{Directions, Subspace};
use crate::intervene::Basis;
use crate::model::hook::Hook;
use crate::step::tensor_rows::TensorRows;
use indexmap::IndexMap;
use std::path::Path;

/// Reads a tensor: `[width]`, or `[k, width]`, whose first row is the vector and whose rows span the subspace. They are named after `file` as
/// the spec writes it, below `folder`: placebos are drawn by that name, and are the same from wherever the spec is run.
///
/// # Errors
/// What is wrong with the file or the tensor.
pub fn read_tensor((folder, file): (&Path, &str), name: &str) -> Result<Directions, String> {
    let path = folder.join(file);
    let TensorRows { width, values } = TensorRows::read(&path, name).map_err(|fault| fault.to_string())?;
    // A zero vector spans nothing, and can still be written.
    let basis = Basis::spanning(width, &values).map(|basis| basis.rows().to_vec());
    let basis = match basis {
        Ok(basis) => basis,
        Err(_) if values.len() == width => Vec::new(),
        Err(fault) => return Err(format!("{}: '{name}': {fault}", path.display())),
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
