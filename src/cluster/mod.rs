//! Runs on a cluster that Slurm schedules: one array of jobs for each level of the joined plan, and a last job that gathers.

mod gathering;
mod grouping;
mod scheduler;
mod script;
mod settings;
mod status;
mod submission;
mod tasks;
mod worker;

pub use gathering::{FailedStep, FailedTask, failed_tasks};
pub use grouping::levels;
pub use scheduler::{JobState, Scheduler, TaskState};
pub use settings::{settings, site_file};
pub use status::{RunStatus, StepStatus, status};
pub use submission::{Submission, submissions, submit};
pub use tasks::{ArrayOfTasks, SubmittedCell, SubmittedCommand};
pub use worker::work;
