//! Ctrl-C and the signals that ask a process to end. While there is nothing to lose the process ends at once. Once results are being
//! made, the work is asked to stop at the next safe place, and what does not stop soon is ended where it is: files are whole or not
//! there at all times. A second signal ends the process at once. Either way one line says what is kept and how to go on.

use super::claim;
use crate::counted::counted;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

/// The signal that asked, 0 while none has.
static ASKED: AtomicI32 = AtomicI32::new(0);
/// What there is to go on from: an [`InterruptStage`].
static STAGE: AtomicU8 = AtomicU8::new(InterruptStage::Before as u8);
/// How many steps this process has computed and stored.
static STORED: AtomicUsize = AtomicUsize::new(0);
/// Whether the sentence is said: once. Held while it is written, so that the process does not end between the two.
static SAID: Mutex<bool> = Mutex::new(false);
/// Held while files are put in their places.
static UNDISTURBED: Mutex<()> = Mutex::new(());
/// Temporary folders, which a process that is ended where it is does not take away by itself.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// What is to be done before a signal ends the process.
static LAST: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// How long the work may take to its next safe place.
const PATIENCE: Duration = Duration::from_millis(1200);
/// The same after a warning that comes before the end: SIGUSR2, by which schedulers tell of a time limit. In milliseconds.
static WARNED: AtomicU64 = AtomicU64::new(75_000);
/// How long one waits for files to be put in their places, and for the sentence to be written.
const MOMENT: Duration = Duration::from_millis(300);

/// SIGINT, and what its number is added to for an exit code.
const SIGINT: i32 = 2;
/// SIGUSR2 on Linux; it does not come elsewhere.
const SIGUSR2: i32 = 12;
const CODE: i32 = 128;

/// What there is to go on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterruptStage {
    /// Nothing is computed yet.
    Before,
    /// Steps are computed, and a store keeps what is complete.
    Kept,
    /// Steps are computed, and nothing is kept.
    Lost,
}

/// The work was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

impl std::error::Error for Interrupted {}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match STAGE.load(Ordering::Relaxed) {
            stage if stage == InterruptStage::Kept as u8 => {
                let steps = match STORED.load(Ordering::Relaxed) {
                    0 => String::new(),
                    stored => format!(" ({} of this run)", counted(stored, "step")),
                };
                write!(
                    f,
                    "interrupted; what was complete{steps} is kept in the store, and the same command continues from there"
                )
            }
            stage if stage == InterruptStage::Lost as u8 => f.write_str(
                "interrupted; nothing is kept because the store is off, so the same command starts from the beginning",
            ),
            _ => f.write_str("interrupted before anything was computed; the same command starts from the beginning"),
        }
    }
}

/// Says what there is to go on from. What was to be had once is not taken back: of several specs one may have no store.
pub fn stage(stage: InterruptStage) {
    if STAGE.load(Ordering::Relaxed) != InterruptStage::Kept as u8 {
        STAGE.store(stage as u8, Ordering::Relaxed);
    }
}

/// Counts a step that was computed and stored, to be told of where the work is stopped.
pub fn stored_a_step() {
    STORED.fetch_add(1, Ordering::Relaxed);
}

/// To be called between blocks of work, wherever stopping loses nothing that is complete.
pub fn check() -> Result<(), Interrupted> {
    if ASKED.load(Ordering::Relaxed) == 0 { Ok(()) } else { Err(Interrupted) }
}

/// Whether it was a warning that the time limit of a scheduler is near, and no wish to end the work.
pub fn warned() -> bool {
    ASKED.load(Ordering::Relaxed) == SIGUSR2
}

/// Says how long before the end the warning comes: some of that is left for what is done last.
pub fn warned_before(end: Duration) {
    WARNED.store(u64::try_from(end.as_millis() * 5 / 8).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// Has something done once before a signal ends the process, be it by the work's own end or from without.
pub fn before_the_end(work: impl FnOnce() + Send + 'static) {
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(work));
}

/// Does what is to be done before the end, if that is not done yet.
pub fn do_last() {
    // Held meanwhile: the process does not end while another of its threads is at it.
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(work) = last.take() {
        work();
    }
}

/// The exit code of what was interrupted: 130 after SIGINT, 143 after SIGTERM, 140 after SIGUSR2.
pub fn exit_code() -> u8 {
    let signal = match ASKED.load(Ordering::Relaxed) {
        0 => SIGINT,
        signal => signal,
    };
    u8::try_from(CODE + signal).unwrap_or(u8::MAX)
}

/// Does what is not to be cut off, such as several files put in their places one after the other; it has to be quick.
pub fn undisturbed<R>(work: impl FnOnce() -> R) -> R {
    let _held = UNDISTURBED.lock().unwrap_or_else(PoisonError::into_inner);
    work()
}

/// Takes note of a temporary folder that is to go with the process.
pub fn goes_with_the_process(folder: &Path) {
    TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).push(folder.to_path_buf());
}

/// Says the sentence, by `write`, where nobody has; returns when it is said.
pub fn say_once(write: impl FnOnce()) {
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if !*said {
        write();
        *said = true;
    }
}

/// What a signal does.
fn asked(signal: i32) {
    let first = ASKED.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    if !first {
        within_a_moment(say_how_to_go_on);
        within_a_moment(claim::give_back_all);
        std::process::exit(i32::from(exit_code()));
    }
    let begun = STAGE.load(Ordering::Relaxed) != InterruptStage::Before as u8;
    std::thread::spawn(move || {
        if begun {
            let warned = Duration::from_millis(WARNED.load(Ordering::Relaxed));
            std::thread::sleep(if signal == SIGUSR2 { warned } else { PATIENCE });
        }
        end();
    });
}

/// Says how to go on and ends the process, wherever the work is.
fn end() -> ! {
    within_a_moment(|| drop(UNDISTURBED.lock().unwrap_or_else(PoisonError::into_inner)));
    // A reader of standard error that has stopped reading is not waited for.
    within_a_moment(say_how_to_go_on);
    within_a_moment(|| {
        claim::give_back_all();
        for folder in TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = std::fs::remove_dir_all(folder);
        }
    });
    do_last();
    std::process::exit(i32::from(exit_code()))
}

fn say_how_to_go_on() {
    say_once(|| {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "error: {Interrupted}");
    });
}

fn within_a_moment(work: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    let _ = wait.recv_timeout(MOMENT);
}

/// Waits for SIGINT, SIGTERM, SIGUSR2 and SIGHUP from now on. To be called first of all: threads that were there before would take them.
///
/// # Errors
/// No thread to be had.
#[cfg(unix)]
pub fn listen() -> std::io::Result<()> {
    use nix::sys::signal::{SigSet, Signal};
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGUSR2);
    if !ignores_hangups() {
        signals.add(Signal::SIGHUP);
    }
    signals.thread_block()?;
    let wait = move || {
        while let Ok(signal) = signals.wait() {
            asked(signal as i32);
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map(drop)
}

/// Whether the process was started with `nohup`, as far as that is known.
#[cfg(unix)]
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}

/// The same.
///
/// # Errors
/// A handler that cannot be installed.
#[cfg(not(unix))]
pub fn listen() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| asked(SIGINT))
}
