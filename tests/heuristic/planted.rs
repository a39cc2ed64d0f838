//! Neurons made to follow one rule are found, and noise is not.

use super::problems;
use ablate::heuristic::{ArithmeticProblem, Heuristic, Match, Matcher, MatcherOptions, MatcherScratch};
use ablate::spec::Operator;
use ablate::spec::step::HeuristicVariant;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A number of the standard normal distribution (Box and Muller).
fn normal(random: &mut ChaCha8Rng) -> f32 {
    let (u, v): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
    ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
}

/// The matches of a neuron that fires 1 where `rule` holds, else 0, with noise on top.
fn planted(rule: &str, matcher: &Matcher, problems: &[ArithmeticProblem], noise: f32, sign: f32) -> Vec<Match> {
    let rule: Heuristic = rule.parse().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let activations: Vec<f32> = problems
        .iter()
        .map(|p| sign * f32::from(u8::from(rule.holds(p.a, p.b, p.result))) + noise * normal(&mut random))
        .collect();
    let logits = vec![1.0; matcher.results().len()];
    matcher.matches(&activations, &logits, &mut MatcherScratch::default())
}

#[test]
fn planted_rules_are_found_with_and_without_noise_in_both_tails() {
    let cases = [
        ("op1 in [10, 20)", Operator::Addition),
        ("op2 in [50, 100)", Operator::Subtraction),
        ("op1 and op2 in [30, 60)", Operator::Addition),
        ("result in [0, 10)", Operator::Multiplication),
        ("op2 mod 7 = 3", Operator::Multiplication),
        ("result mod 7 = 3", Operator::Subtraction),
        ("op1 and op2 mod 2 = 1", Operator::FloorDivision),
        ("result matches ..8", Operator::Addition),
        ("op1 matches ..8", Operator::FloorDivision),
        ("result matches 1.5", Operator::Addition),
        // Of −, that would be the result 0.
        ("op1 = op2", Operator::Addition),
        ("op1 = op2", Operator::Multiplication),
        ("result in {1, 2, 7}", Operator::FloorDivision),
        ("result in {3, 5}", Operator::FloorDivision),
        ("result in {2, 4, 6, 9}", Operator::FloorDivision),
    ];
    for (rule, operator) in cases {
        let problems = problems(operator, 0..120, 0..120, 0..1000);
        let matcher = Matcher::new(&problems, operator, MatcherOptions::new(HeuristicVariant::Paper));
        for (noise, sign) in [(0.0, 1.0), (0.0, -3.0), (0.15, 1.0), (0.15, -1.0)] {
            let found = planted(rule, &matcher, &problems, noise, sign);
            let best = found.first().unwrap_or_else(|| panic!("{rule}, noise {noise}: nothing"));
            assert_eq!(best.heuristic.to_string(), rule, "noise {noise}: {found:?}");
            assert!(best.score > 0.9, "{rule}: {}", best.score);
            assert_eq!(best.tail.name(), if sign > 0.0 { "high" } else { "low" }, "{rule}");
            let expected = problems.iter().filter(|p| best.heuristic.holds(p.a, p.b, p.result)).count();
            assert_eq!(best.associated, expected, "{rule}");
        }
        let high = MatcherOptions { low_tail: false, ..MatcherOptions::new(HeuristicVariant::Paper) };
        let found = planted(rule, &Matcher::new(&problems, operator, high), &problems, 0.0, -1.0);
        assert!(found.iter().all(|one| one.heuristic.to_string() != rule), "{rule}: the low tail is not asked for");
    }
}

/// The value vector alone makes a direct heuristic: a neuron that is always on, and writes results ≡ 3 (mod 7).
#[test]
fn what_a_neuron_writes_counts_for_results() {
    let problems = problems(Operator::Addition, 0..60, 0..60, 0..1000);
    let matcher = Matcher::new(&problems, Operator::Addition, MatcherOptions::new(HeuristicVariant::Paper));
    let on = vec![2.0; problems.len()];
    let logits: Vec<f32> = matcher.results().iter().map(|result| f32::from(u8::from(result % 7 == 3))).collect();
    let found = matcher.matches(&on, &logits, &mut MatcherScratch::default());
    let names: Vec<String> = found.iter().map(|one| one.heuristic.to_string()).collect();
    assert_eq!(names, ["result mod 7 = 3"]);
}

