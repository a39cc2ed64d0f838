//! Sets of unrelated results, found from what a neuron does (paper appendix E).

use super::count::ROUNDING;
use super::order::PromptOrder;
use super::problems::ProblemColumn;
use super::score::Tail;

/// A set has so many results at most.
const MOST_RESULTS: usize = 4;
/// Results that a set is made of: so many of the highest mean.
const CANDIDATES: usize = 6;
/// A set covers more than this share of as many highest prompts as have its results.
pub const COVERED: f64 = 0.95;

/// Results that a neuron fires for.
#[derive(Debug, Clone, PartialEq)]
pub struct MultiResult {
    /// The results, ascending.
    pub results: Vec<i64>,
    /// Prompts that have one of them.
    pub associated: usize,
    /// The share that they cover of as many highest prompts.
    pub score: f64,
}

/// What is asked of a set.
#[derive(Debug, Clone, Copy)]
pub struct MultiResultSearch {
    /// Which end of the values.
    pub tail: Tail,
    /// The fewest prompts that have each of its results.
    pub least: usize,
    /// The most prompts that are looked at.
    pub cap: Option<usize>,
    /// The share of each result's own prompts that must be among those looked at.
    pub own: f64,
}

/// The set of results that covers most of the highest prompts (of the low tail: the lowest): more than [`COVERED`] of as many as
/// have its results, and of each of its results a share `own`. `None` where that is a single result, or a run of consecutive
/// ones, which is a range.
///
/// Sets are of up to [`MOST_RESULTS`] of the [`CANDIDATES`] results with the highest mean value, of those that enough prompts have:
/// the mean of few is high by chance, and what is said of 5,000 prompts with result 0 is as true with one more. Of sets that
/// cover as much, the smallest. That is asked instead of the smallest set that covers enough, because results have unlike numbers
/// of prompts: of those with result 1, 2 or 7, {1, 2} are more than 95 %, and 7 would never be found.
pub fn find(
    values: &[f32],
    order: &PromptOrder,
    results: &ProblemColumn,
    search: MultiResultSearch,
) -> Option<MultiResult> {
    let candidates = candidates(values, results, search);
    let places = places(order, results, &candidates);
    let mut best: Option<MultiResult> = None;
    for set in (1..=MOST_RESULTS).flat_map(|size| subsets(candidates.len(), size)) {
        let count = |number: &usize| results.counts[candidates[*number] as usize];
        let associated: usize = set.iter().map(count).sum();
        let k = search.cap.map_or(associated, |cap| associated.min(cap));
        let boundary = order.boundary(match search.tail {
            Tail::High => k,
            Tail::Low => order.len() - k,
        });
        // How many prompts of each result are among the k.
        let covered = |number: &usize| {
            let before = |place: usize| places[*number].partition_point(|&at| (at as usize) < place);
            let expected = boundary.expected(before(boundary.start), before(boundary.end));
            match search.tail {
                Tail::High => expected,
                Tail::Low => places[*number].len() as f64 - expected,
            }
        };
        let score = set.iter().map(covered).sum::<f64>() / k as f64;
        // Of a capped k no more than that many can be of a result.
        let own = set.iter().all(|number| covered(number) >= search.own * count(number).min(k / set.len()) as f64);
        if score > COVERED && own && best.as_ref().is_none_or(|best| score > best.score + ROUNDING) {
            let mut results: Vec<i64> = set.iter().map(|&number| results.values[candidates[number] as usize]).collect();
            results.sort_unstable();
            best = Some(MultiResult { results, associated, score });
        }
    }
    // A single result is a run as well.
    best.filter(|found| found.results.windows(2).any(|pair| pair[1] - pair[0] != 1))
}

/// The results of the highest (of the low tail: lowest) mean that enough prompts have, as indices; of equal ones the smaller
/// result first.
fn candidates(values: &[f32], results: &ProblemColumn, search: MultiResultSearch) -> Vec<u32> {
    let mut sums = vec![0.0; results.values.len()];
    results.index.iter().zip(values).for_each(|(&index, &value)| sums[index as usize] += f64::from(value));
    let means: Vec<f64> = sums.iter().zip(&results.counts).map(|(sum, &count)| sum / count as f64).collect();
    let mut order: Vec<u32> = (0..means.len() as u32).collect();
    order.retain(|&result| results.counts[result as usize] >= search.least);
    order.sort_by(|&one, &other| {
        let ascending = means[one as usize].total_cmp(&means[other as usize]);
        if search.tail == Tail::High { ascending.reverse() } else { ascending }
    });
    order.truncate(CANDIDATES);
    order
}

/// The places that the prompts of each candidate have in the order, ascending.
fn places(order: &PromptOrder, results: &ProblemColumn, candidates: &[u32]) -> Vec<Vec<u32>> {
    let mut number = vec![usize::MAX; results.values.len()];
    candidates.iter().enumerate().for_each(|(candidate, &index)| number[index as usize] = candidate);
    let mut places = vec![Vec::new(); candidates.len()];
    for (place, prompt) in (0..).zip(order.prompts(0..order.len())) {
        if let Some(places) = places.get_mut(number[results.index[prompt] as usize]) {
            places.push(place);
        }
    }
    places
}

/// The sets of `size` of the numbers below `of`, those of the smallest numbers first.
fn subsets(of: usize, size: usize) -> impl Iterator<Item = Vec<usize>> {
    (0_u32..1 << of)
        .filter(move |bits| bits.count_ones() as usize == size)
        .map(move |bits| (0..of).filter(|number| bits >> number & 1 == 1).collect())
}
