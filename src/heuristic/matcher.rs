//! Algorithm 1 of the paper: which heuristics a neuron implements.

use super::catalogue::catalogue;
use super::chance::Chance;
use super::count::{self, CountPlan, CountedHeuristic};
use super::multi;
use super::order::PromptOrder;
use super::problems::{ArithmeticProblem, ProblemColumns};
use super::rule::Heuristic;
use super::score::{Score, Tail};
use crate::spec::Operator;
use crate::spec::step::{HeuristicType, HeuristicVariant, ScoreCap, ZeroResults};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// What is looked for, and what counts as found.
#[derive(Debug, Clone, PartialEq)]
pub struct MatcherOptions {
    /// Whose lists of heuristics.
    pub variant: HeuristicVariant,
    /// Types that are looked for.
    pub types: Vec<HeuristicType>,
    /// Least score of a match.
    pub threshold: f64,
    /// Most prompts that are looked at, of heuristics on the results of × and ÷.
    pub cap: ScoreCap,
    /// What becomes of prompts whose result is 0.
    pub zero_results: ZeroResults,
    /// Fewest prompts that a heuristic is associated with.
    pub min_associated: usize,
    /// Heuristics that a neuron without any order would match with a greater probability than this are left out.
    pub max_chance: f64,
    /// Whether the lowest values are tried as well: those of gated MLPs can be strongly negative.
    pub low_tail: bool,
}

impl MatcherOptions {
    /// The defaults of a variant; see docs/heuristics.md for why. The low tail is tried.
    pub fn new(variant: HeuristicVariant) -> Self {
        Self {
            variant,
            types: HeuristicType::ALL.to_vec(),
            threshold: 0.6,
            cap: ScoreCap::of(variant),
            zero_results: ZeroResults::of(variant),
            min_associated: 10,
            max_chance: 0.01,
            low_tail: true,
        }
    }
}

/// A heuristic that neurons are matched with.
#[derive(Debug, Clone, PartialEq)]
pub struct MatcherEntry {
    /// The heuristic.
    pub heuristic: Heuristic,
    /// Prompts that it is associated with.
    pub associated: usize,
    /// How many of the highest and of the lowest prompts are looked at: as many, or the cap.
    pub k: usize,
    /// The probability that a neuron whose values are in random order matches it; with two tails, at most.
    pub chance: f64,
}

/// A heuristic that a neuron implements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// The heuristic.
    pub heuristic: Heuristic,
    /// Prompts that it is associated with.
    pub associated: usize,
    /// The share of the prompts looked at that are associated with it.
    pub score: f64,
    /// At which end of the neuron's values.
    pub tail: Tail,
}

/// Matches neurons with the heuristics that the prompts of an operator allow.
#[derive(Debug)]
pub struct Matcher {
    options: MatcherOptions,
    operator: Operator,
    /// Results by prompt as they were given, and which prompts are matched; `None` for all.
    given: usize,
    kept: Option<Vec<u32>>,
    columns: ProblemColumns,
    entries: Vec<MatcherEntry>,
    indirect: CountPlan,
    direct: CountPlan,
}

/// What is kept from neuron to neuron, so that memory is asked for once.
#[derive(Debug, Default)]
pub struct MatcherScratch {
    /// In the end, of the effective pattern.
    order: PromptOrder,
    effective: Vec<f32>,
    /// Whether the effective pattern has an order.
    ordered: bool,
    count: count::CountScratch,
}

impl Matcher {
    /// The heuristics of an operator on these prompts.
    pub fn new(problems: &[ArithmeticProblem], operator: Operator, options: MatcherOptions) -> Self {
        let kept: Option<Vec<u32>> = (options.zero_results == ZeroResults::Drop)
            .then(|| (0..).zip(problems).filter(|(_, problem)| problem.result != 0).map(|(index, _)| index).collect());
        let columns = match &kept {
            None => ProblemColumns::new(problems),
            Some(kept) => ProblemColumns::new(&kept.iter().map(|&index| problems[index as usize]).collect::<Vec<_>>()),
        };
        let cap = cap(&columns, operator, &options);
        let chance = Chance::new(columns.len());
        let mut entries = Vec::new();
        let mut counted = Vec::new();
        for listed in catalogue(&columns, operator, options.variant, &options.types) {
            let direct = listed.heuristic.is_direct();
            let k = cap.filter(|_| direct).map_or(listed.associated, |cap| listed.associated.min(cap));
            let tails = if options.low_tail { 2.0 } else { 1.0 };
            let least = least(options.threshold, k);
            let chance = (tails * chance.of(columns.len(), listed.associated, k, least)).min(1.0);
            if listed.associated < options.min_associated || chance > options.max_chance {
                continue;
            }
            counted.push(CountedHeuristic {
                value: listed.heuristic.value(),
                members: listed.members,
                associated: listed.associated,
                k,
            });
            entries.push(MatcherEntry { heuristic: listed.heuristic, associated: listed.associated, k, chance });
        }
        let of = |direct: bool| {
            let entries = &entries;
            counted.iter().enumerate().filter(move |(entry, _)| entries[*entry].heuristic.is_direct() == direct)
        };
        let indirect = CountPlan::new(of(false), &columns.a, Some(&columns.b));
        let direct = CountPlan::new(of(true), &columns.result, None);
        Self { options, operator, given: problems.len(), kept, columns, entries, indirect, direct }
    }

