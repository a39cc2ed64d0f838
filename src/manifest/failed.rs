//! A part of a spec that a run could not make.

use serde::{Deserialize, Serialize};

/// A part of a spec that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Which: `step 'effects'`.
    pub what: String,
    /// Why.
    pub why: String,
    /// The parts that were not made because they read its rows.
    pub skipped: Vec<String>,
}
