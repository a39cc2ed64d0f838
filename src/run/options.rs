//! How a spec is run.

use crate::system::progress::Progress;

/// How to run a spec; nothing here changes a result.
pub struct RunOptions<'a> {
    /// Where progress is shown.
    pub progress: &'a Progress,
    /// The command that runs the spec, for the report.
    pub command: String,
}
