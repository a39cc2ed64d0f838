//! The job of a cluster that this process is part of, as Slurm tells its jobs.

use serde::{Deserialize, Serialize};
use std::process::Command;
use std::sync::LazyLock;

/// A job of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterJob {
    /// Its number.
    pub id: u64,
    /// Of a task of an array: the array's number, and the task's index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<(u64, u64)>,
    /// The node that it runs on.
    pub node: String,
    /// The partition.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub partition: String,
    /// How often it was started again.
    pub restarts: u32,
}

impl ClusterJob {
    /// The job of this process; `None` where it is of none.
    pub fn here() -> Option<Self> {
        static HERE: LazyLock<Option<ClusterJob>> =
            LazyLock::new(|| ClusterJob::from_vars(|name| std::env::var(name).ok()));
        HERE.clone()
    }

    /// The job that variables of the environment tell of (`man sbatch`, "OUTPUT ENVIRONMENT VARIABLES").
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let number = |name: &str| get(name)?.parse::<u64>().ok();
        Some(Self {
            id: number("SLURM_JOB_ID")?,
            array: number("SLURM_ARRAY_JOB_ID").zip(number("SLURM_ARRAY_TASK_ID")),
            node: get("SLURMD_NODENAME").unwrap_or_default(),
            partition: get("SLURM_JOB_PARTITION").unwrap_or_default(),
            restarts: number("SLURM_RESTART_COUNT").and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
        })
    }

    /// What it is called: `1234`, or `1234_7` in an array.
    pub fn name(&self) -> String {
        self.array.map_or_else(|| self.id.to_string(), |(array, task)| format!("{array}_{task}"))
    }

    /// Whether the scheduler says that it is running, or held up while it does. What cannot be asked is not under way.
    pub fn is_under_way(&self) -> bool {
        let state = squeue(&self.name(), "%T");
        state.is_some_and(|state| ["RUNNING", "SUSPENDED", "STOPPED", "COMPLETING"].contains(&state.as_str()))
    }
}

/// What the scheduler says of a job that has not ended.
pub fn squeue(job: &str, format: &str) -> Option<String> {
    let asked = Command::new("squeue").args(["--noheader", "--jobs", job, "--format", format]).output().ok()?;
    let text = String::from_utf8_lossy(&asked.stdout).trim().to_string();
    (asked.status.success() && !text.is_empty()).then_some(text)
}
