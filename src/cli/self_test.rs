//! `ablate self-test`: whether this installation works.

use crate::Error;
use crate::self_test;
use clap::Args;
use std::fmt::Write;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate self-test
  ablate self-test --json

This takes a few seconds, and needs no network. Exit code 1: something is not as it should be.")]
pub(super) struct SelfTestArguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: SelfTestArguments) -> Result<(), Error> {
    let report = self_test::run();
    super::print::print(&match arguments.json {
        true => serde_json::to_string_pretty(&report).map_err(|error| Error::Print(error.into()))? + "\n",
        false => text(&report),
    })?;
    let wrong: Vec<&str> = report.checks.iter().filter(|check| !check.passed).map(|check| check.name).collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Error::Unequal(format!("these checks failed: {}", wrong.join(", ")))),
    }
}

fn text(report: &self_test::SelfTestReport) -> String {
    let mut text = format!("ablate {}\n", report.version);
    for check in &report.checks {
        let mark = if check.passed { "ok   " } else { "WRONG" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{mark}  {:<20} {}", check.name, check.found);
    }
    let _ =
        writeln!(text, "{} ({:.1} s)", if report.passed { "all is well" } else { "not all is well" }, report.seconds);
    text
}
