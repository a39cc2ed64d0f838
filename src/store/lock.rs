//! One process at a time computes a step: the others wait and take what it has put.

use super::Store;
use crate::system::interrupt::{self, Interrupted};
use crate::system::lock::{Lock, owner};
use std::time::Duration;

/// Between two looks at a lock that another has.
const PATIENCE: Duration = Duration::from_millis(100);

impl Store {
    /// Waits until no other process computes the step with this key; `waiting` is told once by whom it is, if any. `None` where
    /// the store's folder takes no locks: then a step may be computed twice, which harms no result.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn lock(&self, digest: &str, step: &str, waiting: impl FnOnce(&str)) -> Result<Option<Lock>, Interrupted> {
        let path = self.locks().join(digest);
        let mut waiting = Some(waiting);
        loop {
            match Lock::take(&path, step) {
                Ok(Some(lock)) => return Ok(Some(lock)),
                Ok(None) => {
                    if let Some(tell) = waiting.take() {
                        tell(&owner(&path));
                    }
                    interrupt::check()?;
                    std::thread::sleep(PATIENCE);
                }
                Err(_) => return Ok(None),
            }
        }
    }
}
