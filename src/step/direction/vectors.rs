//! Vectors of a safetensors file, of method `file`.

use super::classes::refuse;
use super::reads::DirectionPlace;
use crate::Error;
use crate::context::Context;
use crate::counted::counted;
use crate::direction::Directions;
use crate::spec::step::{FindDirection, VectorFile};
use crate::step::tensor_rows::{TensorRows, TensorRowsFault};
use crate::system::digests::of_reader;
use std::fs::File;

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
        let sum = File::open(&path).and_then(of_reader);
        let sum = sum.map_err(|error| at("path", format!("{}: {error}", path.display())))?;
        if !sum.eq_ignore_ascii_case(&file.sha256) {
            return Err(at(
                "sha256",
                format!("the file {} is not the one with this SHA-256; its own is {sum}", path.display()),
            ));
        }
        let Some(name) = &file.tensor else {
            return Directions::read(&path).map(Vectors::ByPlace).map_err(|error| at("path", error.to_string()));
        };
        let TensorRows { width, values } = TensorRows::read(&path, name).map_err(|fault| match fault {
            TensorRowsFault::File(_) => at("path", fault.to_string()),
            TensorRowsFault::Tensor(problem) => at("tensor", problem),
        })?;
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
                let subspace =
                    found.ok_or("the file has no direction for this site and position; write those that it has")?;
                // What is added first, at its own length; then the rest of the basis.
                let floats = |row: &[f32]| row.iter().map(|&value| f64::from(value)).collect::<Vec<f64>>();
                std::iter::once(floats(&subspace.vector)).chain(subspace.rows().map(floats)).collect()
            }
        };
        match rows.iter().find(|row| row.len() != width) {
            Some(row) => Err(format!(
                "the file's vector has {}, and the activation has {width}; write a site of that width, or another file",
                counted(row.len(), "value")
            )),
            None => Ok(rows),
        }
    }
}