    /// The heuristics that neurons are matched with, sets of results aside.
    pub fn entries(&self) -> &[MatcherEntry] {
        &self.entries
    }

    /// The results that prompts have, ascending: those whose logits are asked for.
    pub fn results(&self) -> &[i64] {
        &self.columns.result.values
    }

    /// How many prompts are matched.
    pub fn prompts(&self) -> usize {
        self.columns.len()
    }

    /// The effective pattern of the prompts that are matched: a neuron's activation at each of the given prompts times the logit
    /// of the prompt's result in its value vector, `result_logits` in the order of [`Self::results`].
    pub fn effective<'v>(&'v self, activations: &'v [f32], result_logits: &'v [f32]) -> impl Iterator<Item = f32> + 'v {
        let results = &self.columns.result.index;
        self.of_kept(activations).zip(results).map(|(value, &result)| value * result_logits[result as usize])
    }

    /// Scores of the [`Self::entries`]. `activations` are the neuron's at every prompt the matcher was made from; `result_logits`
    /// those of its value vector at [`Self::results`]. Values that are not all numbers have no order, and scores that are none.
    ///
    /// # Panics
    /// When there are not as many values as that.
    pub fn scores(&self, activations: &[f32], result_logits: &[f32], scratch: &mut MatcherScratch) -> Vec<Score> {
        let mut scores = vec![Score::NONE; self.entries.len()];
        self.score_indirect(activations, scratch, &mut scores);
        self.score_direct(activations, result_logits, scratch, &mut scores);
        scores
    }

    /// The heuristics that a neuron implements: those of the catalogue whose score reaches the threshold, and for ÷ the set of
    /// results that it fires for; the best first, of equal ones that of most prompts.
    ///
    /// # Panics
    /// As [`Self::scores`].
    pub fn matches(&self, activations: &[f32], result_logits: &[f32], scratch: &mut MatcherScratch) -> Vec<Match> {
        let scores = self.scores(activations, result_logits, scratch);
        self.reached(&scores, scratch)
    }

    /// Those of them that are on the result.
    ///
    /// # Panics
    /// As [`Self::scores`].
    pub(crate) fn direct_matches(
        &self,
        activations: &[f32],
        result_logits: &[f32],
        scratch: &mut MatcherScratch,
    ) -> Vec<Match> {
        let mut scores = vec![Score::NONE; self.entries.len()];
        self.score_direct(activations, result_logits, scratch, &mut scores);
        self.reached(&scores, scratch)
    }

    /// Those of the catalogue that are on operands.
    ///
    /// # Panics
    /// When there is not one activation per prompt.
    pub(crate) fn indirect_matches(&self, activations: &[f32], scratch: &mut MatcherScratch) -> Vec<Match> {
        let mut scores = vec![Score::NONE; self.entries.len()];
        self.score_indirect(activations, scratch, &mut scores);
        scratch.ordered = false;
        self.reached(&scores, scratch)
    }

    /// [`Self::matches`] of several neurons, one after the other in `activations` and `result_logits`, on all processors.
    ///
    /// # Panics
    /// As [`Self::scores`].
    pub fn classify(&self, activations: &[f32], result_logits: &[f32]) -> Vec<Vec<Match>> {
        self.each(activations, result_logits, Self::matches)
    }

    /// [`Self::direct_matches`] of several neurons.
    ///
    /// # Panics
    /// As [`Self::scores`].
    pub fn classify_direct(&self, activations: &[f32], result_logits: &[f32]) -> Vec<Vec<Match>> {
        self.each(activations, result_logits, Self::direct_matches)
    }

    /// [`Self::indirect_matches`] of several neurons.
    ///
    /// # Panics
    /// As [`Self::indirect_matches`].
    pub fn classify_indirect(&self, activations: &[f32]) -> Vec<Vec<Match>> {
        let neurons = activations.par_chunks_exact(self.given.max(1));
        neurons
            .map_init(MatcherScratch::default, |scratch, activations| self.indirect_matches(activations, scratch))
            .collect()
    }

    fn each(
        &self,
        activations: &[f32],
        result_logits: &[f32],
        matches: fn(&Self, &[f32], &[f32], &mut MatcherScratch) -> Vec<Match>,
    ) -> Vec<Vec<Match>> {
        let neurons = activations.par_chunks_exact(self.given.max(1));
        let logits = result_logits.par_chunks_exact(self.results().len().max(1));
        neurons
            .zip(logits)
            .map_init(MatcherScratch::default, |scratch, (activations, logits)| {
                matches(self, activations, logits, scratch)
            })
            .collect()
    }

    fn score_indirect(&self, activations: &[f32], scratch: &mut MatcherScratch, scores: &mut [Score]) {
        assert_eq!(activations.len(), self.given, "one activation per prompt");
        if scratch.order.sort(self.of_kept(activations)) {
            self.indirect.score(&scratch.order, self.options.low_tail, &mut scratch.count, scores);
        }
    }

    fn score_direct(
        &self,
        activations: &[f32],
        result_logits: &[f32],
        scratch: &mut MatcherScratch,
        scores: &mut [Score],
    ) {
        assert_eq!(activations.len(), self.given, "one activation per prompt");
        assert_eq!(result_logits.len(), self.results().len(), "one logit per result");
        scratch.effective.clear();
        scratch.effective.extend(self.effective(activations, result_logits));
        scratch.ordered = scratch.order.sort(scratch.effective.iter().copied());
        if scratch.ordered {
            self.direct.score(&scratch.order, self.options.low_tail, &mut scratch.count, scores);
        }
    }

    /// The heuristics whose scores reach the threshold; the effective pattern was scored last.
    fn reached(&self, scores: &[Score], scratch: &MatcherScratch) -> Vec<Match> {
        let reached = |(entry, score): (&MatcherEntry, &Score)| {
            (score.share >= self.options.threshold).then(|| Match {
                heuristic: entry.heuristic.clone(),
                associated: entry.associated,
                score: score.share,
                tail: score.tail,
            })
        };
        let mut matches: Vec<Match> = self.entries.iter().zip(scores).filter_map(reached).collect();
        matches.extend(self.multi_result(scratch));
        matches.sort_by(|one, other| {
            other.score.total_cmp(&one.score).then_with(|| other.associated.cmp(&one.associated))
        });
        matches
    }

    /// The set of results that a neuron fires for, whose effective pattern was scored last.
    fn multi_result(&self, scratch: &MatcherScratch) -> Option<Match> {
        let wanted = self.options.types.contains(&HeuristicType::MultiResult);
        if self.operator != Operator::FloorDivision || !wanted || !scratch.ordered {
            return None;
        }
        let of = |tail: Tail| {
            let search = multi::MultiResultSearch {
                tail,
                least: self.options.min_associated,
                cap: cap(&self.columns, self.operator, &self.options),
                own: self.options.threshold,
            };
            let found = multi::find(&scratch.effective, &scratch.order, &self.columns.result, search)?;
            let heuristic = Heuristic::MultiResult { results: found.results };
            Some(Match { heuristic, associated: found.associated, score: found.score, tail })
        };
        let high = of(Tail::High);
        let low = self.options.low_tail.then(|| of(Tail::Low)).flatten();
        let best = match (high, low) {
            (Some(high), Some(low)) => Some(if low.score > high.score { low } else { high }),
            (high, low) => high.or(low),
        };
        best.filter(|found| found.score >= self.options.threshold)
    }

    /// The values of the prompts that are matched.
    fn of_kept<'v>(&'v self, activations: &'v [f32]) -> impl Iterator<Item = f32> + 'v {
        (0..self.columns.len()).map(|prompt| match &self.kept {
            None => activations[prompt],
            Some(kept) => activations[kept[prompt] as usize],
        })
    }
}

/// The most prompts that are looked at, of heuristics on results: as many as the operand with more values has.
fn cap(columns: &ProblemColumns, operator: Operator, options: &MatcherOptions) -> Option<usize> {
    let uneven = matches!(operator, Operator::Multiplication | Operator::FloorDivision);
    let range = columns.a.values.len().max(columns.b.values.len());
    (options.cap == ScoreCap::OperandRange && uneven).then_some(range.max(1))
}

/// The fewest of k prompts that make up the share `threshold`.
fn least(threshold: f64, k: usize) -> usize {
    let near = (threshold * k as f64).floor() as usize;
    (near.saturating_sub(1)..=near + 1).find(|&hits| hits as f64 / k as f64 >= threshold).unwrap_or(near + 1)
}
