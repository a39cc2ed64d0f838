//! Why a step is not in the store: word that a part of a run leaves for the run that gathers, and for `ablate status`.

use super::Store;
use crate::system::atomic::write_atomic;
use crate::system::host::host;
use crate::system::job::ClusterJob;
use crate::system::time::{now, utc};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailure {
    /// Name of the step.
    pub step: String,
    /// What the error said.
    pub error: String,
    /// When, in seconds since 1970.
    pub when: u64,
    /// On which machine, and in which job of a cluster.
    pub host: String,
}

impl StepFailure {
    /// Of a step that has failed just now, here.
    pub fn now(step: &str, error: &str) -> Self {
        let place = match ClusterJob::here() {
            // What the cluster calls the machine is what people ask it about.
            Some(job) => {
                format!("{} in job {}", if job.node.is_empty() { host() } else { job.node.clone() }, job.name())
            }
            None => host(),
        };
        Self { step: step.into(), error: error.into(), when: now(), host: place }
    }
}

impl std::fmt::Display for StepFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let error = self.error.strip_prefix("error: ").unwrap_or(&self.error);
        write!(f, "it failed on {}, {}: {error}", self.host, utc(self.when))
    }
}

impl Store {
    fn failure_file(&self, digest: &str) -> PathBuf {
        self.root().join("failed").join(format!("{digest}.json"))
    }

    /// Leaves word of why there are no results under a key. That it cannot be written is no harm beyond that.
    pub fn note_failure(&self, digest: &str, failure: &StepFailure) {
        if let Ok(text) = serde_json::to_vec(failure) {
            let _ = write_atomic(&self.failure_file(digest), |out| out.write_all(&text));
        }
    }

    /// Why there are no results under a key, as far as anyone has left word.
    pub fn failure(&self, digest: &str) -> Option<StepFailure> {
        serde_json::from_slice(&std::fs::read(self.failure_file(digest)).ok()?).ok()
    }

    /// Takes the word back: the step is done, or begins anew.
    pub(crate) fn forget_failure(&self, digest: &str) {
        let _ = std::fs::remove_file(self.failure_file(digest));
    }
}
