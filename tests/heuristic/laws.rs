//! What must hold of any neuron.

use super::problems;
use ablate::heuristic::{ArithmeticProblem, Matcher, MatcherOptions, MatcherScratch, Score, Tail};
use ablate::spec::Operator;
use ablate::spec::step::{HeuristicVariant, ScoreCap, ZeroResults};
use proptest::prelude::*;
use std::collections::HashMap;

fn all() -> MatcherOptions {
    MatcherOptions { min_associated: 1, max_chance: 1.0, ..MatcherOptions::new(HeuristicVariant::Paper) }
}

/// Scores by heuristic; logits are 1 throughout.
fn scores(
    problems: &[ArithmeticProblem],
    operator: Operator,
    options: MatcherOptions,
    activations: &[f32],
) -> HashMap<String, Score> {
    let matcher = Matcher::new(problems, operator, options);
    let logits = vec![1.0; matcher.results().len()];
    let scores = matcher.scores(activations, &logits, &mut MatcherScratch::default());
    matcher.entries().iter().map(|entry| entry.heuristic.to_string()).zip(scores).collect()
}

fn ties() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec((-2_i8..=2).prop_map(f32::from), 144)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Equal values have no order of their own: that of the prompts changes nothing.
    #[test]
    fn scores_do_not_depend_on_the_order_of_the_prompts(values in ties(), seed in any::<u64>()) {
        let problems = problems(Operator::FloorDivision, 3..15, 1..13, 0..1000);
        let mut order: Vec<usize> = (0..problems.len()).collect();
        order.sort_by_key(|&index| (index as u64 + 1).wrapping_mul(seed | 1));
        let moved: Vec<ArithmeticProblem> = order.iter().map(|&index| problems[index]).collect();
        let values_moved: Vec<f32> = order.iter().map(|&index| values[index]).collect();
        prop_assert_eq!(
            scores(&problems, Operator::FloorDivision, all(), &values),
            scores(&moved, Operator::FloorDivision, all(), &values_moved)
        );
    }

    /// The high tail of a neuron is the low tail of its negative, and only the order of values counts.
    #[test]
    fn tails_are_mirrored_and_scale_is_free(values in ties()) {
        let problems = problems(Operator::Addition, 3..15, 0..12, 0..1000);
        let of = |values: Vec<f32>| scores(&problems, Operator::Addition, all(), &values);
        let one = of(values.clone());
        let negative = of(values.iter().map(|value| -value).collect());
        let scaled = of(values.iter().map(|value| value.powi(3) * 1e30).collect());
        prop_assert_eq!(&scaled, &one);
        for (name, score) in &one {
            prop_assert!((score.share - negative[name].share).abs() < 1e-12, "{}", name);
            let mirrored = score.tail != negative[name].tail;
            prop_assert!(mirrored || score.share - share_high_only(&problems, &values, name) < 1e-12, "{}", name);
        }
    }
}

/// Of tails that are as good, both runs say the high one: then the other is no better.
fn share_high_only(problems: &[ArithmeticProblem], values: &[f32], name: &str) -> f64 {
    let one = MatcherOptions { low_tail: false, ..all() };
    let negative: Vec<f32> = values.iter().map(|value| -value).collect();
    let high = scores(problems, Operator::Addition, one.clone(), values)[name].share;
    high.min(scores(problems, Operator::Addition, one, &negative)[name].share)
}

#[test]
fn both_zeros_are_equal_and_constant_neurons_score_the_share_of_the_prompts() {
    let problems = problems(Operator::Addition, 0..12, 0..12, 0..1000);
    let zeros: Vec<f32> = (0..problems.len()).map(|index| if index % 3 == 0 { -0.0 } else { 0.0 }).collect();
    for (name, score) in scores(&problems, Operator::Addition, all(), &zeros) {
        let rule: ablate::heuristic::Heuristic = name.parse().unwrap();
        let associated = problems.iter().filter(|p| rule.holds(p.a, p.b, p.result)).count();
        assert!((score.share - associated as f64 / problems.len() as f64).abs() < 1e-12, "{name}: {score:?}");
        assert_eq!(score.tail, Tail::High, "{name}");
    }
}

