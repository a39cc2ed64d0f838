//! Directions in a safetensors file: of each place the tensors `PLACE/basis`, `PLACE/mean`, `PLACE/vector` and `PLACE/class/NAME`,
//! where a place is `blocks.3.hook_resid_post@last` or, of one unit, `blocks.3.attn.hook_z[2]@last`.

use super::subspace::{Directions, Subspace};
use crate::model::hook::Hook;
use crate::system::atomic::WriteError;
use crate::system::tensor_file::{self, Data, FileTensor};
use indexmap::IndexMap;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const BASIS: &str = "basis";
const MEAN: &str = "mean";
const VECTOR: &str = "vector";
const CLASS: &str = "class/";

/// Why a file holds no directions.
#[derive(Debug, thiserror::Error)]
pub enum DirectionFault {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no safetensors file.
    #[error("{} is not a safetensors file: {source}", path.display())]
    NoSafetensors {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: SafeTensorError,
    },
    /// It is one, but no step of kind `direction` wrote it.
    #[error("{} was not written by a step of kind 'direction': {problem}", path.display())]
    Other {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl Directions {
    /// Writes them. The same directions give the same bytes.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        let mut tensors = Vec::new();
        let mut order = Vec::new();
        for subspace in &self.subspaces {
            let place = place_name(subspace);
            let width = subspace.width();
            let mut add = |part: &str, shape: Vec<usize>, values| {
                tensors.push((format!("{place}/{part}"), FileTensor { shape, data: Data::Floats(values) }));
            };
            add(BASIS, vec![subspace.dimensions(), width], &subspace.basis);
            add(MEAN, vec![width], &subspace.mean);
            add(VECTOR, vec![width], &subspace.vector);
            subspace.means.iter().for_each(|(class, mean)| add(&format!("{CLASS}{class}"), vec![width], mean));
            let classes: Vec<&str> = subspace.means.keys().map(String::as_str).collect();
            order.push(serde_json::json!({ "place": place, "classes": classes }));
        }
        let metadata = [
            ("ablate", env!("CARGO_PKG_VERSION").to_string()),
            ("step", self.step.clone()),
            ("method", self.method.clone()),
            ("model", self.model.clone()),
            ("checkpoint", self.checkpoint.clone()),
            ("template", self.template.clone()),
            // Readers of such files keep no order of the tensors.
            ("places", serde_json::Value::from(order).to_string()),
        ];
        tensor_file::write(path, &metadata, &tensors)
    }

    /// Reads what [`Directions::write`] wrote.
    ///
    /// # Errors
    /// Files that are not there, that are damaged, or that hold something else.
    pub fn read(path: &Path) -> Result<Self, DirectionFault> {
        let bytes =
            std::fs::read(path).map_err(|source| DirectionFault::Unreadable { path: path.to_owned(), source })?;
        let damaged = |source| DirectionFault::NoSafetensors { path: path.to_owned(), source };
        let other = |problem: String| DirectionFault::Other { path: path.to_owned(), problem };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(damaged)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        Self::of_tensors(&metadata, &tensors).map_err(other)
    }

    fn of_tensors(metadata: &HashMap<String, String>, tensors: &SafeTensors) -> Result<Self, String> {
        let text = |key: &str| metadata.get(key).cloned().ok_or_else(|| format!("its metadata has no '{key}'"));
        let places: Vec<PlaceEntry> = serde_json::from_str(&text("places")?)
            .map_err(|error| format!("its list of places cannot be read: {error}"))?;
        let subspaces = places.iter().map(|entry| entry.subspace(tensors)).collect::<Result<_, String>>()?;
        Ok(Self {
            step: text("step")?,
            method: text("method")?,
            model: text("model")?,
            checkpoint: text("checkpoint")?,
            template: text("template")?,
            subspaces,
        })
    }
}

/// A place in the metadata.
#[derive(serde::Deserialize)]
struct PlaceEntry {
    place: String,
    classes: Vec<String>,
}

impl PlaceEntry {
    fn subspace(&self, tensors: &SafeTensors) -> Result<Subspace, String> {
        let place = &self.place;
        let (hook, unit, position) = read_place(place).ok_or_else(|| format!("'{place}' is not a place"))?;
        let floats = |part: &str| floats(tensors, &format!("{place}/{part}"));
        let mean = floats(MEAN)?;
        let of_width = |part: &str, values: Vec<f32>| match values.len() == mean.len() {
            true => Ok(values),
            false => Err(format!("'{place}/{part}' has {} values, its mean {}", values.len(), mean.len())),
        };
        let basis = floats(BASIS)?;
        if mean.is_empty() || basis.is_empty() || basis.len() % mean.len() != 0 {
            return Err(format!("'{place}/{BASIS}' has {} values, its mean {}", basis.len(), mean.len()));
        }
        let class = |name: &String| {
            let part = format!("{CLASS}{name}");
            Ok((name.clone(), of_width(&part, floats(&part)?)?))
        };
        let means = self.classes.iter().map(class).collect::<Result<IndexMap<_, _>, String>>()?;
        let vector = of_width(VECTOR, floats(VECTOR)?)?;
        Ok(Subspace { hook, unit, position, basis, means, vector, mean })
    }
}

/// A place as its tensors are named.
fn place_name(subspace: &Subspace) -> String {
    let unit = subspace.unit.map_or(String::new(), |unit| format!("[{unit}]"));
    format!("{}{unit}@{}", subspace.hook, subspace.position)
}

fn read_place(name: &str) -> Option<(Hook, Option<usize>, String)> {
    let (hook, position) = name.split_once('@')?;
    let (hook, unit) = match hook.split_once('[') {
        None => (hook, None),
        Some((hook, unit)) => (hook, Some(unit.strip_suffix(']')?.parse().ok()?)),
    };
    Some((Hook::named(hook)?, unit, position.to_string()))
}

fn floats(tensors: &SafeTensors, name: &str) -> Result<Vec<f32>, String> {
    let tensor = tensors.tensor(name).map_err(|_| format!("no tensor '{name}'"))?;
    if tensor.dtype() != Dtype::F32 {
        return Err(format!("'{name}' is of type {:?}, not F32", tensor.dtype()));
    }
    let (values, _) = tensor.data().as_chunks::<4>();
    Ok(values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
}
