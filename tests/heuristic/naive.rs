//! Algorithm 1 written down as the paper says it, heuristic by heuristic and prompt by prompt, against the matcher.

use super::problems;
use ablate::heuristic::{ArithmeticProblem, Matcher, MatcherOptions, MatcherScratch, Tail};
use ablate::spec::Operator;
use ablate::spec::step::{HeuristicVariant, ScoreCap, ZeroResults};
use proptest::prelude::*;
use std::collections::HashSet;

/// A heuristic as a name and a test.
struct Rule {
    name: String,
    kind: &'static str,
    subject: &'static str,
    test: Box<dyn Fn(i64) -> bool>,
}

/// The values of a prompt that a rule is about.
fn subjects(subject: &str, p: &ArithmeticProblem) -> Vec<i64> {
    match subject {
        "op1" => vec![p.a],
        "op2" => vec![p.b],
        "both" => vec![p.a, p.b],
        "result" => vec![p.result],
        _ => vec![p.a - p.b],
    }
}

/// The table of paper §6.
fn table(operator: Operator, variant: HeuristicVariant, problems: &[ArithmeticProblem]) -> Vec<Rule> {
    let (mul, div) = (operator == Operator::Multiplication, operator == Operator::FloorDivision);
    let mut rules = Vec::new();
    let word = |subject: &'static str| if subject == "both" { "op1 and op2" } else { subject };
    for subject in ["op1", "op2", "both", "result"] {
        let lengths: &[i64] = match subject {
            "result" if div => &[2, 10, 100],
            "result" => &[10, 30, 50, 100],
            _ if mul => &[3, 5, 10],
            _ => &[10, 30, 50, 100],
        };
        for &length in lengths {
            let step = if subject == "result" { i64::max(length / 3, 10) } else { length };
            let largest = problems.iter().flat_map(|p| subjects(subject, p)).max().unwrap_or(0);
            let mut low = 0;
            while low <= largest {
                let high = low + length;
                rules.push(Rule {
                    name: format!("{} in [{low}, {high})", word(subject)),
                    kind: "range",
                    subject,
                    test: Box::new(move |value| low <= value && value < high),
                });
                low += step;
            }
        }
    }
    let moduli: Vec<i64> = match variant {
        HeuristicVariant::Paper => (2..=9).chain([11, 13, 15]).collect(),
        HeuristicVariant::Code => (2..=10).collect(),
    };
    for subject in ["op1", "op2", "both", "result"] {
        for &n in moduli.iter().filter(|_| !(div && subject == "result")) {
            for m in 0..n {
                rules.push(Rule {
                    name: format!("{} mod {n} = {m}", word(subject)),
                    kind: "modulo",
                    subject,
                    test: Box::new(move |value| value % n == m),
                });
            }
        }
    }
    let letters = ".0123456789";
    let mut patterns: Vec<String> = Vec::new();
    for x in letters.chars() {
        for y in letters.chars() {
            for z in letters.chars() {
                let text: String = [x, y, z].iter().collect();
                let leading_only = z == '.' && x != '.';
                if text != "..." && !leading_only {
                    patterns.push(text);
                }
            }
        }
    }
    patterns.sort_by_key(|text| std::cmp::Reverse(text.matches('.').count()));
    for subject in ["op1", "op2", "both", "result"] {
        for pattern in patterns.clone() {
            let verb = if subject == "both" { "match" } else { "matches" };
            rules.push(Rule {
                name: format!("{} {verb} {pattern}", word(subject)),
                kind: "pattern",
                subject,
                test: Box::new(move |value| {
                    let written = format!("{value:03}");
                    written.len() == 3 && pattern.chars().zip(written.chars()).all(|(p, w)| p == '.' || p == w)
                }),
            });
        }
    }
    rules.push(Rule {
        name: "op1 = op2".into(),
        kind: "identical",
        subject: "operands",
        test: Box::new(|gap| gap == 0),
    });
    rules
}

/// With operands below 100, `.5.` is a range.
fn is_range(rule: &Rule, problems: &[ArithmeticProblem]) -> bool {
    let columns: Vec<HashSet<i64>> = match rule.subject {
        "both" => vec![problems.iter().map(|p| p.a).collect(), problems.iter().map(|p| p.b).collect()],
        subject => vec![problems.iter().flat_map(|p| subjects(subject, p)).collect()],
    };
    columns.iter().all(|there| {
        let fit: Vec<i64> = there.iter().copied().filter(|value| (rule.test)(*value)).collect();
        let (Some(low), Some(high)) = (fit.iter().min(), fit.iter().max()) else { return false };
        fit.len() > 1 && there.iter().all(|value| value < low || value > high || fit.contains(value))
    })
}

/// How many of the k prompts with the highest values are expected to be associated, equal values being in random order.
fn among_highest(values: &[f64], associated: &[bool], k: usize) -> f64 {
    let mut sum = 0.0;
    for (value, _) in values.iter().zip(associated).filter(|(_, associated)| **associated) {
        let higher = values.iter().filter(|other| *other > value).count();
        let equal = values.iter().filter(|other| *other == value).count();
        sum += ((k as f64 - higher as f64) / equal as f64).clamp(0.0, 1.0);
    }
    sum
}

