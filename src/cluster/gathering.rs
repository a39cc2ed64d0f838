//! What failed of a submission, with the ends of the logs.

use super::scheduler::TaskState;
use super::submission::Submission;
use super::tasks::SubmittedCell;
use crate::counted::{agreeing, counted};
use crate::store::Store;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Lines of a log that are shown.
const LINES: usize = 8;

/// A task that is at none of its steps any more, and has not computed all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTask {
    /// Those that it has not computed.
    pub steps: Vec<FailedStep>,
    /// Its log.
    pub log: Option<PathBuf>,
    /// The end of that.
    pub tail: Vec<String>,
}

/// A step that a task was to compute and has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedStep {
    /// Its key.
    pub key: String,
    /// What it is called.
    pub label: String,
    /// Why, as far as anyone has left word.
    pub why: String,
    /// Whether the step itself failed, and not only its task ended.
    pub failed: bool,
}

/// States of tasks that will not compute anything any more.
const ENDED: [&str; 10] = [
    "FAILED",
    "TIMEOUT",
    "CANCELLED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "BOOT_FAIL",
    "DEADLINE",
    "PREEMPTED",
    "REVOKED",
    "COMPLETED",
];

/// The tasks of a submission with cells that the store has not, and that nobody is at or will come to.
pub fn failed_tasks(
    submission: &Submission,
    store: &Store,
    states: &HashMap<(u64, Option<u64>), TaskState>,
    is_missing: impl Fn(&SubmittedCell) -> bool,
) -> Vec<FailedTask> {
    let mut failed = Vec::new();
    for array in &submission.arrays {
        for (number, task) in array.tasks.iter().enumerate() {
            let state = array.job.and_then(|job| states.get(&(job, Some(number as u64))));
            let ended = state.is_none_or(|state| ENDED.contains(&state.state.as_str()));
            let missing = task.iter().filter(|cell| is_missing(cell)).filter_map(|cell| {
                let failure = store.failure(&cell.key);
                let step = |why: String| FailedStep {
                    key: cell.key.clone(),
                    label: cell.label.clone(),
                    why,
                    failed: failure.is_some(),
                };
                match &failure {
                    Some(failure) => Some(step(failure.to_string())),
                    None => ended.then(|| {
                        let left = match store.finished_blocks(&cell.key) {
                            0 => String::new(),
                            blocks => {
                                format!(
                                    "; {} of it {} finished, and the next task goes on from there",
                                    counted(blocks, "block"),
                                    agreeing(blocks, "is", "are")
                                )
                            }
                        };
                        step(end(state) + &left)
                    }),
                }
            });
            let steps: Vec<FailedStep> = missing.collect();
            if !steps.is_empty() {
                let log = submission.log(array, number).filter(|log| log.is_file());
                let tail = log.as_deref().map(tail).unwrap_or_default();
                failed.push(FailedTask { steps, log, tail });
            }
        }
    }
    failed
}

/// How a task ended, in words.
fn end(state: Option<&TaskState>) -> String {
    let Some(TaskState { state, .. }) = state else { return "its task is no longer in the queue".into() };
    match state.as_str() {
        "CANCELLED" => "its task was cancelled".into(),
        "TIMEOUT" => "its task came to its time limit".into(),
        "OUT_OF_MEMORY" => "its task took more memory than it asked for".into(),
        "NODE_FAIL" => "the node of its task failed".into(),
        "COMPLETED" => "its task ended well, but what it computed is not in the store".into(),
        other => format!("its task ended as {other}"),
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> Vec<String> {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].iter().map(ToString::to_string).collect()
}
