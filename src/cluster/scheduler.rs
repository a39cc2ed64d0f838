//! Slurm, asked by its own programs.

use crate::Error;
use crate::counted::counted;
use crate::system::job::{ClusterJob, squeue};
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// Slurm.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scheduler;

/// What became of a job, or of a task of an array, as Slurm writes it: `PENDING`, `RUNNING`, `COMPLETED`, `FAILED`, `TIMEOUT` …
pub type JobState = String;

/// The state of a task of an array, or of a job without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskState {
    /// The state.
    pub state: JobState,
    /// Why it does not run yet.
    pub reason: String,
}

/// What `MaxArraySize` is where nobody can be asked: Slurm's default.
const MAX_ARRAY: usize = 1001;

impl Scheduler {
    /// Tasks that an array may have.
    pub fn max_array(self) -> usize {
        let text = output(Command::new("scontrol").args(["show", "config"])).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("MaxArraySize"));
        let size = line.and_then(|rest| rest.split('=').nth(1)?.trim().parse::<usize>().ok());
        size.filter(|size| *size > 0).unwrap_or(MAX_ARRAY)
    }

    /// Submits a script; the number of its job.
    ///
    /// # Errors
    /// What `sbatch` says.
    pub fn submit(self, script: &Path, dependency: Option<&str>) -> Result<u64, Error> {
        let mut command = Command::new("sbatch");
        command.arg("--parsable");
        if let Some(dependency) = dependency {
            command.arg(format!("--dependency={dependency}")).arg("--kill-on-invalid-dep=yes");
        }
        let said = output(command.arg(script)).map_err(Error::failed(format!("sbatch {}", script.display())))?;
        // `1234`, or `1234;CLUSTER`
        let number = said.trim().split(';').next().and_then(|number| number.parse().ok());
        number
            .ok_or_else(|| Error::failed("sbatch")(format!("its answer '{}' is not the number of a job", said.trim())))
    }

    /// Takes jobs back.
    pub fn cancel(self, jobs: &[u64]) {
        for job in jobs {
            let _ = output(Command::new("scancel").arg(job.to_string()));
        }
    }

    /// The states of the tasks of jobs: of those that have not ended, and of the others where Slurm keeps accounts or remembers.
    pub fn states(self, jobs: &[u64]) -> HashMap<(u64, Option<u64>), TaskState> {
        let mut states = HashMap::new();
        if jobs.is_empty() {
            return states;
        }
        let list = jobs.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let accounts = ["--noheader", "--parsable2", "--allocations", "--format=JobID,State", "--jobs", &list];
        for line in output(Command::new("sacct").args(accounts)).unwrap_or_default().lines() {
            let Some((job, state)) = line.split_once('|') else { continue };
            // `CANCELLED by 1000`
            let state = state.split_whitespace().next().unwrap_or_default().to_string();
            each_task(job, |task| drop(states.insert(task, TaskState { state: state.clone(), reason: String::new() })));
        }
        let queue = ["--noheader", "--array", "--states=all", "--format=%i|%T|%r", "--jobs", &list];
        for line in output(Command::new("squeue").args(queue)).unwrap_or_default().lines() {
            let mut parts = line.split('|');
            let (Some(job), Some(state)) = (parts.next(), parts.next()) else { continue };
            let reason = parts.next().filter(|reason| *reason != "None").unwrap_or_default();
            each_task(job, |task| {
                states.insert(task, TaskState { state: state.to_string(), reason: reason.to_string() });
            });
        }
        states
    }

    /// Has a job started again that has come to its time limit.
    ///
    /// # Errors
    /// A job that was started as often as it may, that is being cancelled, and what `scontrol` says.
    pub fn requeue(self, job: &ClusterJob, most: u32) -> Result<(), String> {
        if job.restarts >= most {
            return Err(format!(
                "it was already started again {}, the most that slurm.requeues allows",
                counted(job.restarts, "time")
            ));
        }
        let state = squeue(&job.name(), "%T").unwrap_or_default();
        if state != "RUNNING" {
            return Err(format!("it is {}", if state.is_empty() { "no longer in the queue" } else { &state }));
        }
        output(Command::new("scontrol").args(["requeue", &job.name()])).map(drop).map_err(|error| error.to_string())
    }
}

/// `12`, `12_3`, `12_[4-7,9]`: the tasks that a line is about.
fn each_task(text: &str, mut tell: impl FnMut((u64, Option<u64>))) {
    let (job, tasks) = text.split_once('_').map_or((text, None), |(job, tasks)| (job, Some(tasks)));
    let Ok(job) = job.parse() else { return };
    let Some(tasks) = tasks else { return tell((job, None)) };
    // `[4-7%2]`: two at a time.
    let tasks = tasks.trim_start_matches('[').trim_end_matches(']').split('%').next().unwrap_or_default();
    for part in tasks.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<u64>(), last.parse::<u64>()) {
            (first..=last).for_each(|task| tell((job, Some(task))));
        }
    }
}

/// What a program prints.
fn output(command: &mut Command) -> Result<String, std::io::Error> {
    let name = command.get_program().to_string_lossy().into_owned();
    let ended = command.output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => std::io::Error::new(
            error.kind(),
            format!(
                "there is no program '{name}' here, which belongs to Slurm; submit from a machine of the cluster, or print the \
                 scripts with `ablate submit SPEC --dry`"
            ),
        ),
        kind => std::io::Error::new(kind, format!("{name}: {error}")),
    })?;
    match ended.status.success() {
        true => Ok(String::from_utf8_lossy(&ended.stdout).into_owned()),
        false => Err(std::io::Error::other(String::from_utf8_lossy(&ended.stderr).trim().to_string())),
    }
}
