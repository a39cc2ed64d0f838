//! Step `heuristic-knockout`.

use super::found::{FOUND, Knocked, holds, knocked, spec, spec_on};
use crate::intervene::spec::refused;
use std::collections::{BTreeMap, BTreeSet};

const STEP: &str = "[[step]]\nname = \"out\"\nkind = \"heuristic-knockout\"\nfrom = \"found\"\nper_prompt = true\n";

/// Whether each prompt is still correct: heuristic, group, operator, prompt.
fn correct(knocked: &Knocked) -> BTreeMap<(String, String, String, i64), bool> {
    let rows = "out.prompts";
    let [heuristic, group, operator] = ["heuristic", "group", "operator"].map(|column| knocked.texts(rows, column));
    let (ids, correct) = (knocked.integers(rows, "id"), knocked.integers(rows, "correct"));
    (0..ids.len())
        .map(|row| {
            let key = (heuristic[row].clone(), group[row].clone(), operator[row].clone(), ids[row]);
            (key, correct[row] == 1)
        })
        .collect()
}

#[test]
fn neurons_of_a_heuristic_out_is_their_ablation() {
    for (value, mean) in
        [("zero", ""), ("mean", "mean = { sample = 30, operators = \"same\", legality = \"legal\" }\n")]
    {
        let mut steps = format!("{STEP}at_least = 1\nsample = 10000\nvalue = \"{value}\"\n{mean}");
        let mut expected: Vec<(String, &str, &str)> = Vec::new();
        for (number, (operator, heuristic, components)) in [
            ("+", "op1 in [0, 6)", "[\"L2N125,181,192\", \"L3N214\"]"),
            ("+", "result in [5, 15)", "[\"L2N125\", \"L3N187,214\"]"),
            ("+", "op1 = op2", "[\"L1N7\"]"),
            ("*", "result mod 3 = 0", "[\"L2N181,194\"]"),
        ]
        .into_iter()
        .enumerate()
        {
            steps += &format!(
                "[[step]]\nname = \"ablated{number}\"\nkind = \"ablation\"\nvalue = \"{value}\"\n{mean}positions = [\"last\"]\n\
                 components = {components}\nmeasures = [\"accuracy\"]\nper_prompt = true\nbootstrap = 0\n"
            );
            expected.push((format!("ablated{number}.prompts"), operator, heuristic));
        }
        let prompts = "operators = [\"+\", \"*\"]\noperands = { a = \"1..30\", b = \"1..20\" }\nkeep = \"correct\"";
        let knocked = knocked(&spec_on(prompts, &steps));
        let correct = correct(&knocked);
        let mut dropped = 0;
        for (rows, operator, heuristic) in expected {
            let (ids, values) = (knocked.integers(&rows, "id"), knocked.integers(&rows, "value"));
            let (a, b) = (knocked.integers(&rows, "a"), knocked.integers(&rows, "b"));
            let (answers, operators) = (knocked.integers(&rows, "answer"), knocked.texts(&rows, "operator"));
            let own: Vec<usize> = (0..ids.len()).filter(|&row| operators[row] == operator).collect();
            assert!(own.len() > 100);
            for row in own {
                let related = holds(heuristic, a[row], b[row], answers[row]);
                let group = if related { "related" } else { "unrelated" };
                let key = (heuristic.to_string(), group.to_string(), operator.to_string(), ids[row]);
                assert_eq!(correct[&key], values[row] == 1, "{value} {key:?}");
                dropped += usize::from(values[row] != 1);
            }
        }
        // A mean of the same operator leaves most answers as they are.
        assert!(dropped > if value == "zero" { 10 } else { 0 }, "{value}: something breaks: {dropped}");
    }
}

