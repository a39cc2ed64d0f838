//! Claims on a piece of work, between processes of one machine or of several that share a file system.
//!
//! A claim is a file that was made by exclusive creation, which every shared file system keeps to, network ones included; locks of the
//! operating system are not relied on. While its holder lives, it touches the file every few seconds. Whoever waits looks at the file
//! and breaks a claim whose holder is gone: at once where that is certain (the process was of this machine, and is no more; or of an
//! earlier start of the same cluster job), else when the file has stood still for [`ClaimTerms::stale`] by the clock of the waiting
//! process. Clocks of machines are never compared.

use super::digests::of_bytes;
use super::host::{host, is_alive, process_start, space};
use super::job::ClusterJob;
use super::time::{now, utc};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How often a claim is touched, and how long it stands still before it is broken.
#[derive(Debug, Clone, Copy)]
pub struct ClaimTerms {
    /// Between two touches.
    pub beat: Duration,
    /// Without a touch, by the clock of who waits. Many times `beat`: a file server may be slow.
    pub stale: Duration,
}

impl ClaimTerms {
    /// Those of all processes that share a store.
    pub const STANDARD: Self = Self { beat: Duration::from_secs(10), stale: Duration::from_secs(120) };
}

/// A file that has nothing in it yet: whoever makes one writes it within moments.
const EMPTY: Duration = Duration::from_secs(10);
/// A mark of who breaks a claim, which takes moments, is left over when it is older.
const BREAKING: Duration = Duration::from_secs(60);

/// A claim that is held; given back when dropped.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    text: Vec<u8>,
}

/// Who has a claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ClaimHolder {
    process: u32,
    /// When the process began, by the machine's own count: numbers of processes come again.
    began: Option<u64>,
    host: String,
    /// The start of the machine and the space of process numbers within it: only there does `process` mean anything.
    space: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job: Option<ClusterJob>,
    work: String,
    since: u64,
    /// Which claim: no two are the same text.
    number: u64,
}

/// The claims of this process, which one thread touches.
static HELD: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

impl Claim {
    /// Takes the claim that a file stands for, on some work. `None`: another has it, for all that can be said at once.
    ///
    /// # Errors
    /// A folder that takes no files.
    pub fn take(path: &Path, work: &str) -> io::Result<Option<Self>> {
        ClaimWatch::at(path, ClaimTerms::STANDARD).take(work)
    }

    fn make(path: &Path, work: &str, terms: ClaimTerms) -> io::Result<Option<Self>> {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let holder = ClaimHolder {
            process: std::process::id(),
            began: process_start(std::process::id()),
            host: host(),
            space: space(),
            job: ClusterJob::here(),
            work: work.into(),
            since: now(),
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
        };
        let text = serde_json::to_vec(&holder)?;
        let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(error),
        };
        // Closed before it counts: a network file system then has it for all.
        if let Err(error) = file.write_all(&text).and_then(|()| file.flush()) {
            drop(file);
            let _ = fs::remove_file(path);
            return Err(error);
        }
        drop(file);
        held().push(path.to_path_buf());
        keep_touching(terms.beat);
        Ok(Some(Self { path: path.to_path_buf(), text }))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        held().retain(|path| *path != self.path);
        // One that was thought to be gone, and is not, leaves the claim of who took over.
        if read(&self.path).is_ok_and(|text| text == self.text) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Gives back all claims: the process is about to end.
pub(super) fn give_back_all() {
    for path in held().drain(..) {
        let _ = fs::remove_file(path);
    }
}

fn held() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One thread of the process touches all its claims, from the first one on.
fn keep_touching(beat: Duration) {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let touch = move || {
            loop {
                std::thread::sleep(beat);
                for path in held().iter() {
                    let _ = OpenOptions::new()
                        .append(true)
                        .open(path)
                        .and_then(|file| file.set_modified(SystemTime::now()));
                }
            }
        };
        // Without the thread others may take over after a while, which costs time and harms no result.
        let _ = std::thread::Builder::new().name("claims".into()).spawn(touch);
    });
}

/// What is seen of a claim by who waits for it.
pub struct ClaimWatch {
    path: PathBuf,
    terms: ClaimTerms,
    seen: Option<ClaimSight>,
    alive: bool,
}

/// A claim as it was seen last.
struct ClaimSight {
    text: Vec<u8>,
    touched: Option<SystemTime>,
    since: Instant,
}

impl ClaimWatch {
    /// Of the claim that a file stands for.
    pub fn at(path: &Path, terms: ClaimTerms) -> Self {
        Self { path: path.to_path_buf(), terms, seen: None, alive: false }
    }

