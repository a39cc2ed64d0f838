//! Specs on a command line, and what is laid over them.

use crate::Error;
use crate::experiment::Specs;
use crate::spec::{self, Filter, Loaded};
use clap::Args;
use std::path::PathBuf;

/// A spec and what is laid over it.
#[derive(Debug, Args)]
pub(super) struct SpecArguments {
    /// The spec, a TOML file
    pub spec: PathBuf,
    /// Set a key, whatever the file and the environment say: `--set model.device=cuda:0`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

/// Specs and what is laid over each.
#[derive(Debug, Args)]
pub(super) struct SpecsArguments {
    /// Specs: TOML files, or folders of them (without their subfolders)
    #[arg(required = true, value_name = "SPEC")]
    pub specs: Vec<PathBuf>,
    /// Set a key in each spec, whatever the file and the environment say: `--set model.device=cuda:0`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Take only the specs that meet a condition: `name ~ fig0`, `kind = probe`, `title ~ heads`, `model != builtin:arith`; with
    /// `and`, `or`, `not` and parentheses
    #[arg(long, value_name = "CONDITION")]
    pub filter: Option<String>,
}

impl SpecsArguments {
    pub fn read(&self, quiet: bool) -> Result<Specs, Error> {
        let filter = self.filter.as_deref().map(Filter::parse).transpose();
        let beside = |error| Specs::beside(Error::Filter(Box::new(error)), &self.specs, &self.sets);
        let filter = filter.map_err(beside)?;
        Specs::filtered(&self.specs, &self.sets, filter.as_ref(), quiet)
    }
}

impl SpecArguments {
    pub fn load(&self) -> Result<Loaded, Error> {
        Ok(spec::load(&self.spec, &self.sets, std::env::vars())?)
    }
}