#[test]
fn rates_are_those_of_the_prompts() {
    let knocked = knocked(&spec(&format!("{STEP}at_least = 2\nsample = 10\nseeds = [1, 2]\n")));
    let correct = correct(&knocked);
    let [heuristic, kind, group, operator] =
        ["heuristic", "type", "group", "operator"].map(|column| knocked.texts("out", column));
    let [n, accuracy, clean, drop, low, high] =
        ["n", "accuracy", "clean", "drop", "ci_low", "ci_high"].map(|column| knocked.numbers("out", column));
    let neurons = knocked.integers("out", "neurons");
    let named: BTreeSet<(&str, &str)> =
        operator.iter().map(String::as_str).zip(heuristic.iter().map(String::as_str)).collect();
    let by_hand = [
        ("*", "op1 in [0, 6)"),
        ("*", "result mod 3 = 0"),
        ("+", "op1 in [0, 6)"),
        ("+", "op1 in [90, 95)"),
        ("+", "op2 mod 2 = 1"),
        ("+", "result in [5, 15)"),
    ];
    assert_eq!(named, by_hand.into(), "those of at least two neurons");
    let mut more_than_one_draw = false;
    for row in 0..n.len() {
        let matching = FOUND.iter().filter(|one| one.0 == operator[row]).flat_map(|one| one.3);
        assert_eq!(neurons[row] as usize, matching.filter(|(text, _)| *text == heuristic[row]).count());
        assert_eq!(kind[row], if heuristic[row].contains("mod") { "modulo" } else { "range" });
        let own: Vec<bool> = correct
            .iter()
            .filter(|((text, of, symbol, _), _)| {
                *text == heuristic[row] && *of == group[row] && *symbol == operator[row]
            })
            .map(|(_, correct)| *correct)
            .collect();
        assert_eq!(n[row], Some(own.len() as f64));
        if heuristic[row] == "op1 in [90, 95)" && group[row] == "related" {
            assert!(own.is_empty() && accuracy[row].is_none() && low[row].is_none() && drop[row].is_none());
            continue;
        }
        more_than_one_draw |= own.len() > 10;
        assert!((1..=20).contains(&own.len()), "{} {}", heuristic[row], own.len());
        let rate = own.iter().filter(|correct| **correct).count() as f64 / own.len() as f64;
        assert_eq!(accuracy[row], Some(rate));
        assert_eq!(clean[row], Some(1.0));
        assert_eq!(drop[row], Some(1.0 - rate));
        assert!(low[row].unwrap() <= rate && rate <= high[row].unwrap() && low[row] < high[row]);
    }
    assert!(more_than_one_draw, "two seeds draw different prompts");

    // Means over heuristics, each once.
    let [operators, groups] = ["operator", "group"].map(|column| knocked.texts("out.means", column));
    let [heuristics, mean, mean_drop] = ["n", "accuracy", "drop"].map(|column| knocked.numbers("out.means", column));
    assert_eq!(operators.len(), 4);
    for row in 0..operators.len() {
        let own: Vec<f64> = (0..n.len())
            .filter(|&other| operator[other] == operators[row] && group[other] == groups[row])
            .filter_map(|other| accuracy[other])
            .collect();
        assert_eq!(heuristics[row], Some(own.len() as f64));
        let by_hand = own.iter().sum::<f64>() / own.len() as f64;
        assert!(
            (mean[row].unwrap() - by_hand).abs() < 1e-12 && (mean_drop[row].unwrap() - (1.0 - by_hand)).abs() < 1e-12
        );
    }
    assert_eq!(knocked.checks(), [("out", 8), ("out", 4)], "interventions, and prompts alone");
}

#[test]
fn groups_are_what_the_heuristic_says_and_draws_repeat() {
    let run = |seed: u64| knocked(&spec(&format!("{STEP}at_least = 1\nsample = 12\nseeds = [{seed}]\n")));
    let first = run(7);
    let rows = "out.prompts";
    let [a, b, answer] = ["a", "b", "answer"].map(|column| first.integers(rows, column));
    let (heuristic, group) = (first.texts(rows, "heuristic"), first.texts(rows, "group"));
    for row in 0..a.len() {
        assert_eq!(
            holds(&heuristic[row], a[row], b[row], answer[row]),
            group[row] == "related",
            "{} {row}",
            heuristic[row]
        );
    }
    assert!(first.integers("out", "n").iter().all(|n| *n <= 12));
    assert_eq!(correct(&first), correct(&run(7)));
    assert_ne!(correct(&first).into_keys().collect::<Vec<_>>(), correct(&run(8)).into_keys().collect::<Vec<_>>());
}

#[test]
fn memory_changes_nothing() {
    let run = |memory: usize| {
        let prompts = format!(
            "operators = [\"+\", \"*\"]\noperands = {{ a = \"0..45\", b = \"0..45\" }}\n[run]\nmemory_mib = {memory}"
        );
        knocked(&spec_on(&prompts, &format!("{STEP}at_least = 3\nsample = 10000\n")))
    };
    let (narrow, wide) = (run(16), run(1024));
    assert!(correct(&narrow).len() > 5000);
    assert_eq!(correct(&narrow), correct(&wide));
    // One check, of some rows of every block.
    let (narrow, wide) = (narrow.checks()[0].1, wide.checks()[0].1);
    assert!(wide >= 8 && narrow >= 3 * wide, "{narrow} {wide}");
}

#[test]
fn what_is_not_there_is_said() {
    let none = knocked(&spec(&format!("{STEP}at_least = 5\n")));
    assert_eq!(none.rows("out").height(), 0);
    assert!(
        none.notes().contains("operator '+': no heuristic has at least 5 neurons (the largest has 4)"),
        "{}",
        none.notes()
    );
    let all = "operators = [\"+\"]\noperands = { a = \"0..100\", b = \"0..100\" }";
    let wrong = knocked(&spec_on(all, &format!("{STEP}at_least = 4\nsample = 10000\n")));
    assert!(wrong.notes().contains("prompts are answered incorrectly with nothing knocked out"), "{}", wrong.notes());
    let clean = wrong.numbers("out", "clean");
    assert!(clean.iter().flatten().any(|clean| *clean < 1.0), "{clean:?}");

    let accuracy = "[[step]]\nname = \"a\"\nkind = \"accuracy\"\n";
    let refusal = refused(&format!("{accuracy}{}", STEP.replace("\"found\"", "\"a\"")));
    assert!(refusal.contains("'a' is not a step of kind heuristics"), "{refusal}");
}
