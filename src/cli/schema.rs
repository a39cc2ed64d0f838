//! `ablate schema`: the language of specs as JSON schema.

use crate::{Error, spec};

pub(super) fn run() -> Result<(), Error> {
    super::print(&format!("{:#}\n", spec::schema()))
}