struct Expected {
    name: String,
    associated: usize,
    high: f64,
    low: f64,
}

/// Every score of a neuron.
fn expected(
    problems: &[ArithmeticProblem],
    operator: Operator,
    options: &MatcherOptions,
    activations: &[f32],
    logit: &dyn Fn(i64) -> f32,
) -> Vec<Expected> {
    let keep: Vec<usize> =
        (0..problems.len()).filter(|&p| options.zero_results == ZeroResults::Keep || problems[p].result != 0).collect();
    let problems: Vec<ArithmeticProblem> = keep.iter().map(|&p| problems[p]).collect();
    let raw: Vec<f64> = keep.iter().map(|&p| f64::from(activations[p])).collect();
    let effective: Vec<f64> =
        keep.iter().zip(&problems).map(|(&p, problem)| f64::from(activations[p] * logit(problem.result))).collect();
    let uneven = [Operator::Multiplication, Operator::FloorDivision].contains(&operator);
    let operands: [HashSet<i64>; 2] = [problems.iter().map(|p| p.a).collect(), problems.iter().map(|p| p.b).collect()];
    let cap = operands[0].len().max(operands[1].len());
    let mut seen: HashSet<(&str, &str, Vec<bool>)> = HashSet::new();
    let mut all = Vec::new();
    for rule in table(operator, options.variant, &problems) {
        let associated: Vec<bool> =
            problems.iter().map(|p| subjects(rule.subject, p).into_iter().all(|value| (rule.test)(value))).collect();
        let count = associated.iter().filter(|one| **one).count();
        if count == 0 || count == problems.len() {
            continue;
        }
        if options.variant == HeuristicVariant::Paper
            && (!seen.insert((rule.kind, rule.subject, associated.clone()))
                || rule.kind == "pattern" && is_range(&rule, &problems))
        {
            continue;
        }
        if count < options.min_associated {
            continue;
        }
        let direct = rule.subject == "result";
        let values = if direct { &effective } else { &raw };
        let k = if direct && uneven && options.cap == ScoreCap::OperandRange { count.min(cap) } else { count };
        let negated: Vec<f64> = values.iter().map(|value| -value).collect();
        let share = |values: &[f64]| among_highest(values, &associated, k) / k as f64;
        let low = if options.low_tail { share(&negated) } else { 0.0 };
        all.push(Expected { name: rule.name, associated: count, high: share(values), low });
    }
    all
}

/// Results are all of 0..8, values of few different ones: ties everywhere.
fn neuron() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
    let value = || prop_oneof![3 => (-3_i8..=3).prop_map(|value| f32::from(value) / 2.0), 1 => -10.0_f32..10.0, 1 => Just(-0.0)];
    (prop::collection::vec(value(), 240), prop::collection::vec(value(), 64))
}

fn operator() -> impl Strategy<Value = Operator> {
    prop::sample::select(Operator::ALL.to_vec())
}

