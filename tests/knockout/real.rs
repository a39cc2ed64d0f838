//! From neurons to heuristics to knock-outs, as a spec runs them.

use crate::intervene::spec::{Ran, ran};
use ablate::heuristic::Heuristic;
use std::collections::{BTreeMap, BTreeSet};

const SPEC: &str = r#"
[[step]]
name = "out"
kind = "prompt-knockout"
from = "found"
k = [0, 3, 40]
seeds = [1, 2]
per_prompt = true

[[step]]
name = "rules"
kind = "heuristic-knockout"
from = "found"
at_least = 2
sample = 10

[[step]]
name = "support"
kind = "heuristic-support"
from = "found"
sample = 20

[[step]]
name = "shared"
kind = "heuristic-overlap"
from = "found"

[[step]]
name = "kept"
kind = "ablation"
mode = "keep"
among = ["L2..4MLP"]
positions = ["last"]
listed = [{ from = "shared.neurons", where = { shared = true } }]

[[step]]
name = "found"
kind = "heuristics"
ranked = { from = "effects", k = 30 }

[[step]]
name = "effects"
kind = "neuron-patching"
layers = "2..4"
bootstrap = 0
"#;

fn texts(ran: &Ran, rows: &str, column: &str) -> Vec<String> {
    ran.texts(rows, column).into_iter().map(Option::unwrap).collect()
}

fn integers(ran: &Ran, rows: &str, column: &str) -> Vec<i64> {
    ran.numbers(rows, column).into_iter().map(|number| number.unwrap() as i64).collect()
}

/// The heuristics of each operator's neurons.
fn found(ran: &Ran) -> BTreeMap<(String, String), Vec<Heuristic>> {
    let [operator, component, heuristic] =
        ["operator", "component", "heuristic"].map(|column| texts(ran, "found", column));
    let mut found: BTreeMap<_, Vec<Heuristic>> = BTreeMap::new();
    for row in 0..operator.len() {
        let own = found.entry((operator[row].clone(), component[row].clone())).or_default();
        own.push(heuristic[row].parse().unwrap());
    }
    found
}

#[test]
fn every_step_reads_what_was_found() {
    let ran = ran(SPEC);
    let found = found(&ran);
    assert!(found.len() > 10, "{}", found.len());
    let holding = |operator: &str, component: &str, (a, b, answer): (i64, i64, i64)| {
        let own = found.get(&(operator.to_string(), component.to_string()));
        own.map_or(0, |own| own.iter().filter(|heuristic| heuristic.holds(a, b, answer)).count() as i64)
    };

    let rows = "out.neurons";
    let [operator, component, group] = ["operator", "component", "group"].map(|column| texts(&ran, rows, column));
    let [a, b, answer, heuristics] = ["a", "b", "answer", "heuristics"].map(|column| integers(&ran, rows, column));
    for row in 0..a.len() {
        let holding = holding(&operator[row], &component[row], (a[row], b[row], answer[row]));
        assert_eq!(heuristics[row], holding);
        assert_eq!(holding > 0, group[row] == "heuristics");
    }
    assert!(group.iter().any(|group| group == "random") && group.iter().any(|group| group == "heuristics"));
    let (k, accuracy) = (integers(&ran, "out", "k"), ran.numbers("out", "accuracy"));
    assert!(k.iter().zip(&accuracy).all(|(k, accuracy)| *k > 0 || *accuracy == Some(1.0)), "{accuracy:?}");

    let rows = "support.prompts";
    let (operator, measure) = (texts(&ran, rows, "operator"), texts(&ran, rows, "measure"));
    let [a, b, answer] = ["a", "b", "answer"].map(|column| integers(&ran, rows, column));
    let value = ran.numbers(rows, "value");
    for row in (0..a.len()).filter(|&row| measure[row] == "neurons") {
        let own = found.keys().filter(|(of, _)| *of == operator[row]);
        let prompt = (a[row], b[row], answer[row]);
        let count = own.filter(|(of, component)| holding(of, component, prompt) > 0).count();
        assert_eq!(value[row], Some(count as f64));
    }

    let (share, pairs) = (ran.numbers("shared", "share"), integers(&ran, "shared", "pairs"));
    assert!(share.iter().all(|share| *share == Some(1.0)), "the last checkpoint is the only one: {share:?}");
    assert_eq!(pairs.iter().sum::<i64>() as usize, ran.rows("found").height());

    let kept: BTreeSet<(String, String)> = texts(&ran, "kept.components", "operator")
        .into_iter()
        .zip(texts(&ran, "kept.components", "component"))
        .collect();
    assert_eq!(kept, found.into_keys().collect());
    let (n, neurons) = (integers(&ran, "rules", "n"), integers(&ran, "rules", "neurons"));
    assert!(!n.is_empty() && n.iter().all(|n| *n <= 10) && neurons.iter().all(|neurons| *neurons >= 2));
}
