//! Counting, for all heuristics at once, how many of the k highest and lowest prompts they are associated with.
//!
//! Heuristics on one value are counted in a walk over the order that keeps, of each value, how many prompts have been passed:
//! where k is reached, a heuristic's count is the sum over its values. A pass costs
//! the same however many heuristics there are and whatever their k. Heuristics on two values have few prompts: theirs are looked up one by one.

use super::catalogue::Members;
use super::order::{Boundary, PromptOrder};
use super::problems::ProblemColumn;
use super::rule::RuleValue;
use super::score::{Score, Tail};

/// A heuristic as it is counted.
#[derive(Debug, Clone)]
pub struct CountedHeuristic {
    /// What it looks at.
    pub value: Option<RuleValue>,
    /// Its prompts.
    pub members: Members,
    /// How many they are.
    pub associated: usize,
    /// How many prompts are looked at, at least 1.
    pub k: usize,
}

/// How heuristics are counted in the order of one pattern.
#[derive(Debug)]
pub struct CountPlan {
    /// Those that are counted in the walk, by k.
    walked: Vec<WalkGroup>,
    /// Those whose prompts are looked up.
    looked_up: Vec<PairLookup>,
    /// Of each prompt, the index of its value in the first column and in the second.
    columns: Vec<[u32; 2]>,
    /// Extents of the columns.
    sizes: [usize; 2],
}

#[derive(Debug)]
struct WalkGroup {
    k: usize,
    members: Vec<Walked>,
}

#[derive(Debug)]
struct Walked {
    entry: usize,
    associated: usize,
    column: usize,
    values: Vec<u32>,
}

#[derive(Debug)]
struct PairLookup {
    entry: usize,
    k: usize,
    prompts: Vec<u32>,
}

/// What is kept from neuron to neuron, so that memory is asked for once.
#[derive(Debug, Default)]
pub struct CountScratch {
    passed: [Vec<u32>; 2],
    stops: Vec<Stop>,
    places: Vec<u32>,
    counts: Vec<[u32; 4]>,
}

/// A place where counts are taken: of a group, and as which of its four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stop {
    place: usize,
    group: usize,
    which: usize,
}

impl CountPlan {
    /// The plan for these of a catalogue's heuristics: `first` is the column of those on op1 or the result, `second` of those on
    /// op2.
    pub fn new<'h>(
        heuristics: impl Iterator<Item = (usize, &'h CountedHeuristic)>,
        first: &ProblemColumn,
        second: Option<&ProblemColumn>,
    ) -> Self {
        let mut walked: Vec<WalkGroup> = Vec::new();
        let mut looked_up = Vec::new();
        for (entry, CountedHeuristic { value, members, associated, k }) in heuristics {
            match members {
                Members::Prompts(prompts) => looked_up.push(PairLookup { entry, k: *k, prompts: prompts.clone() }),
                Members::Values(values) => {
                    let column = usize::from(*value == Some(RuleValue::Op2));
                    let one = Walked { entry, associated: *associated, column, values: values.clone() };
                    match walked.iter_mut().find(|group| group.k == *k) {
                        Some(group) => group.members.push(one),
                        None => walked.push(WalkGroup { k: *k, members: vec![one] }),
                    }
                }
            }
        }
        let indices = |prompt: usize| [first.index[prompt], second.map_or(0, |column| column.index[prompt])];
        Self {
            walked,
            looked_up,
            columns: (0..first.index.len()).map(indices).collect(),
            sizes: [first.values.len(), second.map_or(1, |column| column.values.len())],
        }
    }

    /// The scores of the plan's heuristics, written to `scores` at their numbers. `low`: the lowest prompts are tried as well,
    /// and the better score counts; the high one, where they are equal.
    pub fn score(&self, order: &PromptOrder, low: bool, scratch: &mut CountScratch, scores: &mut [Score]) {
        if !self.walked.is_empty() {
            self.walk(order, low, scratch, scores);
        }
        if !self.looked_up.is_empty() {
            self.look_up(order, low, scratch, scores);
        }
    }

    fn walk(&self, order: &PromptOrder, low: bool, scratch: &mut CountScratch, scores: &mut [Score]) {
        let CountScratch { passed, stops, counts, .. } = scratch;
        for (passed, size) in passed.iter_mut().zip(self.sizes) {
            passed.clear();
            passed.resize(size, 0);
        }
        stops.clear();
        let boundaries: Vec<[Boundary; 2]> = self.walked.iter().map(|group| ends(order, group.k)).collect();
        for (group, ends) in boundaries.iter().enumerate() {
            for (tail, end) in ends.iter().enumerate().take(if low { 2 } else { 1 }) {
                stops.push(Stop { place: end.start, group, which: 2 * tail });
                if end.end > end.start {
                    stops.push(Stop { place: end.end, group, which: 2 * tail + 1 });
                }
            }
        }
        stops.sort_unstable();
        counts.clear();
        counts.resize(scores.len(), [0; 4]);
        let mut at = 0;
        for stop in stops.iter() {
            for prompt in order.prompts(at..stop.place) {
                let [first, second] = self.columns[prompt];
                passed[0][first as usize] += 1;
                passed[1][second as usize] += 1;
            }
            at = stop.place;
            for one in &self.walked[stop.group].members {
                let passed = &passed[one.column];
                let sum = one.values.iter().map(|&value| passed[value as usize]).sum();
                counts[one.entry][stop.which] = sum;
            }
        }
        for (group, ends) in self.walked.iter().zip(&boundaries) {
            for one in &group.members {
                scores[one.entry] = score(&counts[one.entry], ends, one.associated, group.k, low);
            }
        }
    }

    fn look_up(&self, order: &PromptOrder, low: bool, scratch: &mut CountScratch, scores: &mut [Score]) {
        let places = &mut scratch.places;
        places.resize(order.len(), 0);
        for (place, prompt) in (0..).zip(order.prompts(0..order.len())) {
            places[prompt] = place;
        }
        for PairLookup { entry, k, prompts } in &self.looked_up {
            let ends = ends(order, *k);
            let [high, low_end] = ends;
            let limits = [high.start, high.end, low_end.start, low_end.end].map(|limit| limit as u32);
            let mut counts = [0_u32; 4];
            for &prompt in prompts {
                let place = places[prompt as usize];
                for (count, limit) in counts.iter_mut().zip(limits) {
                    *count += u32::from(place < limit);
                }
            }
            scores[*entry] = score(&counts, &ends, prompts.len(), *k, low);
        }
    }
}

/// Expected counts are sums of products: tails that differ by less are as good.
pub const ROUNDING: f64 = 1e-9;

/// The boundary after the k highest prompts, and that before the k lowest.
fn ends(order: &PromptOrder, k: usize) -> [Boundary; 2] {
    [order.boundary(k), order.boundary(order.len() - k)]
}

/// The better of both tails from the counts before the starts and ends of their boundaries' blocks.
fn score(counts: &[u32; 4], ends: &[Boundary; 2], associated: usize, k: usize, low: bool) -> Score {
    let before = |tail: usize| {
        let start = counts[2 * tail] as usize;
        // A boundary that cuts no block has no second count.
        ends[tail].expected(start, start.max(counts[2 * tail + 1] as usize))
    };
    let high = before(0) / k as f64;
    if low {
        let low = (associated as f64 - before(1)) / k as f64;
        if low > high + ROUNDING {
            return Score { share: low, tail: Tail::Low };
        }
    }
    Score { share: high, tail: Tail::High }
}
