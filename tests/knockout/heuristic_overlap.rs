//! Step `heuristic-overlap`.

use super::found::{Neuron, knocked_with, rows, spec};
use polars::prelude::*;

const STEP: &str = "[[step]]\nname = \"shared\"\nkind = \"heuristic-overlap\"\nfrom = \"found\"\n";

const EARLY: [Neuron; 4] = [
    ("+", 1, 3, &[("op1 in [0, 6)", 0.9), ("op1 = op2", 0.7)]),
    ("+", 1, 4, &[("op2 mod 2 = 1", 0.9)]),
    ("+", 2, 5, &[("op1 in [0, 6)", 0.9)]),
    ("*", 2, 5, &[]),
];
const LATE: [Neuron; 5] = [
    ("+", 1, 3, &[("op1 in [0, 6)", 0.8), ("op2 mod 2 = 1", 0.7)]),
    ("+", 1, 4, &[("op1 = op2", 0.9)]),
    ("+", 3, 9, &[("op1 = op2", 0.9)]),
    ("+", 2, 5, &[]),
    ("*", 2, 5, &[("op1 = op2", 0.9)]),
];

/// Both checkpoints, the last first.
fn checkpoints() -> [DataFrame; 2] {
    let [mut neurons, mut matches] = rows(&LATE, "step1000");
    let [early_neurons, early_matches] = rows(&EARLY, "step200");
    neurons.vstack_mut(&early_neurons).unwrap();
    matches.vstack_mut(&early_matches).unwrap();
    [neurons, matches]
}

#[test]
fn pairs_are_shared_with_the_last_checkpoint() {
    let knocked = knocked_with(&spec(STEP), &checkpoints()).unwrap();
    let (operator, checkpoint) = (knocked.texts("shared", "operator"), knocked.texts("shared", "checkpoint"));
    let [step, pairs, shared, n] = ["step", "pairs", "shared", "n"].map(|column| knocked.integers("shared", column));
    let [share, low, high] = ["share", "ci_low", "ci_high"].map(|column| knocked.numbers("shared", column));
    let found: Vec<_> = (0..n.len())
        .map(|row| {
            (operator[row].as_str(), checkpoint[row].as_str(), step[row], pairs[row], shared[row], n[row], share[row])
        })
        .collect();
    assert_eq!(
        found,
        [
            ("+", "step1000", 1000, 4, 4, 4, Some(1.0)),
            ("+", "step200", 200, 4, 1, 4, Some(0.25)),
            ("*", "step1000", 1000, 1, 1, 1, Some(1.0)),
            ("*", "step200", 200, 0, 0, 1, Some(0.0)),
        ]
    );
    assert!((0..4).all(|row| low[row] <= share[row] && share[row] <= high[row] && low[row] < high[row]));

    let rows = "shared.neurons";
    let (checkpoint, component) = (knocked.texts(rows, "checkpoint"), knocked.texts(rows, "component"));
    let [heuristics, shared, in_last] =
        ["heuristics", "shared", "in_last"].map(|column| knocked.integers(rows, column));
    let early: Vec<_> = (0..shared.len())
        .filter(|&row| checkpoint[row] == "step200")
        .map(|row| (component[row].as_str(), heuristics[row], shared[row], in_last[row]))
        .collect();
    assert_eq!(early, [("L1N3", 2, 1, 1), ("L1N4", 1, 0, 1), ("L2N5", 1, 0, 0)]);
    let late = (0..shared.len()).filter(|&row| checkpoint[row] == "step1000");
    assert!(late.clone().count() == 4 && late.clone().all(|row| shared[row] == 1 && in_last[row] == 1));
}
