//! Hooks between which and the stream a norm stands: those within attention and MLP, in models that have norms after these.

use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};

/// Where the norm after attention or MLP reads what an edit at `hook` changes; `None` where no norm stands between the hook and the
/// stream.
pub(super) fn before_norm(hook: Hook, facts: &Facts) -> Option<Hook> {
    match hook {
        Hook::Block(layer, Site::Z | Site::Result | Site::AttnProjected) if facts.norms.after() => {
            Some(Hook::Block(layer, Site::AttnProjected))
        }
        Hook::Block(layer, Site::MlpPost | Site::MlpProjected) if facts.norms.after() => {
            Some(Hook::Block(layer, Site::MlpProjected))
        }
        _ => None,
    }
}
