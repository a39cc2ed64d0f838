//! Whether this installation works: the built-in model's numbers, and what the program found to compute with.

mod machine;
mod model;

use serde::Serialize;
use std::time::Instant;

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct SelfTestCheck {
    /// What.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub passed: bool,
    /// What was found; where it has not passed, what that means.
    pub found: String,
}

impl SelfTestCheck {
    fn of(name: &'static str, outcome: Result<String, String>) -> Self {
        match outcome {
            Ok(found) => Self { name, passed: true, found },
            Err(found) => Self { name, passed: false, found },
        }
    }
}

/// All that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct SelfTestReport {
    /// Of the program.
    pub version: &'static str,
    /// Whether everything is as it should be.
    pub passed: bool,
    /// What it took.
    pub seconds: f64,
    /// In the order in which they were made.
    pub checks: Vec<SelfTestCheck>,
}

/// Looks at everything. What is wrong is in the report; so is what cannot be looked at.
pub fn run() -> SelfTestReport {
    let started = Instant::now();
    let mut checks = vec![
        SelfTestCheck::of("logits", model::logits()),
        SelfTestCheck::of("threads", machine::threads()),
        SelfTestCheck::of("vector instructions", machine::vectors()),
        SelfTestCheck::of("matrix product", machine::product()),
        SelfTestCheck::of("devices", machine::devices()),
        SelfTestCheck::of("allocator", Ok(crate::system::allocator::NAME.to_string())),
        SelfTestCheck::of("cache", machine::cache()),
    ];
    let experiment = model::experiment();
    checks.extend(match experiment {
        Ok(experiment) => vec![
            SelfTestCheck::of("accuracy", experiment.accuracy()),
            SelfTestCheck::of("patching", experiment.patching()),
            SelfTestCheck::of("figure", experiment.figure()),
        ],
        Err(error) => vec![SelfTestCheck::of("experiment", Err(error))],
    });
    let passed = checks.iter().all(|check| check.passed);
    SelfTestReport { version: env!("CARGO_PKG_VERSION"), passed, seconds: started.elapsed().as_secs_f64(), checks }
}
