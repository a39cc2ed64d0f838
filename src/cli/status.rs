//! `ablate status`: how far the steps of specs are.

use super::arguments::SpecsArguments;
use super::submit::timed;
use crate::Error;
use crate::cluster::{RunStatus, StepStatus, status};
use crate::counted::{agreeing, counted};
use crate::plan::Session;
use clap::Args;
use std::collections::HashSet;
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

/// So many tasks with the ends of their logs fit onto a screen.
const TASKS: usize = 5;

pub(super) fn run(arguments: StatusArguments) -> Result<(), Error> {
    let mut specs = arguments.specs.read(true)?;
    let plans = specs.plan(true)?;
    let joined = timed(&plans)?;
    let found = status(&plans, &joined, &Session::default())?;
    let mut text = String::new();
    if !arguments.failed {
        text += &standing(&found);
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
    let most = if arguments.all || arguments.failed { usize::MAX } else { TASKS };
    text += &failures(&found, most);
    super::print::print(&text)?;
    let is_lost = |status: &StepStatus| matches!(status, StepStatus::Failed(_) | StepStatus::Stopped(_));
    match found.steps.iter().filter(|(_, status)| is_lost(status)).count() {
        0 => Ok(()),
        count => Err(Error::failed("status")(format!(
            "{} {}",
            counted(count, "step"),
            agreeing(count, "has failed or was stopped", "have failed or were stopped")
        ))),
    }
}

/// How many steps are where, and what is left.
fn standing(found: &RunStatus) -> String {
    let count = |is: fn(&StepStatus) -> bool| found.steps.iter().filter(|(_, status)| is(status)).count();
    let counts = [
        (count(|status| matches!(status, StepStatus::Done)), "done"),
        (count(|status| matches!(status, StepStatus::Running(..))), "running"),
        (count(|status| matches!(status, StepStatus::Queued(_))), "queued"),
        (count(|status| matches!(status, StepStatus::Failed(_))), "failed"),
        (count(|status| matches!(status, StepStatus::Stopped(_))), "stopped"),
        (count(|status| matches!(status, StepStatus::Blocked(_))), "waiting for one of those"),
        (count(|status| matches!(status, StepStatus::Missing)), "not begun"),
    ];
    let counts: Vec<String> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let mut text = format!("{}: {}\n", counted(found.steps.len(), "step"), counts.join(", "));
    let (seconds, running) = found.left;
    if seconds > 0.0 {
        let at_once = match running {
            0 | 1 => String::new(),
            _ => format!(", {} with the {running} tasks that run now", time(seconds / running as f64)),
        };
        let _ = writeln!(text, "left: {} on one machine by the plan{at_once}", time(seconds));
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
        StepStatus::Running(who, blocks) => format!("running: {who}, {} finished", counted(*blocks, "block")),
        StepStatus::Queued(state) => format!("queued: {state}"),
        StepStatus::Failed(failure) => format!("failed: {failure}"),
        StepStatus::Stopped(why) => format!("stopped: {why}"),
        StepStatus::Blocked(label) => format!("waiting for {label}"),
        StepStatus::Missing => "not begun".into(),
    }
}

/// What failed: of the last submission with the ends of logs, of `most` tasks at most; else as far as anyone has left word.
fn failures(found: &RunStatus, most: usize) -> String {
    let mut text = String::new();
    for task in found.failed.iter().take(most) {
        for step in &task.steps {
            let what = if step.failed { "failed" } else { "stopped" };
            let _ = writeln!(text, "{what}: {}: {}", step.label, step.why);
        }
        if let Some(log) = &task.log {
            let _ = writeln!(text, "  the end of {}:", log.display());
            for line in &task.tail {
                let _ = writeln!(text, "  | {line}");
            }
        }
    }
    if found.failed.len() > most {
        let _ = writeln!(text, "… and {} more, which --failed lists", counted(found.failed.len() - most, "task"));
    }
    let told: HashSet<&str> =
        found.failed.iter().flat_map(|task| &task.steps).map(|step| step.label.as_str()).collect();
    let mut others = found.steps.iter().filter_map(|(label, status)| match status {
        StepStatus::Failed(failure) if !told.contains(label.as_str()) => Some((label, failure)),
        _ => None,
    });
    for (label, failure) in others.by_ref().take(most) {
        let _ = writeln!(text, "failed: {label}: {failure}");
    }
    let more = others.count();
    if more > 0 {
        let _ = writeln!(text, "… and {} more, which --failed lists", counted(more, "step"));
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
