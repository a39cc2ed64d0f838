//! Heuristics as text, and what they hold for.

use super::problems;
use ablate::heuristic::{Digits, Heuristic, Matcher, MatcherOptions, RuleValue};
use ablate::spec::Operator;
use ablate::spec::step::HeuristicVariant;
use proptest::prelude::*;

#[test]
fn texts_are_those_of_the_contract_and_read_back() {
    let digits = |text: &str| text.parse::<Digits>().unwrap();
    let written = [
        (Heuristic::Range { value: RuleValue::Op1, low: 10, high: 20 }, "op1 in [10, 20)"),
        (Heuristic::Range { value: RuleValue::Both, low: 0, high: 10 }, "op1 and op2 in [0, 10)"),
        (Heuristic::Range { value: RuleValue::Result, low: -5, high: 10 }, "result in [-5, 10)"),
        (Heuristic::Modulo { value: RuleValue::Result, modulus: 7, remainder: 3 }, "result mod 7 = 3"),
        (Heuristic::Modulo { value: RuleValue::Both, modulus: 15, remainder: 0 }, "op1 and op2 mod 15 = 0"),
        (Heuristic::Pattern { value: RuleValue::Op2, digits: digits(".5.") }, "op2 matches .5."),
        (Heuristic::Pattern { value: RuleValue::Both, digits: digits("..8") }, "op1 and op2 match ..8"),
        (Heuristic::Pattern { value: RuleValue::Result, digits: digits("120") }, "result matches 120"),
        (Heuristic::Identical, "op1 = op2"),
        (Heuristic::MultiResult { results: vec![1, 2, 7] }, "result in {1, 2, 7}"),
    ];
    for (heuristic, text) in written {
        assert_eq!(heuristic.to_string(), text);
        assert_eq!(text.parse(), Ok(heuristic), "{text}");
    }
    assert_eq!("op1 and op2 matches ..8".parse(), "op1 and op2 match ..8".parse::<Heuristic>());
    assert_eq!("  result in {7,2 , 1, 2}".parse(), Ok(Heuristic::MultiResult { results: vec![1, 2, 7] }));
}

#[test]
fn what_is_no_heuristic_is_refused_with_examples() {
    for text in [
        "",
        "op3 in [1, 2)",
        "op1 in [2, 2)",
        "op1 in [1, 2]",
        "op1 in [1)",
        "op1 mod 0 = 0",
        "op1 mod 7 = 7",
        "op1 mod 7 = -1",
        "op1 matches ...",
        "op1 matches .55.",
        "op1 matches .x.",
        "op1 in {1, 2}",
        "result in {}",
        "result in {1, x}",
        "op1 = op3",
        "op1 and op2",
        "op1",
        "op1in [1, 2)",
        "op1 mod 9223372036854775808 = 0",
    ] {
        let error = text.parse::<Heuristic>().unwrap_err().to_string();
        assert!(error.contains(&format!("'{text}'")) && error.contains("op1 in [10, 20)"), "{error}");
    }
}

#[test]
fn every_heuristic_of_a_catalogue_reads_back() {
    for operator in Operator::ALL {
        for variant in [HeuristicVariant::Paper, HeuristicVariant::Code] {
            let problems = problems(operator, 0..300, 0..300, 0..1000);
            let options = MatcherOptions { min_associated: 1, max_chance: 1.0, ..MatcherOptions::new(variant) };
            let matcher = Matcher::new(&problems, operator, options);
            assert!(matcher.entries().len() > 1000, "{}", matcher.entries().len());
            for entry in matcher.entries() {
                assert_eq!(entry.heuristic.to_string().parse().as_ref(), Ok(&entry.heuristic));
            }
        }
    }
}

#[test]
fn patterns_are_of_three_digits() {
    let holds = |text: &str, value: i64| text.parse::<Heuristic>().unwrap().holds(value, 0, 0);
    assert!(holds("op1 matches .5.", 50) && holds("op1 matches .5.", 257) && !holds("op1 matches .5.", 5));
    assert!(holds("op1 matches 0.5", 5) && holds("op1 matches 0.5", 95) && !holds("op1 matches 0.5", 105));
    assert!(holds("op1 matches ..8", 8) && holds("op1 matches 008", 8));
    assert!(!holds("op1 matches ..8", 1008), "four digits");
    assert!(!holds("op1 matches ..8", -8), "a sign");
}

proptest! {
    #[test]
    fn no_text_panics(text in "(op1|op2|result|op1 and op2)? ?(in|mod|matches|match|=)? ?[-{}\\[\\]()., =0-9op]{0,16}") {
        if let Ok(heuristic) = text.parse::<Heuristic>() {
            prop_assert_eq!(heuristic.to_string().parse::<Heuristic>(), Ok(heuristic.clone()));
            for value in [i64::MIN, -1, 0, 5, i64::MAX] {
                heuristic.holds(value, value, value);
            }
        }
    }
}
