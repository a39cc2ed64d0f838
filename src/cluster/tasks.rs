//! What is submitted: the command, and the steps that each task of an array computes.

use crate::system::shell::word;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The command whose steps were submitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubmittedCommand {
    /// The program.
    pub program: PathBuf,
    /// The folder that it was given in.
    pub folder: PathBuf,
    /// Its specs, as they were written.
    pub specs: Vec<PathBuf>,
    /// `--set`.
    pub sets: Vec<String>,
    /// `--filter`.
    pub filter: Option<String>,
    /// `ABLATE_…` variables of its environment.
    pub environment: Vec<(String, String)>,
}

/// A step that a task computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubmittedCell {
    /// The spec, by its place in the command.
    pub spec: usize,
    /// The variant, by its place in the spec.
    pub variant: usize,
    /// The step's name.
    pub step: String,
    /// What it is called.
    pub label: String,
    /// Its key.
    pub key: String,
    /// Seconds that it takes by the plan.
    pub seconds: f64,
    /// Bytes that it takes by the plan.
    pub memory: u64,
}

/// An array of jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArrayOfTasks {
    /// `level1`, or `level1-2` where a level has more tasks than an array may have.
    pub name: String,
    /// Its level: those of the levels before come first.
    pub level: usize,
    /// What each task computes.
    pub tasks: Vec<Vec<SubmittedCell>>,
    /// The number of its job.
    pub job: Option<u64>,
}

impl SubmittedCommand {
    /// The words of a command on the same specs, for a shell.
    pub fn words(&self, subcommand: &str) -> Vec<String> {
        let mut words = vec![word(&self.program.display().to_string()), subcommand.to_string()];
        words.extend(self.specs.iter().map(|spec| word(&spec.display().to_string())));
        words.extend(self.sets.iter().flat_map(|set| ["--set".to_string(), word(set)]));
        words.extend(self.filter.iter().flat_map(|filter| ["--filter".to_string(), word(filter)]));
        words
    }
}
