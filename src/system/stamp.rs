//! Whether a file may have changed, by what the file system says of it.

use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the file system says of a file that changes when its content does: size, times of the last write and, on Unix, of the
/// last change of any kind (which no program can set back) and the file's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    size: u64,
    modified: u128,
    changed: u128,
    file: [u64; 2],
}

/// A file written so recently may be written again within the same tick of the file system's clock.
const RECENT: Duration = Duration::from_secs(2);

impl Stamp {
    /// The stamp of a file, links followed.
    ///
    /// # Errors
    /// No such file, or no permission to look at it.
    pub fn of(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        let modified = metadata.modified()?;
        let (changed, file) = more(&metadata);
        Ok(Self { size: metadata.len(), modified: nanoseconds(modified), changed, file })
    }

    /// The file's size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether a file that still has this stamp still has the content it had when the stamp was taken, which was just now.
    pub fn settled(&self) -> bool {
        let last = self.modified.max(self.changed);
        nanoseconds(SystemTime::now()).checked_sub(last).is_some_and(|age| age > RECENT.as_nanos())
    }
}

fn nanoseconds(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

#[cfg(unix)]
fn more(metadata: &Metadata) -> (u128, [u64; 2]) {
    use std::os::unix::fs::MetadataExt;
    let changed = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
    (u128::try_from(changed).unwrap_or(0), [metadata.dev(), metadata.ino()])
}

#[cfg(not(unix))]
fn more(_: &Metadata) -> (u128, [u64; 2]) {
    (0, [0, 0])
}