fn options() -> impl Strategy<Value = MatcherOptions> {
    let variant = prop::sample::select(vec![HeuristicVariant::Paper, HeuristicVariant::Code]);
    let cap = prop::sample::select(vec![ScoreCap::None, ScoreCap::OperandRange]);
    let zero = prop::sample::select(vec![ZeroResults::Keep, ZeroResults::Drop]);
    (variant, cap, zero, 1_usize..6, any::<bool>()).prop_map(
        |(variant, cap, zero_results, min_associated, low_tail)| MatcherOptions {
            cap,
            zero_results,
            min_associated,
            low_tail,
            max_chance: 1.0,
            ..MatcherOptions::new(variant)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_matcher_does_what_the_paper_says(
        operator in operator(), options in options(), (values, logits) in neuron(), (low, a, b) in (0_i64..150, 2_i64..16, 2_i64..15),
    ) {
        let b_low = if operator == Operator::Subtraction { 0 } else { low };
        let problems = problems(operator, low..low + a, b_low..b_low + b, 0..1000);
        prop_assume!(!problems.is_empty());
        let matcher = Matcher::new(&problems, operator, options.clone());
        let logit = |result: i64| logits[result as usize % logits.len()];
        let activations = &values[..problems.len()];
        let result_logits: Vec<f32> = matcher.results().iter().map(|&result| logit(result)).collect();
        let scores = matcher.scores(activations, &result_logits, &mut MatcherScratch::default());
        let expected = expected(&problems, operator, &options, activations, &logit);
        // The order of the catalogue is its own.
        let mut got: Vec<_> = matcher
            .entries()
            .iter()
            .zip(scores)
            .map(|(entry, score)| (entry.heuristic.to_string(), entry.associated, score))
            .collect();
        got.sort_by(|one, other| one.0.cmp(&other.0));
        let mut wanted: Vec<_> = expected.iter().collect();
        wanted.sort_by(|one, other| one.name.cmp(&other.name));
        let names: Vec<&String> = got.iter().map(|(name, ..)| name).collect();
        prop_assert_eq!(names, wanted.iter().map(|one| &one.name).collect::<Vec<_>>());
        for ((name, associated, score), wanted) in got.iter().zip(wanted) {
            prop_assert_eq!(*associated, wanted.associated, "{}", name);
            let best = wanted.high.max(wanted.low);
            prop_assert!((score.share - best).abs() < 1e-12, "{}: {:?}, {}", name, score, best);
            // Where both tails are as good, the last digit decides.
            let even = (wanted.high - wanted.low).abs() < 1e-9;
            let tail = if wanted.low > wanted.high { Tail::Low } else { Tail::High };
            prop_assert!(even || score.tail == tail, "{}: {:?}", name, score);
        }
    }
}

/// Every set of up to four of the six results with the highest means that enough prompts have, by the words of docs/heuristics.md.
fn expected_set(
    problems: &[ArithmeticProblem],
    values: &[f64],
    least: usize,
    cap: Option<usize>,
    own: f64,
) -> Option<(Vec<i64>, f64)> {
    let there: std::collections::BTreeSet<i64> = problems.iter().map(|p| p.result).collect();
    let of =
        |result: i64| values.iter().zip(problems).filter(move |(_, p)| p.result == result).map(|(value, _)| *value);
    let mean = |result: i64| of(result).sum::<f64>() / of(result).count() as f64;
    let mut order: Vec<i64> = there.into_iter().collect();
    order.sort_by(|one, other| mean(*other).total_cmp(&mean(*one)));
    order.retain(|&result| of(result).count() >= least);
    order.truncate(6);
    let mut best: Option<(Vec<i64>, f64)> = None;
    for size in 1..=4 {
        for bits in 0..1_u32 << order.len() {
            let set: Vec<i64> = (0..order.len()).filter(|i| bits & 1 << i != 0).map(|i| order[i]).collect();
            let has = |results: &[i64]| -> Vec<bool> { problems.iter().map(|p| results.contains(&p.result)).collect() };
            let count = |results: &[i64]| has(results).into_iter().filter(|one| *one).count();
            if set.len() != size {
                continue;
            }
            let k = cap.unwrap_or(usize::MAX).min(count(&set));
            let score = among_highest(values, &has(&set), k) / k as f64;
            let each = set.iter().all(|&one| {
                let could = count(&[one]).min(k / size) as f64;
                among_highest(values, &has(&[one]), k) >= own * could
            });
            if score > 0.95 && each && best.as_ref().is_none_or(|(_, other)| score > other + 1e-9) {
                best = Some((set, score));
            }
        }
    }
    let (mut set, score) = best?;
    set.sort_unstable();
    let run = set.last()? - set.first()? + 1 == set.len() as i64;
    (!run).then_some((set, score))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Neurons that fire for some results, with little noise or much.
    #[test]
    fn sets_of_results_are_those_that_a_search_finds(
        fires in prop::collection::btree_set(0_i64..9, 1..5), noise in prop::sample::select(vec![0, 2, 4, 9]),
        seeds in prop::collection::vec(0_i16..100, 300), options in options(), negative in any::<bool>(),
    ) {
        let problems = problems(Operator::FloorDivision, 0..18, 1..17, 0..1000);
        let sign = if negative { -1.0 } else { 1.0 };
        let activations: Vec<f32> = problems
            .iter()
            .zip(&seeds)
            .map(|(p, seed)| sign * (f32::from(u8::from(fires.contains(&p.result))) * 400.0 + f32::from(seed * noise)))
            .collect();
        let matcher = Matcher::new(&problems, Operator::FloorDivision, options.clone());
        let matches = matcher.matches(&activations, &vec![1.0; matcher.results().len()], &mut MatcherScratch::default());
        let found = matches.iter().find(|one| one.heuristic.to_string().starts_with("result in {"));

        let keep: Vec<usize> = (0..problems.len())
            .filter(|&p| options.zero_results == ZeroResults::Keep || problems[p].result != 0)
            .collect();
        let kept: Vec<ArithmeticProblem> = keep.iter().map(|&p| problems[p]).collect();
        let cap = (options.cap == ScoreCap::OperandRange).then_some(18.min(kept.iter().map(|p| p.a).collect::<HashSet<_>>().len()));
        let of = |sign: f64| {
            let values: Vec<f64> = keep.iter().map(|&p| sign * f64::from(activations[p])).collect();
            expected_set(&kept, &values, options.min_associated, cap, 0.6)
        };
        let (high, low) = (of(1.0), if options.low_tail { of(-1.0) } else { None });
        let best = match (&high, &low) {
            (Some(one), Some(other)) if other.1 > one.1 => low,
            (None, _) => low,
            _ => high,
        };
        prop_assert_eq!(found.is_some(), best.is_some(), "{:?}, {:?}", found, best);
        if let (Some(found), Some((set, score))) = (found, best) {
            let text: Vec<String> = set.iter().map(i64::to_string).collect();
            prop_assert_eq!(found.heuristic.to_string(), format!("result in {{{}}}", text.join(", ")));
            prop_assert!((found.score - score).abs() < 1e-12);
        }
    }
}
