//! `ablate schema`: the language of specs as JSON schema.

use crate::{Error, spec};

pub(super) const EXAMPLES: &str = "\
Examples:
  ablate schema > schema/ablate.schema.json

An editor that knows TOML completes and checks a spec whose first line is
  #:schema ../schema/ablate.schema.json";

/// The schema as text: what `schema/ablate.schema.json` holds.
pub fn schema() -> String {
    format!("{:#}\n", spec::schema())
}

pub(super) fn run() -> Result<(), Error> {
    super::print::print(&schema())
}
