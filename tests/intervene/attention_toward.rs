//! Attention toward tokens that are something to the query's: the weights of the whole pattern, added up by hand.

use crate::support::{Sandbox, numbers, texts};
use std::collections::BTreeMap;

const SPEC: &str = r#"
title = "toward"

[model]
source = "builtin:arith"

[prompts]
tokens = [[5, 7, 5, 7], [9, 9, 8, 7], [30, 31, 32, 33]]

[[step]]
name = "edges"
kind = "attention-patterns"
heads = ["L0H*", "L2H1"]
per_prompt = true

[[step]]
name = "scores"
kind = "attention-patterns"
heads = ["L0H*", "L2H1"]
toward = ["induction", "previous-token", "duplicate-token", "first-token"]
per_prompt = true
"#;

/// Pairs of a query and a key, of each of three prompts.
type Edges = [&'static [(usize, usize)]; 3];

/// The edges that count of each prompt, from query to key, by hand; a query's keys are added up, and queries averaged.
const BY_HAND: [(&str, Edges); 4] = [
    // Of the second prompt the token after the first 9 is the query itself.
    ("induction", [&[(2, 1)], &[], &[]]),
    ("previous-token", [&[(1, 0), (2, 1)]; 3]),
    ("duplicate-token", [&[(2, 0)], &[(1, 0)], &[]]),
    ("first-token", [&[(1, 0), (2, 0)]; 3]),
];

#[test]
fn weights_are_added_up_over_the_keys_that_are_so() {
    let sandbox = Sandbox::with(SPEC);
    sandbox.ran();
    let edges = sandbox.rows("edges.prompts");
    let (queries, keys) = (numbers(&edges, "query_index"), numbers(&edges, "key_index"));
    let named = texts(&edges, "component").into_iter().zip(numbers(&edges, "id"));
    let weights: BTreeMap<(String, usize, usize, usize), f64> = named
        .zip(queries.into_iter().zip(keys))
        .zip(numbers(&edges, "value"))
        .map(|(((head, prompt), (query, key)), weight)| ((head, prompt as usize, query as usize, key as usize), weight))
        .collect();
    let mut prompts: Vec<usize> = weights.keys().map(|(_, prompt, ..)| *prompt).collect();
    prompts.sort_unstable();
    prompts.dedup();
    assert_eq!(prompts.len(), 3);

    let scores = sandbox.rows("scores.prompts");
    let found = texts(&scores, "component").into_iter().zip(texts(&scores, "toward")).zip(numbers(&scores, "id"));
    let mut seen = 0;
    for (((head, toward), id), value) in found.zip(numbers(&scores, "value")) {
        let prompt = prompts.iter().position(|&one| one == id as usize).unwrap();
        let (_, edges) = BY_HAND.iter().find(|(name, _)| *name == toward).unwrap();
        let of = |&(query, key): &(usize, usize)| weights[&(head.clone(), id as usize, query, key)];
        let wanted = edges[prompt].iter().map(of).sum::<f64>() / edges[prompt].len() as f64;
        let same = (wanted.is_nan() && value.is_nan()) || (wanted - value).abs() < 1e-12;
        assert!(same, "{head} {toward} of prompt {prompt}: {value}, by hand {wanted}");
        seen += 1;
    }
    assert_eq!(seen, 5 * 4 * 3);

    // Prompts without such a query are left out of means.
    let means = sandbox.rows("scores");
    let counts: BTreeMap<String, f64> = texts(&means, "toward").into_iter().zip(numbers(&means, "n")).collect();
    let wanted = [("induction", 1.0), ("previous-token", 3.0), ("duplicate-token", 2.0), ("first-token", 3.0)];
    assert_eq!(counts, wanted.map(|(name, n)| (name.to_string(), n)).into());
}

/// The best heads by it are a ranking like any other.
#[test]
fn heads_are_ranked_by_it() {
    let spec = SPEC.to_string()
        + r#"
[[step]]
name = "without"
kind = "ablation"
ranked = { from = "scores", where = { toward = "previous-token" }, k = [0, 2] }
value = "zero"
measures = ["cross-entropy"]
control = { draws = 2 }
"#;
    let sandbox = Sandbox::with(&spec);
    sandbox.ran();
    assert_eq!(numbers(&sandbox.rows("without"), "k"), [0.0, 2.0]);
}