/// A neuron for the result 0 alone covers every set with 0 in it, and a run of results is a range.
#[test]
fn a_single_result_and_a_run_of_results_are_no_sets() {
    let problems = problems(Operator::FloorDivision, 0..100, 1..100, 0..1000);
    let matcher = Matcher::new(&problems, Operator::FloorDivision, MatcherOptions::new(HeuristicVariant::Paper));
    for rule in ["result in {0}", "result in {5}", "result in {3, 4}", "result in {1, 2, 3, 4}"] {
        let found = planted(rule, &matcher, &problems, 0.1, 1.0);
        let sets: Vec<&Match> =
            found.iter().filter(|one| matches!(one.heuristic, Heuristic::MultiResult { .. })).collect();
        assert_eq!(sets, Vec::<&Match>::new(), "{rule}");
    }
}

/// Matches of neurons of pure noise, in all.
fn noise_matches(operator: Operator, size: i64, results: i64, neurons: usize, options: MatcherOptions) -> (usize, f64) {
    let problems = problems(operator, 0..size, 0..size, 0..results);
    let matcher = Matcher::new(&problems, operator, options);
    let mut random = ChaCha8Rng::seed_from_u64(size as u64);
    let mut noise = |count: usize| -> Vec<f32> { (0..count).map(|_| normal(&mut random)).collect() };
    // Logits of one sign: else the sign of the effective pattern is that of the logit, which is no noise but a rule on results.
    let (activations, logits) = (noise(neurons * problems.len()), vec![1.0; neurons * matcher.results().len()]);
    let matches = matcher.classify(&activations, &logits).iter().map(Vec::len).sum();
    (matches, matcher.entries().iter().map(|entry| entry.chance).sum::<f64>() * neurons as f64)
}

#[test]
fn noise_is_not_found() {
    for variant in [HeuristicVariant::Paper, HeuristicVariant::Code] {
        for operator in Operator::ALL {
            let (matches, expected) = noise_matches(operator, 100, 1000, 100, MatcherOptions::new(variant));
            assert!(matches <= 2 && expected < 0.5, "{operator:?}, {variant:?}: {matches} of {expected}");
        }
    }
}

/// Why there are `min_associated` and `max_chance`: without them noise matches, as often as is said; with them hardly ever.
#[test]
fn the_chance_of_matches_is_what_is_said() {
    let all = MatcherOptions { min_associated: 1, max_chance: 1.0, ..MatcherOptions::new(HeuristicVariant::Paper) };
    for operator in Operator::ALL {
        let neurons = 2000;
        let of = |options: MatcherOptions| noise_matches(operator, 10, 10, neurons, options);
        let (matches, expected) = of(MatcherOptions { low_tail: false, ..all.clone() });
        assert!(expected > 200.0, "{operator:?}: {expected}");
        // Matches of one neuron go together, so the spread is a few times that of independent ones.
        let share = matches as f64 / expected;
        assert!((share - 1.0).abs() < 0.2, "{operator:?}: {matches} of {expected}");
        let (both, at_most) = of(all.clone());
        assert!(both > matches && both as f64 <= 1.05 * at_most, "{operator:?}: {both} of {at_most}");
        let (few, said) = of(MatcherOptions::new(HeuristicVariant::Paper));
        assert!((few as f64) <= 1.3 * said + 5.0 && said < 0.3 * neurons as f64, "{operator:?}: {few} of {said}");
    }
}

/// Against the ratio of binomial coefficients counted in whole numbers.
#[test]
fn chance_is_the_hypergeometric_tail() {
    let choose = |n: u128, k: u128| (0..k).fold(1_u128, |product, i| product * (n - i) / (i + 1));
    let problems = problems(Operator::Addition, 0..6, 0..7, 0..1000);
    let options = MatcherOptions {
        min_associated: 1,
        max_chance: 1.0,
        low_tail: false,
        ..MatcherOptions::new(HeuristicVariant::Paper)
    };
    let matcher = Matcher::new(&problems, Operator::Addition, options.clone());
    let n = problems.len() as u128;
    for entry in matcher.entries() {
        let k = entry.associated as u128;
        let hits = (0..=k).filter(|&hits| hits as f64 / k as f64 >= options.threshold);
        let ways: u128 =
            hits.filter(|hits| k - hits <= n - k).map(|hits| choose(k, hits) * choose(n - k, k - hits)).sum();
        let chance = ways as f64 / choose(n, k) as f64;
        assert!((entry.chance - chance).abs() < 1e-9, "{entry:?}: {chance}");
    }
}
