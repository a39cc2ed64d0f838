//! `manifest.json`: what was run, with what, on what, and what came out. Plain data, written beside the results by the executor
//! and read by whoever compares, reruns or shows them (docs/provenance.md).
//!
//! No path in it leads outside of what the user typed: files of results are relative to their folder, files of the spec and of
//! models are written as the command line and the spec write them.

mod dependencies;
mod difference;
mod failed;
mod git;
mod json;
mod machine;
mod prompts;
mod recalled;
mod root;
mod same;
mod self_check;
mod spec;
pub(crate) mod unfinished;

#[doc(inline)]
pub use crate::expectation::{Compared, Verdict};
pub use dependencies::Dependency;
pub use failed::Failed;
pub use git::Git;
pub use machine::Machine;
pub use prompts::PromptsRecord;
pub use recalled::Recalled;
pub use self_check::{Recomputed, SelfCheck};
pub use spec::{SpecFile, SpecRecord, ValueOrigin};
pub use unfinished::Unfinished;

#[doc(inline)]
pub use crate::system::job::ClusterJob;

pub(crate) use dependencies::dependencies;
pub(crate) use difference::{changes, other_models};
pub(crate) use machine::processor;
pub(crate) use root::root;

use crate::spec::Processing;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Version of the form of manifests. 1 was without one.
pub const FORMAT: u32 = 2;
/// Its name in a results folder.
pub const FILE: &str = "manifest.json";

/// What a run was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The spec's title.
    pub title: String,
    /// The command that runs this spec alone.
    pub command: String,
    /// The results folder as the command named it.
    pub folder: String,
    /// When the run that this one repeats began: of a run by `ablate rerun`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<String>,
    /// When it began: UTC, RFC 3339.
    pub started: String,
    /// When it ended.
    pub ended: String,
    /// How long it took.
    pub seconds: f64,
    /// The program.
    pub ablate: Program,
    /// What of others' work computes, with versions.
    pub dependencies: Vec<Dependency>,
    /// The machine.
    pub machine: Machine,
    /// The job of a cluster that the run was part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<ClusterJob>,
    /// The spec.
    pub spec: SpecRecord,
    /// Names of the variants that a matrix makes of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<String>,
    /// The models that steps ran, a checkpoint each.
    pub models: Vec<ModelRecord>,
    /// The prompts that steps ran on.
    pub prompts: Vec<PromptsRecord>,
    /// The steps in the order that they were run in.
    pub steps: Vec<StepRecord>,
    /// What steps computed a second time.
    pub self_checks: Vec<SelfCheck>,
    /// Expected numbers beside those of the run.
    pub expectations: Vec<Compared>,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// Steps, tables and figures that failed, and what was not made because of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Failed>,
    /// Rows, tables, figures and files of steps.
    pub files: Vec<Checksum>,
    /// Files of runs before that this one, parts of which failed, has not made and has left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Checksum>,
}

/// The program that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// SHA-256 of the executable: sources, dependencies, compiler and flags are in it.
    pub executable: String,
}

/// A model that steps ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Its name in the spec: `model` for `[model]`.
    pub name: String,
    /// The variants that it is of: `dtype=bf16`; empty where it is of all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variants: String,
    /// Where it is from, as the spec or a flag wrote it.
    pub source: String,
    /// Checkpoint, of a model that has `checkpoints`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// The commit of the hub's repository, of a model from the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// SHA-256 over the names and checksums of everything that it was read from: configuration, tokenizer and weights, or a
    /// configuration and a seed. Whichever folder it is in, the same model has the same.
    pub fingerprint: String,
    /// The known model (`[known.NAME]`) that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_as: Option<String>,
    /// Its family.
    pub family: String,
    /// Number of weights as stored.
    pub parameters: usize,
    /// Precision of its files.
    pub stored_dtype: String,
    /// Precision that it ran in.
    pub dtype: String,
    /// Where it ran: `cpu`, `cuda:0`.
    pub device: String,
    /// Rewriting of the weights.
    pub processing: Processing,
}

/// A step of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The variants that it ran for: `dtype=bf16`; empty where its rows are of all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variants: String,
    /// Its key: SHA-256 of everything that its rows depend on; empty where it failed.
    pub key: String,
    /// How long it took in this run.
    pub seconds: f64,
    /// Bytes of layers that were read from its models' files while it ran, where not all layers are held in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_read: Option<u64>,
    /// Where its rows come from, if they were not computed in this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_store: Option<FromStore>,
    /// Why there are no rows of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// When and where rows from the store were computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FromStore {
    /// When.
    pub computed: String,
    /// On which processor.
    pub processor: String,
    /// How long that took.
    pub seconds: f64,
    /// In which job of a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<ClusterJob>,
}

/// A file of the results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// Path within the folder.
    pub path: String,
    /// SHA-256 in hex.
    pub sha256: String,
}

/// A manifest that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// No such file, or no permission.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// It is not there, nor a run that would make it.
    #[error("{} holds no results (there is no manifest.json); write the folder of a run", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// It is not there, as the run of the folder did not get to its end.
    #[error("{} has no results: {run}", folder.display())]
    Unfinished {
        /// The folder.
        folder: PathBuf,
        /// Its run.
        run: Unfinished,
    },
    /// It is something else.
    #[error("{} is not a manifest: {source}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is of another version of this program.
    #[error("{} has format {found}, and this ablate reads format {FORMAT}; make it again with: {command}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The command that it names.
        command: String,
    },
}

/// What every format has.
#[derive(Deserialize)]
struct Head {
    #[serde(default = "first")]
    format: u32,
    command: String,
}

fn first() -> u32 {
    1
}

impl Manifest {
    /// Reads a manifest: its file, or the results folder that it is in.
    ///
    /// # Errors
    /// A file that is not there, is no manifest, or is one of another format.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let path = if path.is_dir() { path.join(FILE) } else { path.to_path_buf() };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                return Err(match Unfinished::of(folder) {
                    Some(run) => ManifestError::Unfinished { folder: folder.to_path_buf(), run },
                    None if source.kind() == std::io::ErrorKind::NotFound
                        && path.ends_with(FILE)
                        && folder.is_dir() =>
                    {
                        ManifestError::Missing { folder: folder.to_path_buf() }
                    }
                    None => ManifestError::Read { path, source },
                });
            }
        };
        match serde_json::from_str::<Head>(&text) {
            Ok(Head { format, command }) if format != FORMAT => {
                Err(ManifestError::Format { path, found: format, command })
            }
            Ok(_) => serde_json::from_str(&text).map_err(|source| ManifestError::Form { path, source }),
            Err(source) => Err(ManifestError::Form { path, source }),
        }
    }

    /// The text of its file: JSON with what is short on a line of its own, for diffs.
    pub fn text(&self) -> String {
        json::text(self)
    }

    /// The checksum of a file of the results.
    pub fn checksum(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.sha256.as_str())
    }
}
