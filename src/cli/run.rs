//! `ablate run`.

use super::SpecArguments;
use crate::Error;
use crate::run;
use crate::run::interrupt;
use crate::run::progress::Progress;
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    spec: SpecArguments,
    /// No progress, only errors
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Error> {
    let loaded = arguments.spec.load()?;
    interrupt::listen().map_err(Error::failed("Ctrl-C handler"))?;
    let progress = Progress::new(arguments.quiet);
    run::run(&loaded, &run::Options { progress: &progress, command: command_line() })
}

/// The command as it was typed, for the report.
fn command_line() -> String {
    let quote = |word: String| match word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@#,+".contains(c)) {
        true => word,
        false => format!("'{}'", word.replace('\'', "'\\''")),
    };
    let words = std::env::args().skip(1).map(quote);
    std::iter::once("ablate".to_string()).chain(words).collect::<Vec<_>>().join(" ")
}
