//! The rows of steps and tables by name, as `from` names them.

use indexmap::IndexMap;
use polars::prelude::DataFrame;

/// Named frames.
#[derive(Debug, Default)]
pub struct Frames(IndexMap<String, DataFrame>);

impl Frames {
    /// Adds one.
    pub fn insert(&mut self, name: String, frame: DataFrame) {
        self.0.insert(name, frame);
    }

    /// The frame of that name.
    ///
    /// # Errors
    /// When there is none of that name, with the names there are.
    pub fn get(&self, name: &str) -> Result<&DataFrame, String> {
        let names = || self.0.keys().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        self.0.get(name).ok_or_else(|| format!("no rows named '{name}'; there are {}", names()))
    }
}
