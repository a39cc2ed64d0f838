//! What a model is read from: its files, or bytes within the binary. Everything that [`super::Model::open`] reads is here, for
//! those who must know whether a model is still the same.

use super::source::ModelSource;
use super::tokenizer::FOLDER_FILES;
use super::{Lookup, ModelError, builtin, gguf, hub, weights};
use crate::spec;
use std::path::{Path, PathBuf};

/// One thing that a model is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelInput {
    /// A file, under the name that it has for the model.
    File {
        /// Its name, without the folder: a copy elsewhere is the same model.
        name: String,
        /// Where it is.
        path: PathBuf,
    },
    /// Bytes within the binary.
    Bytes {
        /// Name of the file they are of.
        name: &'static str,
        /// Its bytes.
        bytes: &'static [u8],
    },
    /// The seed of random weights.
    Seed(u64),
}

/// Everything that a model is read from.
///
/// # Errors
/// A source that is malformed or leads nowhere, and an index of weights that cannot be read.
pub fn parts(spec: &spec::Model, lookup: Lookup) -> Result<Vec<ModelInput>, ModelError> {
    match ModelSource::parse(&spec.source, lookup.base, lookup.checkpoint)? {
        ModelSource::Builtin { name, checkpoint } => {
            let files = builtin::files(&name, checkpoint.as_deref())?;
            Ok(files.into_iter().map(|(name, bytes)| ModelInput::Bytes { name, bytes }).collect())
        }
        ModelSource::Folder(folder) => in_folder(&folder),
        ModelSource::Gguf(path) => {
            let name = |index: usize| if index == 0 { "gguf".into() } else { format!("gguf-{}", index + 1) };
            let files = gguf::files(&path).into_iter().enumerate();
            Ok(files.map(|(index, path)| ModelInput::File { name: name(index), path }).collect())
        }
        ModelSource::Hub { repo, revision } => in_folder(&hub::snapshot(&repo, &revision, lookup.quiet)?),
        ModelSource::Random { config, seed } => {
            Ok(vec![ModelInput::File { name: "config.json".into(), path: config }, ModelInput::Seed(seed)])
        }
    }
}

/// The commit of the hub's repository that a model is read at; none for one that is not of the hub.
pub fn revision(spec: &spec::Model, lookup: Lookup) -> Option<String> {
    match ModelSource::parse(&spec.source, lookup.base, lookup.checkpoint).ok()? {
        // The cache has a folder `snapshots/COMMIT` for each.
        ModelSource::Hub { repo, revision } => {
            let snapshot = hub::snapshot(&repo, &revision, lookup.quiet).ok()?;
            Some(snapshot.file_name()?.to_string_lossy().into_owned())
        }
        _ => None,
    }
}

fn in_folder(folder: &Path) -> Result<Vec<ModelInput>, ModelError> {
    let small = FOLDER_FILES.iter().map(|name| folder.join(name)).filter(|path| path.is_file());
    let paths: Vec<PathBuf> = small.chain(weights::files(folder)?).collect();
    let part = |path: PathBuf| ModelInput::File {
        name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        path,
    };
    Ok(paths.into_iter().map(part).collect())
}
