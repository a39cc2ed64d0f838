//! Vectors of a safetensors file, of method `file`.

use super::classes::refuse;
use super::reads::DirectionPlace;
use crate::Error;
use crate::context::Context;
use crate::direction::Directions;
use crate::model::weights::{Safetensors, WeightSource};
use crate::spec::step::{FindDirection, VectorFile};
use crate::system::digests::of_bytes;

/// What a file has.
pub enum Vectors {
    /// One tensor for every place: its rows.
    One(Vec<Vec<f64>>),
    /// What a step of kind `direction` wrote, place by place.
    ByPlace(Directions),
}

impl Vectors {
    /// Reads the file that a step names.
    ///
    /// # Errors
    /// A file that is not there, that is another one than the spec says, or without that tensor, at its place in the spec.
    pub fn read(step: &FindDirection, file: &VectorFile, context: &Context) -> Result<Self, Error> {
        let path = context.loaded.directory(&["step", &step.name, "file", "path"]).join(&file.path);
        let at = |key: &str, problem: String| refuse(step, context, &["file", key], problem);
        let bytes = std::fs::read(&path).map_err(|error| at("path", format!("{}: {error}", path.display())))?;
        let sum = of_bytes(&bytes);
        if !sum.eq_ignore_ascii_case(&file.sha256) {
            return Err(at("sha256", format!("{} has the SHA-256 {sum}", path.display())));
        }
        let Some(name) = &file.tensor else {
            return Directions::read(&path).map(Vectors::ByPlace).map_err(|error| at("path", error.to_string()));
        };
        let tensors = Safetensors::open(&path).map_err(|error| at("path", error.to_string()))?;
        let Some(info) = tensors.tensors().get(name) else {
            let names = tensors.tensors().keys().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
            return Err(at("tensor", format!("{} has no tensor '{name}'; there are {names}", path.display())));
        };
        let width = match info.shape.as_slice() {
            [width] | [_, width] if *width > 0 => *width,
            shape => {
                return Err(at(
                    "tensor",
                    format!("'{name}' is of shape {shape:?}; write one of [width] or [k, width]"),
                ));
            }
        };
        let mut values = vec![0.0; info.shape.iter().product()];
        tensors.read(name, 0, &mut values).map_err(|error| at("tensor", error.to_string()))?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(at("tensor", format!("'{name}' has values that are not finite")));
        }
        let row = |row: &[f32]| row.iter().map(|&value| f64::from(value)).collect();
        Ok(Vectors::One(values.chunks_exact(width).map(row).collect()))
    }

    /// The rows for a place whose activations have so many values.
    ///
    /// # Errors
    /// None for that place, or of another width.
    pub fn at(&self, place: &DirectionPlace, width: usize) -> Result<Vec<Vec<f64>>, String> {
        let rows: Vec<Vec<f64>> = match self {
            Vectors::One(rows) => rows.clone(),
            Vectors::ByPlace(directions) => {
                let found = directions.at(place.place.hook, place.place.unit, &place.at.label);
                let subspace = found.ok_or("the file has no direction of this place")?;
                // What is added first, at its own length; then the rest of the basis.
                let floats = |row: &[f32]| row.iter().map(|&value| f64::from(value)).collect::<Vec<f64>>();
                std::iter::once(floats(&subspace.vector)).chain(subspace.rows().map(floats)).collect()
            }
        };
        match rows.iter().find(|row| row.len() != width) {
            Some(row) => Err(format!("the file's vector has {} values, an activation {width}", row.len())),
            None => Ok(rows),
        }
    }
}
