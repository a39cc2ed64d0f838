//! One process at a time computes a step: the others wait and take what it has put. Processes may be of several machines that have
//! the store's folder in common.

use super::Store;
use crate::system::claim::{Claim, ClaimTerms, ClaimWatch, holder, is_held};
use crate::system::interrupt::{self, Interrupted};
use std::path::PathBuf;
use std::time::Duration;

/// Between two looks at a claim that another has: at first, and at last.
const SOON: Duration = Duration::from_millis(50);
const LATE: Duration = Duration::from_secs(2);

impl Store {
    /// Waits until no other process computes the step with this key; `waiting` is told once by whom it is, if any. `None` where
    /// the store's folder takes no files: then a step may be computed twice, which harms no result.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn claim(&self, digest: &str, step: &str, waiting: impl FnOnce(&str)) -> Result<Option<Claim>, Interrupted> {
        let path = self.claim_file(digest);
        let mut watch = ClaimWatch::at(&path, ClaimTerms::STANDARD);
        let mut waiting = Some(waiting);
        let mut pause = SOON;
        loop {
            match watch.take(step) {
                Ok(Some(claim)) => return Ok(Some(claim)),
                Ok(None) => {
                    if let Some(tell) = waiting.take() {
                        tell(&holder(&path));
                    }
                    interrupt::check()?;
                    std::thread::sleep(pause);
                    pause = (pause * 3 / 2).min(LATE);
                }
                Err(_) => return Ok(None),
            }
        }
    }

    /// The claim on a step, if it is free: for who looks after the store.
    pub(crate) fn claim_if_free(&self, digest: &str) -> Option<Claim> {
        Claim::take(&self.claim_file(digest), "maintenance").ok().flatten()
    }

    /// Whether a process computes the step with this key.
    pub(crate) fn is_claimed(&self, digest: &str) -> bool {
        is_held(&self.claim_file(digest))
    }

    /// Who computes the step with this key, in words; `None` where nobody does.
    pub fn claimed_by(&self, digest: &str) -> Option<String> {
        self.is_claimed(digest).then(|| holder(&self.claim_file(digest)))
    }

    pub(super) fn claims(&self) -> PathBuf {
        self.root().join("claims")
    }

    fn claim_file(&self, digest: &str) -> PathBuf {
        self.claims().join(digest)
    }
}
