//! Ctrl-C: the first asks the work to stop at the next safe place, the second ends the process.

use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Exit code of an interrupted run (128 + SIGINT).
pub const EXIT_CODE: u8 = 130;

/// The work was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted; what was complete is kept")]
pub struct Interrupted;

/// Installs the handler for SIGINT, SIGTERM and SIGHUP. Called once, by the binary.
pub fn listen() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(EXIT_CODE));
        }
    })
}

/// To be called between blocks of work, wherever stopping loses nothing that is complete.
pub fn check() -> Result<(), Interrupted> {
    if ASKED.load(Ordering::Relaxed) { Err(Interrupted) } else { Ok(()) }
}
