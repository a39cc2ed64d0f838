//! `ablate verify`: runs specs again and compares with the results that are there.

use crate::Error;
use crate::compare::verify::{self, Verified, VerifySettings};
use crate::compare::{self, FolderIntegrity, Likeness, Tolerance};
use crate::counted::{agreeing, counted};
use crate::system::progress::Progress;
use clap::Args;
use std::io::IsTerminal;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate verify experiments/quickstart.toml     # against results/quickstart
  ablate verify results/quickstart              # runs the spec that its manifest names
  ablate verify results/paper --cached          # every results folder in it, steps from the store
  ablate verify mine.toml --rtol 1e-3
  ablate verify results --files                 # runs nothing: are the files unchanged?

Each spec is run again, into a temporary folder. The new results are compared with the existing
ones: tables and rows cell by cell, figures, self-checks, expectations. Existing results are not
changed. Computed numbers a and b agree when |a - b| <= atol + rtol * max(|a|, |b|); whole numbers
and text must be equal.

Exit codes: 0 all agree; 1 something differs; 2 nothing differs, but something cannot be verified.")]
pub(super) struct VerifyArguments {
    /// Specs, results folders, or folders of either
    #[arg(required = true, value_name = "SPEC|DIR")]
    paths: Vec<PathBuf>,
    /// Set a key in each spec, besides what its own command set
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Take steps from the store if it has them; only the others, tables and figures are then checked
    #[arg(long)]
    cached: bool,
    /// Run nothing; check that files are unchanged since their run, and that this version can read them
    #[arg(long, conflicts_with_all = ["sets", "cached", "rtol", "atol"])]
    files: bool,
    #[command(flatten)]
    tolerance: ToleranceArguments,
    /// Print JSON, one line for each results folder
    #[arg(long)]
    json: bool,
    /// Print no progress, only what differs and errors
    #[arg(long, short)]
    quiet: bool,
}

/// How far numbers may be apart.
#[derive(Debug, Args)]
pub(super) struct ToleranceArguments {
    /// Relative tolerance of computed numbers
    #[arg(long, value_name = "SHARE", value_parser = not_negative)]
    rtol: Option<f64>,
    /// Absolute tolerance of computed numbers
    #[arg(long, value_name = "SIZE", value_parser = not_negative)]
    atol: Option<f64>,
}

impl ToleranceArguments {
    /// The tolerance, with `default` for what is not given.
    pub fn or(&self, default: Tolerance) -> Tolerance {
        Tolerance { relative: self.rtol.unwrap_or(default.relative), absolute: self.atol.unwrap_or(default.absolute) }
    }
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_string())?;
    if number >= 0.0 && number.is_finite() { Ok(number) } else { Err("write a number of 0 or more".into()) }
}

pub(super) fn run(arguments: VerifyArguments) -> Result<(), Error> {
    if arguments.files {
        return files(&arguments);
    }
    let targets = verify::targets(&arguments.paths)?;
    let progress = Progress::new(arguments.quiet);
    let settings = VerifySettings {
        sets: &arguments.sets,
        tolerance: arguments.tolerance.or(Tolerance::SINGLE),
        cached: arguments.cached,
        progress: &progress,
    };
    let all = verify::verify(&targets, &settings, |verified| {
        let quiet = arguments.quiet && verified.verdict().is_some_and(|verdict| verdict < Likeness::Differs);
        match arguments.json {
            true => super::print::print(&(json(verified).to_string() + "\n")),
            false if quiet => Ok(()),
            false => super::print::print(&text(verified)),
        }
    })?;
    verify::judge(&all)
}

/// Whether results are as they were left.
fn files(arguments: &VerifyArguments) -> Result<(), Error> {
    let all = compare::kept(&arguments.paths)?;
    for kept in &all {
        let FolderIntegrity { folder, whole, not_kept, changed, problems } = kept;
        let mut text = match (arguments.json, problems.as_slice()) {
            (true, _) => serde_json::json!(kept).to_string() + "\n",
            (false, []) if arguments.quiet => continue,
            (false, []) => format!(
                "{}: {} as {} made",
                folder.display(),
                counted(*whole, "file"),
                agreeing(*whole, "it was", "they were")
            ),
            (false, some) => format!("{}: {}", folder.display(), some.join("; ")),
        };
        if !arguments.json {
            if *not_kept > 0 && problems.is_empty() {
                text += &format!(", {not_kept} not kept");
            }
            if !changed.is_empty() {
                text += &format!("; these values of the spec have changed since: {}", changed.join(", "));
            }
            text += "\n";
        }
        super::print::print(&text)?;
    }
    match all.iter().filter(|kept| !kept.problems.is_empty()).count() {
        0 => Ok(()),
        some => Err(Error::Unequal(format!(
            "{some} of {} {} not as {} left {}",
            counted(all.len(), "results folder"),
            agreeing(some, "is", "are"),
            agreeing(some, "its run", "their runs"),
            agreeing(some, "it", "them")
        ))),
    }
}

fn text(verified: &Verified) -> String {
    let Verified { spec, folder, outcome } = verified;
    let (spec, folder) = (spec.display(), folder.display());
    match outcome {
        Ok(difference) => {
            let details = compare::folder_text(difference, ["committed", "rerun"]);
            format!("{folder}: {} ({spec})\n{details}", difference.verdict())
        }
        Err(error) => {
            let why = error.render(std::io::stdout().is_terminal());
            format!("{spec}: cannot be verified:\n{}\n", why.trim_end())
        }
    }
}

fn json(verified: &Verified) -> serde_json::Value {
    let Verified { spec, folder, outcome } = verified;
    let mut json = serde_json::json!({ "spec": spec, "folder": folder, "verdict": verified.verdict() });
    match outcome {
        Ok(difference) => json["difference"] = serde_json::json!(difference),
        Err(error) => json["error"] = serde_json::json!(error.render(false)),
    }
    json
}
