//! What can be wrong with a file of weights.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::model::content::misnamed;

/// Weights that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
pub enum WeightError {
    /// The operating system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file's bytes are not what its format promises.
    #[error("{}: {reason}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, as a fragment.
        reason: String,
    },
    /// `config.json` (or what stands in its place) describes a model that cannot be run.
    #[error("{}: {reason}", .path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to write instead, as a fragment.
        reason: String,
    },
    /// The weights are not the ones the configuration calls for. Everything wrong is listed, one line each.
    #[error("{}: the weights do not fit the configuration:{}", .path.display(), lines(.problems))]
    Mismatch {
        /// The file or directory.
        path: PathBuf,
        /// One fragment per missing, unexpected or wrongly shaped tensor.
        problems: Vec<String>,
    },
}

impl WeightError {
    /// An [`WeightError::Io`] about `path`, for `map_err`.
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// The same, or what the file is instead of what its name promises.
    #[must_use]
    pub fn explained(self) -> Self {
        match &self {
            Self::Io { path, .. } | Self::Format { path, .. } | Self::Config { path, .. } => match misnamed(path) {
                Some(told) => Self::format(path, told),
                None => self,
            },
            Self::Mismatch { .. } => self,
        }
    }

    /// A [`WeightError::Format`] about `path`.
    pub fn format(path: &Path, reason: impl Into<String>) -> Self {
        Self::Format { path: path.to_owned(), reason: reason.into() }
    }

    /// A [`WeightError::Config`] about `path`.
    pub fn config(path: &Path, reason: impl Into<String>) -> Self {
        Self::Config { path: path.to_owned(), reason: reason.into() }
    }
}

/// Problems on lines of their own, at most ten of each kind (what comes before the colon): a wrong file can have thousands.
fn lines(problems: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut kinds: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for problem in problems {
        kinds.entry(problem.split(':').next().unwrap_or_default()).or_default().push(problem);
    }
    let mut text = String::new();
    for (kind, problems) in kinds {
        problems.iter().take(SHOWN).for_each(|problem| text.push_str(&format!("\n  {problem}")));
        if problems.len() > SHOWN {
            text.push_str(&format!("\n  {kind}: … and {} more", problems.len() - SHOWN));
        }
    }
    text
}
