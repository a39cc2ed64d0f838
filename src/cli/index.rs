//! `ablate index`: a page for a folder of results.

use crate::{Error, report};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate index                  # results/index.html
  ablate index results/paper

A run of several specs writes this page itself.")]
pub(super) struct IndexArguments {
    /// The folder that has the results, in it or below it
    #[arg(default_value = "results")]
    folder: PathBuf,
}

pub(super) fn run(arguments: IndexArguments) -> Result<(), Error> {
    let folder = &arguments.folder;
    let about = || folder.display().to_string();
    match report::write_index(folder).map_err(Error::failed(about()))? {
        Some(path) => super::print::print(&format!("{}\n", path.display())),
        None => {
            let advice = "it holds no results (folders with a manifest.json); `ablate run SPEC` makes some";
            Err(Error::refused(about())(advice))
        }
    }
}
