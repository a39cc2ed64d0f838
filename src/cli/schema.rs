//! `ablate schema`: the language of specs as JSON schema.

use crate::{Error, spec};

/// The schema as text: what `schema/ablate.schema.json` holds.
pub fn schema() -> String {
    format!("{:#}\n", spec::schema())
}

pub(super) fn run() -> Result<(), Error> {
    super::print(&schema())
}