#[test]
fn values_that_are_no_numbers_match_nothing() {
    for operator in Operator::ALL {
        let problems = problems(operator, 0..30, 0..30, 0..1000);
        let matcher = Matcher::new(&problems, operator, all());
        let mut activations: Vec<f32> = problems.iter().map(|problem| problem.a as f32).collect();
        let mut logits: Vec<f32> = matcher.results().iter().map(|&result| result as f32).collect();
        activations[7] = f32::INFINITY;
        let scratch = &mut MatcherScratch::default();
        assert!(!matcher.matches(&activations, &logits, scratch).is_empty());
        logits[2] = f32::NAN;
        let matches = matcher.matches(&activations, &logits, scratch);
        assert!(!matches.is_empty() && matches.iter().all(|found| !found.heuristic.is_direct()), "{matches:?}");
        activations[3] = f32::NAN;
        assert_eq!(matcher.matches(&activations, &logits, scratch), []);
    }
    let none = Matcher::new(&[], Operator::Addition, MatcherOptions::new(HeuristicVariant::Code));
    assert_eq!(none.matches(&[], &[], &mut MatcherScratch::default()), []);
    assert!(none.classify(&[], &[]).is_empty());
}

#[test]
fn the_cap_is_on_results_of_products_and_quotients_alone() {
    for operator in Operator::ALL {
        let problems = problems(operator, 0..60, 0..50, 0..1000);
        let options = MatcherOptions { cap: ScoreCap::OperandRange, ..all() };
        let matcher = Matcher::new(&problems, operator, options);
        let uneven = matches!(operator, Operator::Multiplication | Operator::FloorDivision);
        for entry in matcher.entries() {
            let capped = uneven && entry.heuristic.is_direct();
            assert_eq!(entry.k, if capped { entry.associated.min(60) } else { entry.associated }, "{entry:?}");
        }
        assert!(!uneven || matcher.entries().iter().any(|entry| entry.k < entry.associated));
    }
}

#[test]
fn dropping_zero_results_is_never_having_had_them() {
    let problems = problems(Operator::Multiplication, 0..40, 0..40, 0..1000);
    let drop = MatcherOptions { zero_results: ZeroResults::Drop, ..all() };
    let value = |problem: &ArithmeticProblem| ((problem.a * 37 + problem.b * 11) % 101) as f32;
    let without: Vec<ArithmeticProblem> = problems.iter().copied().filter(|problem| problem.result != 0).collect();
    assert!(without.len() < problems.len());
    let of = |problems: &[ArithmeticProblem], options: MatcherOptions| {
        let values: Vec<f32> = problems.iter().map(value).collect();
        scores(problems, Operator::Multiplication, options, &values)
    };
    assert_eq!(of(&problems, drop), of(&without, all()));
}

#[test]
fn names_of_the_same_prompts_are_one_heuristic() {
    let problems = problems(Operator::Addition, 0..100, 0..100, 0..100);
    let entries = |variant| {
        let options = MatcherOptions { min_associated: 1, max_chance: 1.0, ..MatcherOptions::new(variant) };
        Matcher::new(&problems, Operator::Addition, options).entries().to_vec()
    };
    let names = |variant| -> Vec<String> { entries(variant).iter().map(|entry| entry.heuristic.to_string()).collect() };
    let paper = names(HeuristicVariant::Paper);
    let has = |name: &str| paper.iter().any(|one| one == name);
    assert!(has("op1 matches ..5") && !has("op1 matches 0.5"), "the same below 100");
    assert!(has("op1 in [50, 60)") && !has("op1 matches .5."), "a range below 100");
    assert!(has("op1 matches .57") && !has("op1 matches 057"));
    assert!(has("op1 in [90, 100)") && !has("op1 in [90, 120)"));
    let code = names(HeuristicVariant::Code);
    assert!(
        ["op1 matches 0.5", "op1 matches .5.", "op1 in [90, 120)"]
            .iter()
            .all(|name| code.iter().any(|one| one == name))
    );
    assert!(code.iter().any(|one| one == "op2 mod 10 = 9") && !has("op2 mod 10 = 9") && has("op2 mod 15 = 14"));
}

/// What a neuron matches is what its activations match on operands, and with its value vector on results.
#[test]
fn matches_are_those_on_operands_and_those_on_results() {
    for operator in Operator::ALL {
        let problems = problems(operator, 0..30, 0..30, 0..1000);
        let matcher = Matcher::new(&problems, operator, all());
        let activations: Vec<f32> = problems.iter().map(|problem| ((problem.a * 7) % 30) as f32).collect();
        let logits: Vec<f32> = matcher.results().iter().map(|&result| ((result * 5) % 11) as f32).collect();
        let matches = matcher.matches(&activations, &logits, &mut MatcherScratch::default());
        let (direct, indirect): (Vec<_>, Vec<_>) = matches.into_iter().partition(|found| found.heuristic.is_direct());
        assert!(!indirect.is_empty(), "{operator:?}");
        assert_eq!(matcher.classify_indirect(&activations), [indirect]);
        assert_eq!(matcher.classify_direct(&activations, &logits), [direct]);
    }
}
