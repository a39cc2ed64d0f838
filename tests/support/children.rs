//! Commands under way.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Sends a signal: a process that is stopped still holds its locks, and gets no further.
pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success(), "it was still running");
}

/// Waits until it is so, while the process runs.
#[track_caller]
pub fn wait_until(child: &mut Child, so: impl Fn() -> bool) {
    let patience = Instant::now();
    while !so() {
        assert!(child.try_wait().expect("its state").is_none(), "it has ended before");
        assert!(patience.elapsed() < Duration::from_secs(120), "it does not come to that");
        std::thread::sleep(Duration::from_millis(2));
    }
}
