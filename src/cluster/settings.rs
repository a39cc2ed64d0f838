//! What a cluster is asked for: by the spec, else by the site's file.

use crate::Error;
use crate::plan::Plan;
use crate::spec::Slurm;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A site's file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteFile {
    #[serde(default)]
    slurm: Slurm,
}

/// Where a site's file is looked for: `$XDG_CONFIG_HOME/ablate/site.toml`, else `~/.config/ablate/site.toml`, else
/// `/etc/ablate/site.toml`; the first that is there.
pub fn site_file(get: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let var = |name: &str| get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let configured = var("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let home = configured.or_else(|| Some(var("HOME")?.join(".config")));
    let places = home.into_iter().chain([PathBuf::from("/etc")]).map(|folder| folder.join("ablate").join("site.toml"));
    places.into_iter().find(|path| path.is_file())
}

/// What the specs of a command say, the first that says anything of a key first, and then the site's file.
///
/// # Errors
/// A site's file that cannot be read.
pub fn settings(plans: &[Plan], site: Option<&Path>) -> Result<Slurm, Error> {
    let own = plans.iter().filter_map(|plan| plan.loaded().spec.slurm.as_ref());
    let of_specs = own.fold(Slurm::default(), Slurm::or);
    let Some(file) = site else { return Ok(of_specs) };
    let text = std::fs::read_to_string(file).map_err(Error::refused(file.display()))?;
    let site: SiteFile = toml::from_str(&text).map_err(Error::refused(file.display()))?;
    Ok(of_specs.or(&site.slurm))
}
