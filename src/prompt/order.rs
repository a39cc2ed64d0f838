//! Numbers in random order.

use super::random::Random;
use std::collections::HashMap;

/// The numbers below a count in random order, without a list of them: Fisher and Yates, with only what was moved written down.
pub struct RandomOrder {
    left: usize,
    moved: HashMap<usize, usize>,
    random: Random,
}

impl RandomOrder {
    /// The numbers below `count`, in the order that `random` gives.
    pub fn new(count: usize, random: Random) -> Self {
        Self { left: count, moved: HashMap::new(), random }
    }
}

impl Iterator for RandomOrder {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let last = self.left.checked_sub(1)?;
        self.left = last;
        let at = self.random.below(last + 1);
        let number = self.moved.get(&at).copied().unwrap_or(at);
        let end = self.moved.remove(&last).unwrap_or(last);
        if at != last {
            self.moved.insert(at, end);
        }
        Some(number)
    }
}
