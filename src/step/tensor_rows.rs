//! A tensor of a safetensors file as rows: a vector, or several that span a subspace.

use crate::model::weights::{NumberFormat, Safetensors, WeightError, WeightSource};
use std::path::Path;

/// Rows `[k, width]`, one after the other; of a tensor `[width]` one. At least one, all of finite values.
pub(super) struct TensorRows {
    /// Values of a row.
    pub width: usize,
    /// All of them.
    pub values: Vec<f32>,
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub(super) enum TensorRowsFault {
    /// The file cannot be read, or is no safetensors file.
    #[error(transparent)]
    File(WeightError),
    /// There is no such tensor, or it has no such rows.
    #[error("{0}")]
    Tensor(String),
}

impl TensorRows {
    /// Reads a tensor of floats.
    ///
    /// # Errors
    /// What is wrong with the file or the tensor.
    pub fn read(path: &Path, name: &str) -> Result<Self, TensorRowsFault> {
        let file = Safetensors::open(path).map_err(TensorRowsFault::File)?;
        let wrong = |problem: String| TensorRowsFault::Tensor(format!("{}: {problem}", path.display()));
        let Some(info) = file.tensors().get(name) else {
            let mut names: Vec<&str> = file.tensors().keys().map(String::as_str).collect();
            names.sort_unstable();
            names.truncate(8);
            return Err(wrong(format!("there is no tensor '{name}'; write one of '{}'", names.join("', '"))));
        };
        let width = match *info.shape.as_slice() {
            [width] | [_, width] if width > 0 => width,
            ref shape => {
                return Err(wrong(format!(
                    "tensor '{name}' has the shape {shape:?}; write a vector [width] or a subspace [k, width]"
                )));
            }
        };
        // Before room is made for it: of what is not floats the extents are not held to the file's size.
        if matches!(info.stored, NumberFormat::Other(_)) {
            return Err(wrong(format!(
                "tensor '{name}' holds {}; write it as F32, F64, F16 or BF16",
                file.format_of(name)
            )));
        }
        let mut values = vec![0.0; info.shape.iter().product()];
        file.read(name, 0, &mut values).map_err(|error| TensorRowsFault::Tensor(error.to_string()))?;
        if values.iter().any(|value| !value.is_finite()) || values.is_empty() {
            return Err(wrong(format!("tensor '{name}' is empty, or has values that are not finite")));
        }
        Ok(Self { width, values })
    }
}
