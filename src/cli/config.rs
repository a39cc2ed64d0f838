//! `ablate config SPEC`: the resolved spec with where each value came from.

use crate::spec::{self, SpecErrors};
use std::path::Path;

/// The resolved spec as TOML, every default written out, the origin of each value at the end of its line.
///
/// # Errors
/// Every error of the spec.
pub fn config(spec: &Path, sets: &[String], env: impl Iterator<Item = (String, String)>) -> Result<String, SpecErrors> {
    spec::load(spec, sets, env).map(|loaded| loaded.to_toml_with_origins())
}
