//! The command line: one file per subcommand, no logic.

mod arguments;
mod completions;
mod config;
mod diff;
mod explain;
mod index;
mod list;
mod logits;
mod model;
mod names;
mod new;
mod plan;
mod print;
mod rerun;
mod run;
pub mod schema;
mod self_test;
mod status;
mod store;
mod submit;
mod verify;
mod worker;

use crate::Error;
use crate::system::interrupt;
use clap::{CommandFactory, Parser, Subcommand};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Runs mechanistic-interpretability experiments: a TOML spec in; tables, figures and a report out.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  ablate new mine && ablate run mine.toml     # arithmetic on the built-in model, without a download
  ablate new names --words --model models/SmolLM2-135M-Instruct.Q4_1.gguf && ablate run names.toml
  ablate plan names.toml                      # what a run would compute, and how long it would take
  ablate explain activation-patching          # what a word of a spec means

Exit codes: 0 done; 1 a step or check failed, or a result is not as expected; 2 the input was
refused; 130 interrupted by Ctrl-C (143 by SIGTERM)."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a spec to start from, with every key explained, or a copy of one
    New(new::NewArguments),
    /// Run specs, and write tables, figures and a report of each
    Run(run::RunArguments),
    /// Print what a run would compute and why, what the store has, and how long it takes
    Plan(plan::PlanArguments),
    /// List steps, figures, measures, hooks, models, operators or specs, one line each
    List(list::ListArguments),
    /// Explain a step, measure, figure, hook, table or key of a spec
    Explain(explain::ExplainArguments),
    /// Print a model's facts: layers, heads, parameters, tokenizer, memory
    Model(model::ModelShowArguments),
    /// Print next-token logits and probabilities of a model
    Logits(logits::LogitsArguments),
    /// Print a spec with every default, and where each value comes from
    Config(config::ConfigArguments),
    /// Run specs again, and compare with their existing results cell by cell
    Verify(verify::VerifyArguments),
    /// Repeat the run of a manifest, and compare checksums
    Rerun(rerun::RerunArguments),
    /// Print what differs between two results, or two specs
    Diff(diff::DiffArguments),
    /// Make an HTML page with all results in a folder
    Index(index::IndexArguments),
    /// List, check and remove what the store keeps of computed steps
    Store(store::StoreArguments),
    /// Run the steps of specs as jobs on a cluster with Slurm
    Submit(submit::SubmitArguments),
    /// Print how far the steps of specs are: done, running, failed
    Status(status::StatusArguments),
    /// Compute a task of what was submitted
    #[command(hide = true)]
    Worker(worker::WorkerArguments),
    /// Print the JSON schema of specs, for editors
    #[command(after_help = schema::EXAMPLES)]
    Schema,
    /// Check this installation: the built-in model's numbers, threads, vector instructions, devices, cache
    SelfTest(self_test::SelfTestArguments),
    /// Print a script that lets a shell complete commands and names
    Completions(completions::CompletionsArguments),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => finish(interrupt::listen().map_err(Error::failed("signals")).and_then(|()| dispatch(cli.command))),
        Err(error) => {
            // clap's own printing and code: 0 for --help and --version, 2 for a wrong argument.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
    }
}

fn dispatch(command: Command) -> Result<(), Error> {
    match command {
        Command::New(arguments) => new::run(arguments),
        Command::List(arguments) => list::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Completions(arguments) => completions::run(arguments, Cli::command()),
        Command::Run(arguments) => run::run(arguments),
        Command::Submit(arguments) => submit::run(arguments),
        Command::Status(arguments) => status::run(arguments),
        Command::Worker(arguments) => worker::run(arguments),
        Command::Rerun(arguments) => rerun::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
        Command::Plan(arguments) => plan::run(arguments),
        Command::Config(arguments) => config::run(arguments),
        Command::Store(arguments) => store::run(arguments),
        Command::Index(arguments) => index::run(arguments),
        Command::Schema => schema::run(),
        Command::Model(arguments) => model::run(arguments),
        Command::Logits(arguments) => logits::run(arguments),
        Command::SelfTest(arguments) => self_test::run(arguments),
    }
}

fn finish(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // `ablate config SPEC | head`: the reader has what it wanted.
        Err(Error::Print(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let say = || {
                let text = error.render(std::io::stderr().is_terminal());
                let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
            };
            match error {
                Error::Interrupted(_) => {
                    interrupt::say_once(say);
                    interrupt::do_last();
                }
                _ => say(),
            }
            ExitCode::from(error.exit_code())
        }
    }
}
