//! `ablate status`: how far the steps of specs are.

use super::arguments::SpecsArguments;
use super::submit::timed;
use crate::Error;
use crate::cluster::{RunStatus, StepStatus, status};
use crate::plan::Session;
use clap::Args;
use std::fmt::Write;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate status sweep.toml
  ablate status sweep.toml --all            # each step
  ablate status sweep.toml --failed         # only what failed, with the ends of the logs

This reads the store and, if Slurm is there, its queue.

Exit codes: 0 nothing has failed; 1 something has.")]
pub(super) struct StatusArguments {
    #[command(flatten)]
    specs: SpecsArguments,
    /// List each step
    #[arg(long, conflicts_with = "failed")]
    all: bool,
    /// List only what failed
    #[arg(long)]
    failed: bool,
}

pub(super) fn run(arguments: StatusArguments) -> Result<(), Error> {
    let mut specs = arguments.specs.read(true)?;
    let plans = specs.plan(true)?;
    let joined = timed(&plans)?;
    let found = status(&plans, &joined, &Session::default())?;
    let mut text = String::new();
    if !arguments.failed {
        text += &counted(&found);
    }
    if arguments.all {
        for (label, status) in &found.steps {
            let _ = writeln!(text, "{label}: {}", told(status));
        }
    } else if !arguments.failed {
        for (label, status) in found.steps.iter().filter(|(_, status)| matches!(status, StepStatus::Running(..))) {
            let _ = writeln!(text, "{label}: {}", told(status));
        }
    }
    text += &failures(&found);
    super::print::print(&text)?;
    let failed = found.steps.iter().filter(|(_, status)| matches!(status, StepStatus::Failed(_))).count();
    match failed.max(found.failed.len()) {
        0 => Ok(()),
        count => Err(Error::failed("status")(format!("{count} steps have failed"))),
    }
}

/// How many steps are where, and what is left.
fn counted(found: &RunStatus) -> String {
    let count = |is: fn(&StepStatus) -> bool| found.steps.iter().filter(|(_, status)| is(status)).count();
    let counts = [
        (count(|status| matches!(status, StepStatus::Done)), "done"),
        (count(|status| matches!(status, StepStatus::Running(..))), "running"),
        (count(|status| matches!(status, StepStatus::Queued(_))), "queued"),
        (count(|status| matches!(status, StepStatus::Failed(_))), "failed"),
        (count(|status| matches!(status, StepStatus::Missing)), "not begun"),
    ];
    let counts: Vec<String> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let mut text = format!("{} steps: {}\n", found.steps.len(), counts.join(", "));
    let (seconds, running) = found.left;
    if seconds > 0.0 {
        let at_once = running.max(1);
        let _ = writeln!(
            text,
            "left: {} on one machine by the plan, {} with the {at_once} tasks that run now",
            time(seconds),
            time(seconds / at_once as f64)
        );
    }
    if let Some(folder) = found.folder() {
        let _ = writeln!(text, "scripts and logs: {}", folder.display());
    }
    text
}

fn told(status: &StepStatus) -> String {
    match status {
        StepStatus::Done => "done".into(),
        StepStatus::Running(who, 0) => format!("running: {who}"),
        StepStatus::Running(who, blocks) => format!("running: {who}, {blocks} blocks finished"),
        StepStatus::Queued(state) => format!("queued: {state}"),
        StepStatus::Failed(failure) => format!("failed: {failure}"),
        StepStatus::Missing => "not begun".into(),
    }
}

/// What failed: of the last submission with the ends of logs, else as far as anyone has left word.
fn failures(found: &RunStatus) -> String {
    let mut text = String::new();
    for task in &found.failed {
        let _ = writeln!(text, "failed: {}: {}", task.label, task.why);
        if let Some(log) = &task.log {
            let _ = writeln!(text, "  the end of {}:", log.display());
            for line in &task.tail {
                let _ = writeln!(text, "  | {line}");
            }
        }
    }
    let is_told = |label: &String| found.failed.iter().any(|task| task.label == *label);
    for (label, status) in found.steps.iter().filter(|(label, _)| !is_told(label)) {
        if let StepStatus::Failed(failure) = status {
            let _ = writeln!(text, "failed: {label}: {failure}");
        }
    }
    text
}

fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 7200.0 => format!("{:.1} hours", seconds / 3600.0),
        seconds if seconds >= 120.0 => format!("{:.0} minutes", seconds / 60.0),
        seconds => format!("{seconds:.0} seconds"),
    }
}
