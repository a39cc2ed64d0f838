//! Whether this installation works: the built-in model's numbers, and what the program found to compute with.

mod machine;
mod model;

use serde::Serialize;
use std::time::Instant;

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub passed: bool,
    /// What was found; where it has not passed, what that means.
    pub found: String,
}

impl Check {
    fn of(name: &'static str, outcome: Result<String, String>) -> Self {
        match outcome {
            Ok(found) => Self { name, passed: true, found },
            Err(found) => Self { name, passed: false, found },
        }
    }
}

/// All that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Of the program.
    pub version: &'static str,
    /// Whether everything is as it should be.
    pub passed: bool,
    /// What it took.
    pub seconds: f64,
    /// In the order in which they were made.
    pub checks: Vec<Check>,
}

/// Looks at everything. What is wrong is in the report; so is what cannot be looked at.
pub fn run() -> Report {
    let started = Instant::now();
    let mut checks = vec![
        Check::of("logits", model::logits()),
        Check::of("threads", machine::threads()),
        Check::of("vector instructions", machine::vectors()),
        Check::of("matrix product", machine::product()),
        Check::of("devices", machine::devices()),
        Check::of("allocator", Ok(crate::system::allocator::NAME.to_string())),
        Check::of("cache", machine::cache()),
    ];
    let experiment = model::experiment();
    checks.extend(match experiment {
        Ok(experiment) => vec![
            Check::of("accuracy", experiment.accuracy()),
            Check::of("patching", experiment.patching()),
            Check::of("figure", experiment.figure()),
        ],
        Err(error) => vec![Check::of("experiment", Err(error))],
    });
    let passed = checks.iter().all(|check| check.passed);
    Report { version: env!("CARGO_PKG_VERSION"), passed, seconds: started.elapsed().as_secs_f64(), checks }
}