    /// Takes the claim, broken where its holder is gone. `None`: another has it; to be asked again in a while.
    ///
    /// # Errors
    /// A folder that takes no files.
    pub fn take(&mut self, work: &str) -> io::Result<Option<Claim>> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Another may be quicker after each break: then it has the claim.
        for _ in 0..3 {
            if let Some(claim) = Claim::make(&self.path, work, self.terms)? {
                return Ok(Some(claim));
            }
            if !self.is_gone()? {
                return Ok(None);
            }
            self.break_it()?;
        }
        Ok(None)
    }

    /// Whether the holder of the claim, which was not to be had, is certainly alive: a process of this machine that is there, one of
    /// another machine that has touched the claim since it was first seen, or a job that the scheduler says is running. What can be
    /// said of it may be more at the next look.
    pub fn is_alive(&self) -> bool {
        self.alive
    }

    /// Looks at the claim: whether its holder is gone.
    fn is_gone(&mut self) -> io::Result<bool> {
        self.alive = false;
        // Opened, and not only asked about: a network file system may answer from memory otherwise.
        let (text, touched) = match File::open(&self.path) {
            Ok(mut file) => {
                let mut text = Vec::new();
                file.read_to_end(&mut text)?;
                (text, file.metadata().and_then(|about| about.modified()).ok())
            }
            // Given back since.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let holder: Option<ClaimHolder> = serde_json::from_slice(&text).ok();
        let still = match &mut self.seen {
            Some(seen) if seen.text == text && seen.touched == touched => seen.since.elapsed(),
            seen => {
                self.alive = seen.as_ref().is_some_and(|seen| seen.text == text);
                *seen = Some(ClaimSight { text, touched, since: Instant::now() });
                Duration::ZERO
            }
        };
        Ok(match holder {
            None => still >= EMPTY.min(self.terms.stale),
            Some(holder) => match holder.lives() {
                Some(lives) => {
                    self.alive = lives;
                    !lives
                }
                None if still < self.terms.stale => false,
                None => {
                    self.alive = holder.job.as_ref().is_some_and(ClusterJob::is_under_way);
                    !self.alive
                }
            },
        })
    }

    /// Takes the claim that was seen out of the way. Who makes the mark of its own for it does, and nobody else.
    fn break_it(&mut self) -> io::Result<()> {
        let Some(seen) = self.seen.take() else { return Ok(()) };
        let mark = beside(&self.path, &format!("breaking-{}", &of_bytes(&seen.text)[..12]));
        match OpenOptions::new().write(true).create_new(true).open(&mark) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let age =
                    fs::metadata(&mark).and_then(|about| about.modified()).ok().and_then(|time| time.elapsed().ok());
                if age.is_some_and(|age| age > BREAKING) {
                    let _ = fs::remove_file(&mark);
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let aside = beside(&self.path, &format!("gone-{}-{}", std::process::id(), &of_bytes(&seen.text)[..12]));
        if read(&self.path).is_ok_and(|text| text == seen.text) && fs::rename(&self.path, &aside).is_ok() {
            // Between the two looks at it nobody should have taken it; if somebody has, it is put back.
            if read(&aside).is_ok_and(|text| text != seen.text) {
                let _ = fs::hard_link(&aside, &self.path);
            }
            let _ = fs::remove_file(&aside);
        }
        fs::remove_file(&mark)
    }
}

impl ClaimHolder {
    /// Whether the process that has the claim is still there, as far as that can be said from here.
    fn lives(&self) -> Option<bool> {
        if self.space.is_some() && self.space == space() && self.host == host() {
            return is_alive(self.process, self.began);
        }
        // The same job has been started again: whoever it was before is no more.
        let here = ClusterJob::here()?;
        let job = self.job.as_ref()?;
        (here.id == job.id && here.restarts > job.restarts).then_some(false)
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.{ending}"))
}

/// Who has a claim, in words, as far as that is known.
pub(crate) fn holder(path: &Path) -> String {
    let holder = read(path).ok().and_then(|text| serde_json::from_slice::<ClaimHolder>(&text).ok());
    let Some(ClaimHolder { process, host: on, job, since, .. }) = holder else { return "another process".into() };
    if process == std::process::id() && on == host() {
        return "another spec of this run".into();
    }
    let (who, on) = match job {
        // What the cluster calls the machine is what people ask it about.
        Some(job) => (format!("job {}", job.name()), if job.node.is_empty() { on } else { job.node }),
        None => (format!("process {process}"), on),
    };
    format!("{who} on {on}, since {}", utc(since))
}

/// Whether a claim is held, for all that can be said at once: of another machine's, whether it was touched lately.
pub(crate) fn is_held(path: &Path) -> bool {
    let Ok(text) = read(path) else { return false };
    let holder = serde_json::from_slice::<ClaimHolder>(&text).ok();
    holder.and_then(|holder| holder.lives()).unwrap_or_else(|| {
        let age = fs::metadata(path).and_then(|about| about.modified()).ok().and_then(|time| time.elapsed().ok());
        age.is_none_or(|age| age < ClaimTerms::STANDARD.stale)
    })
}
