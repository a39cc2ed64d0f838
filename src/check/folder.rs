//! Which folder a spec's results go to.

use crate::spec::Loaded;
use std::path::{Component, Path, PathBuf};

/// The folder that holds specs: what comes after it in a spec's path names its results.
const SPECS: &str = "experiments";

/// `output.dir`, or `results/` and the spec's path below its last folder `experiments`, or else its file name:
/// `experiments/paper/fig02.toml` has `results/paper/fig02`.
pub fn of(loaded: &Loaded) -> PathBuf {
    match &loaded.spec.output.dir {
        Some(dir) => PathBuf::from(dir),
        None => {
            let spec = loaded.sources.first().map_or("", |source| source.name());
            Path::new("results").join(below_specs(&Path::new(spec).with_extension("")))
        }
    }
}

fn below_specs(spec: &Path) -> PathBuf {
    let parts: Vec<Component> = spec.components().collect();
    let folders = parts.split_last().map_or(&[][..], |(_, folders)| folders);
    match folders.iter().rposition(|part| part.as_os_str() == SPECS) {
        // A way back out of it is no part of a name.
        Some(at) if parts[at + 1..].iter().all(|part| matches!(part, Component::Normal(_))) => {
            parts[at + 1..].iter().collect()
        }
        _ => PathBuf::from(spec.file_name().unwrap_or_default()),
    }
}
