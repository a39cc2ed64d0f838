//! Random units beside those that a step names: as many of the same kind in the same layer.

use crate::prompt::Random;
use std::collections::HashSet;

/// What draws are of: the seed, the number of the draw, and the group whose prompts they are for where each has its own.
#[derive(Debug, Clone, Copy)]
pub struct MatchedDraw<'d> {
    /// The seed.
    pub seed: u64,
    /// Which draw, from 0.
    pub number: usize,
    /// Label of the group; empty where all have the same.
    pub group: &'d str,
}

impl MatchedDraw<'_> {
    /// One unit of `all` for each of `named`, in their order, drawn without replacement among those that are not named; where those
    /// are fewer, all of them and, for the rest, named ones. `place` says of which units, such as those of a hook: every place is drawn
    /// apart. Sets that are named at one place are drawn from one order, so that what is drawn for a part of a set is, but for its own units,
    /// a part of what is drawn for the set.
    pub fn units(&self, place: &str, named: &[usize], all: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut order: Vec<usize> = all.into_iter().collect();
        Random::new(self.seed, &["random-matched", place, &self.number.to_string(), self.group]).shuffle(&mut order);
        let own: HashSet<usize> = named.iter().copied().collect();
        let (mut drawn, own): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|unit| !own.contains(unit));
        drawn.extend(own);
        drawn.truncate(named.len());
        drawn
    }
}
