//! `ablate diff`: what differs between two results, or two specs.

use super::verify::ToleranceArguments;
use crate::compare::{self, Likeness, ResolvedSpec, ResultsRecord, Tolerance};
use crate::spec::{self, ImageFormat, Loaded, Origin};
use crate::{Error, check, manifest, results};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate diff results/seed42 results/seed43
  ablate diff results/seed42 results/seed43 --figure differences.svg
  ablate diff results/seed42 results/seed43 --into differences   # a report with tables and figures
  ablate diff a.toml b.toml                                      # their values, and where from

Rows of tables are paired by the columns that tell them apart; their order makes no difference. The
largest differences come first.

Exit codes: 0 equal; 1 not equal; 2 the input was refused.")]
pub(super) struct DiffArguments {
    /// A results folder, its manifest.json, or a spec
    a: PathBuf,
    /// What to compare it with: of the same kind
    b: PathBuf,
    #[command(flatten)]
    tolerance: ToleranceArguments,
    /// Draw the numbers of A against those of B into a file: .svg, .png or .pdf
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,
    /// Write a report with tables and figures of the differences into this folder
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: DiffArguments) -> Result<(), Error> {
    let is_spec = |path: &Path| path.extension().is_some_and(|extension| extension == "toml");
    match (is_spec(&arguments.a), is_spec(&arguments.b)) {
        (true, true) => specs(&arguments),
        (false, false) => results(&arguments),
        (spec_first, _) => {
            let (spec, other) = if spec_first { ("A", "B") } else { ("B", "A") };
            let problem = format!("{spec} is a spec, and {other} is not; write two specs or two results folders");
            Err(Error::refused("diff")(problem))
        }
    }
}

fn specs(arguments: &DiffArguments) -> Result<(), Error> {
    if let Some(option) = arguments.figure.as_ref().map(|_| "--figure").or(arguments.into.as_ref().map(|_| "--into")) {
        return Err(Error::refused(option)("a figure can only be drawn of results; write two results folders"));
    }
    let changes = compare::specs(&resolved(&arguments.a)?, &resolved(&arguments.b)?);
    match arguments.json {
        true => super::print::print(&format!("{:#}\n", json!({ "spec": changes })))?,
        false => super::print::print(&compare::values_text(&changes, ""))?,
    }
    judge(arguments, changes.is_empty())
}

/// The values of a spec for the model at hand.
fn resolved(path: &Path) -> Result<ResolvedSpec, Error> {
    let loaded: Loaded = check::settle(&spec::load(path, &[], std::env::vars())?, false)?;
    let values: toml::Table = loaded.to_toml().parse().map_err(Error::refused(path.display()))?;
    Ok(ResolvedSpec::new(&values, |key| match loaded.origin(key) {
        Origin::Default => Some("default".to_string()),
        origin => Some(origin.to_string()),
    }))
}

fn results(arguments: &DiffArguments) -> Result<(), Error> {
    let record = |path: &Path| {
        let folder = if path.is_file() { path.parent().unwrap_or(path) } else { path };
        results::settle(folder)?;
        ResultsRecord::read(folder)
    };
    let (a, b) = (record(&arguments.a)?, record(&arguments.b)?);
    if let Some(into) = arguments.into.as_deref().filter(|into| into.join(manifest::FILE).exists()) {
        return Err(Error::refused(format!("--into {}", into.display()))(
            "this is a results folder, which would be overwritten; write another folder",
        ));
    }
    let file = arguments.figure.as_deref().map(format).transpose()?;
    let tolerance = arguments.tolerance.or(Tolerance::NONE);
    let difference = compare::folders(&a, &b, tolerance);
    let verdict = difference.verdict();
    if arguments.json {
        super::print::print(&format!("{:#}\n", json!({ "verdict": verdict, "difference": difference })))?;
    } else {
        let heading = format!("A: {}\nB: {}\n{verdict}\n", a.folder.display(), b.folder.display());
        super::print::print(&(heading + &compare::folder_text(&difference, ["in A", "in B"])))?;
    }
    if file.is_some() || arguments.into.is_some() {
        let panels = compare::panels(&a, &b, &difference)?;
        let names = [a.folder.display().to_string(), b.folder.display().to_string()];
        let names = [names[0].as_str(), names[1].as_str()];
        if let Some((folder, name, format)) = file {
            match panels.is_empty() {
                true => {
                    return Err(Error::failed("--figure")(
                        "no column of numbers differs, so that there is nothing to draw",
                    ));
                }
                false => drop(compare::draw(&panels, names, &folder, &name, &[format])?),
            }
        }
        if let Some(into) = &arguments.into {
            let command = format!("ablate diff {} {}", names[0], names[1]);
            let report = compare::write_report(&difference, &panels, names, &command, into)?;
            if !arguments.json {
                super::print::print(&format!("report in {}\n", report.display()))?;
            }
        }
    }
    judge(arguments, verdict < Likeness::Differs && difference.spec.is_empty())
}

/// The folder, the name and the format of a figure.
fn format(path: &Path) -> Result<(PathBuf, String, ImageFormat), Error> {
    let format = match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => ImageFormat::Svg,
        Some("png") => ImageFormat::Png,
        Some("pdf") => ImageFormat::Pdf,
        _ => {
            return Err(Error::refused(format!("--figure {}", path.display()))(
                "write a name that ends with .svg, .png or .pdf",
            ));
        }
    };
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((path.parent().map(Path::to_path_buf).unwrap_or_default(), name, format))
}

fn judge(arguments: &DiffArguments, equal: bool) -> Result<(), Error> {
    match equal {
        true => Ok(()),
        false => Err(Error::Unequal(format!("{} and {} differ", arguments.a.display(), arguments.b.display()))),
    }
}
