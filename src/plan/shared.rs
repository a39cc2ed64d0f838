//! Steps that several of the specs of one command have.

use super::{Plan, Session};
use crate::Error;
use crate::store::key::Keys;
use std::collections::HashSet;

impl Session {
    /// Finds the steps that several of these specs have.
    ///
    /// # Errors
    /// Models whose files are no longer there.
    pub fn share(&mut self, plans: &[Plan]) -> Result<(), Error> {
        let mut seen = HashSet::new();
        for variant in plans.iter().flat_map(Plan::variants) {
            let keys = Keys::to_compare(variant.loaded, &variant.models);
            for planned in &variant.steps {
                let key = keys.of(planned.step)?.digest.clone();
                if !seen.insert(key.clone()) {
                    self.note_shared(key);
                }
            }
        }
        Ok(())
    }
}
