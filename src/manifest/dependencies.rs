//! What of others' work computes, with versions.

use serde::{Deserialize, Serialize};

/// The lock file that this program was built with.
const LOCK: &str = include_str!("../../Cargo.lock");

/// What computes or draws: tensors and their products, tokens, weights, rows, draws, pictures.
const COMPUTE: &[&str] = &[
    "burn",
    "burn-autodiff",
    "burn-flex",
    "gemm",
    "half",
    "image",
    "plotters",
    "polars",
    "rand",
    "rand_chacha",
    "rayon",
    "safetensors",
    "tokenizers",
    #[cfg(feature = "cuda")]
    "burn-cuda",
    #[cfg(feature = "wgpu")]
    "burn-wgpu",
    #[cfg(feature = "wgpu")]
    "wgpu",
];

/// A crate that computes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Those of this program, by name.
pub fn dependencies() -> Vec<Dependency> {
    let packages = packages();
    let of_this = packages.iter().find(|package| package.name == env!("CARGO_PKG_NAME"));
    let own = of_this.map_or(&[][..], |package| &package.dependencies);
    let version = |name: &str| {
        // Where there are several versions of one crate, the lock file writes the version behind the name.
        let written = own.iter().find_map(|own| own.strip_prefix(name)?.strip_prefix(' '));
        written.or_else(|| Some(packages.iter().find(|package| package.name == name)?.version))
    };
    let found = COMPUTE
        .iter()
        .filter_map(|name| Some(Dependency { name: name.to_string(), version: version(name)?.to_string() }));
    found.collect()
}

/// A package of the lock file.
struct Package {
    name: &'static str,
    version: &'static str,
    dependencies: Vec<&'static str>,
}

/// Cargo writes one key and one element a line; to read 10 000 lines as TOML would take longer than some specs.
fn packages() -> Vec<Package> {
    let value = |block: &'static str, key: &str| {
        block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
    };
    let element = |line: &'static str| line.strip_prefix(" \"")?.strip_suffix("\",");
    let package = |block: &'static str| {
        let dependencies = block.lines().filter_map(element).collect();
        Some(Package { name: value(block, "name")?, version: value(block, "version")?, dependencies })
    };
    LOCK.split("[[package]]").filter_map(package).collect()
}
