//! Step `prompt-knockout`.

use super::found::{FOUND, Knocked, Neuron, holds, knocked, knocked_with, rows, spec};
use std::collections::{BTreeMap, BTreeSet};

const STEP: &str = "[[step]]\nname = \"out\"\nkind = \"prompt-knockout\"\nfrom = \"found\"\nper_prompt = true\n";

/// By hand: the neurons of a layer with a heuristic that holds, in order: how many hold, the best score of those.
fn associated(operator: &str, layer: u32, a: i64, b: i64, answer: i64) -> Vec<(u32, usize, f64)> {
    let of = |one: &Neuron| {
        let scores: Vec<f64> =
            one.3.iter().filter(|(text, _)| holds(text, a, b, answer)).map(|(_, score)| *score).collect();
        (!scores.is_empty()).then(|| (one.2, scores.len(), scores.iter().copied().fold(0.0, f64::max)))
    };
    let mut own: Vec<_> = FOUND.iter().filter(|one| one.0 == operator && one.1 == layer).filter_map(of).collect();
    own.sort_by(|one, other| other.1.cmp(&one.1).then(other.2.total_cmp(&one.2)).then(one.0.cmp(&other.0)));
    own
}

/// Neurons in the order in which they go out: number, heuristics that hold, the best score of those.
type Queue = Vec<(u32, usize, Option<f64>)>;

/// The neurons of each prompt, seed of its control and layer.
fn queues(knocked: &Knocked) -> BTreeMap<(i64, Option<i64>, u32), Queue> {
    let rows = "out.neurons";
    let [id, layer, neuron, place, heuristics] =
        ["id", "layer", "neuron", "place", "heuristics"].map(|column| knocked.integers(rows, column));
    let (control, score) = (knocked.numbers(rows, "control"), knocked.numbers(rows, "score"));
    let group = knocked.texts(rows, "group");
    let mut queues: BTreeMap<_, Queue> = BTreeMap::new();
    for row in 0..id.len() {
        let seed = control[row].map(|seed| seed as i64);
        assert_eq!(group[row], if seed.is_some() { "random" } else { "heuristics" });
        let queue = queues.entry((id[row], seed, layer[row] as u32)).or_default();
        queue.push((neuron[row] as u32, heuristics[row] as usize, score[row]));
        assert_eq!(place[row] as usize, queue.len());
    }
    queues
}

/// The prompts: id, operator, a, b, answer.
fn prompts(knocked: &Knocked) -> BTreeMap<i64, (String, i64, i64, i64)> {
    let rows = "out.prompts";
    let [id, a, b, answer] = ["id", "a", "b", "answer"].map(|column| knocked.integers(rows, column));
    let operator = knocked.texts(rows, "operator");
    (0..id.len()).map(|row| (id[row], (operator[row].clone(), a[row], b[row], answer[row]))).collect()
}

#[test]
fn each_prompt_loses_its_own_neurons_and_the_control_as_many_others() {
    let knocked = knocked(&spec(&format!("{STEP}k = [0, 1, 2, 9]\nseeds = [1, 2, 3]\n")));
    let (queues, prompts) = (queues(&knocked), prompts(&knocked));
    assert_eq!(prompts.len(), 2 * 64);
    let mut drawn: BTreeMap<i64, BTreeSet<Vec<u32>>> = BTreeMap::new();
    let (mut fewer, mut some) = (0, 0);
    for (&id, (operator, a, b, answer)) in &prompts {
        for layer in 0..4 {
            let own = associated(operator, layer, *a, *b, *answer);
            let queue = queues.get(&(id, None, layer)).cloned().unwrap_or_default();
            assert_eq!(queue, own.iter().map(|one| (one.0, one.1, Some(one.2))).collect::<Vec<_>>(), "{id} {layer}");
            let own: BTreeSet<u32> = own.iter().map(|one| one.0).collect();
            let ranked = FOUND.iter().filter(|one| one.0 == operator && one.1 == layer).map(|one| one.2);
            let others: BTreeSet<u32> = ranked.filter(|neuron| !own.contains(neuron)).collect();
            for seed in [1, 2, 3] {
                let control = queues.get(&(id, Some(seed), layer)).cloned().unwrap_or_default();
                assert!(control.iter().all(|(_, heuristics, score)| *heuristics == 0 && score.is_none()));
                let control: Vec<u32> = control.into_iter().map(|(neuron, ..)| neuron).collect();
                assert_eq!(
                    control.len(),
                    own.len().min(others.len()),
                    "matched in each layer, as far as there are any"
                );
                assert_eq!(control.iter().collect::<BTreeSet<_>>().len(), control.len());
                assert!(control.iter().all(|neuron| others.contains(neuron)), "never a neuron of the prompt");
                fewer += usize::from(control.len() < own.len());
                some += control.len();
                drawn.entry(id).or_default().insert(control);
            }
        }
    }
    assert!(fewer > 0 && some > 100);
    assert!(drawn.values().any(|controls| controls.len() > 3), "seeds draw different neurons");
    assert!(knocked.notes().contains("the control then takes all there are"), "{}", knocked.notes());

    // Means, from the rows of the prompts.
    let [k, neurons, correct] = ["k", "neurons", "correct"].map(|column| knocked.integers("out.prompts", column));
    let [operator, group] = ["operator", "group"].map(|column| knocked.texts("out.prompts", column));
    let [k_of, n, accuracy, mean_neurons, low, high, seeds] =
        ["k", "n", "accuracy", "neurons", "ci_low", "ci_high", "seeds"].map(|column| knocked.numbers("out", column));
    let [operator_of, group_of] = ["operator", "group"].map(|column| knocked.texts("out", column));
    assert_eq!(k_of.len(), 2 * 4 * 2);
    for row in 0..k_of.len() {
        let own: Vec<usize> = (0..k.len())
            .filter(|&other| {
                Some(k[other] as f64) == k_of[row]
                    && operator[other] == operator_of[row]
                    && group[other] == group_of[row]
            })
            .collect();
        let mean = |values: &[i64]| own.iter().map(|&row| values[row]).sum::<i64>() as f64 / own.len() as f64;
        assert_eq!(n[row], Some(64.0), "prompts, not runs");
        assert_eq!(seeds[row], (group_of[row] == "random").then_some(3.0));
        assert_eq!(own.len(), if group_of[row] == "random" { 3 * 64 } else { 64 });
        assert!((accuracy[row].unwrap() - mean(&correct)).abs() < 1e-12);
        assert!((mean_neurons[row].unwrap() - mean(&neurons)).abs() < 1e-12);
        assert!(low[row] <= accuracy[row] && accuracy[row] <= high[row] && low[row] < high[row]);
        if k_of[row] == Some(0.0) {
            assert_eq!((accuracy[row], mean_neurons[row]), (Some(1.0), Some(0.0)), "the clean run");
        }
    }
    assert!(accuracy.iter().flatten().any(|rate| *rate < 0.9), "{accuracy:?}");
    assert_eq!(knocked.checks(), [("out", 9), ("out", 4)], "interventions, 8 and one of 1024, and prompts alone");
}

/// With heuristics that hold for every prompt, all prompts lose the same neurons, and an ablation can say which.
#[test]
fn the_first_k_of_each_layer_out_is_their_ablation() {
    const ALL: [Neuron; 7] = [
        ("+", 2, 181, &[("op1 in [0, 100)", 0.7), ("op2 in [0, 100)", 0.7)]),
        ("+", 2, 192, &[("op1 in [0, 100)", 0.95)]),
        ("+", 2, 125, &[("op1 in [0, 100)", 0.96)]),
        ("+", 3, 121, &[("op1 in [0, 100)", 0.61)]),
        ("+", 3, 214, &[("op1 in [0, 100)", 0.62), ("op2 in [0, 100)", 0.61), ("op1 in [90, 95)", 0.99)]),
        ("+", 3, 109, &[("op1 in [90, 95)", 0.9)]),
        ("+", 1, 7, &[]),
    ];
    let prompts = "operators = [\"+\"]\noperands = { a = \"1..30\", b = \"1..30\" }\nkeep = \"correct\"\nsample = 60";
    let ablation = |name: &str, components: &str| {
        format!(
            "[[step]]\nname = \"{name}\"\nkind = \"ablation\"\nvalue = \"zero\"\npositions = [\"last\"]\nbootstrap = 0\n\
             measures = [\"accuracy\"]\nper_prompt = true\ncomponents = {components}\n"
        )
    };
    let out = |name: &str, order: &str| {
        STEP.replace("\"out\"", &format!("\"{name}\"")) + &format!("k = [1, 2, 3, 50]\norder = \"{order}\"\n")
    };
    let steps = [
        out("count", "count"),
        out("score", "score"),
        ablation("count1", "[\"L2N181\", \"L3N214\"]"),
        ablation("count2", "[\"L2N181,125\", \"L3N214,121\"]"),
        ablation("score1", "[\"L2N125\", \"L3N214\"]"),
        ablation("score2", "[\"L2N125,192\", \"L3N214,121\"]"),
        ablation("all", "[\"L2N181,125,192\", \"L3N214,121\"]"),
    ];
    let knocked = knocked_with(&super::found::spec_on(prompts, &steps.concat()), &rows(&ALL, "")).unwrap();
    let mut broken = 0;
    for (order, k, ablated) in [
        ("count", 1, "count1"),
        ("count", 2, "count2"),
        ("score", 1, "score1"),
        ("score", 2, "score2"),
        ("score", 3, "all"),
        ("count", 50, "all"),
    ] {
        let rows = format!("{order}.prompts");
        let [ids, ks, correct] = ["id", "k", "correct"].map(|column| knocked.integers(&rows, column));
        let group = knocked.texts(&rows, "group");
        let own = (0..ids.len()).filter(|&row| ks[row] == k && group[row] == "heuristics");
        let own: BTreeMap<i64, i64> = own.map(|row| (ids[row], correct[row])).collect();
        let rows = format!("{ablated}.prompts");
        let ids = knocked.integers(&rows, "id");
        let expected: BTreeMap<i64, i64> = ids.into_iter().zip(knocked.integers(&rows, "value")).collect();
        assert!(own.len() == 60 && own == expected, "{order} {k}\n{own:?}\n{expected:?}");
        broken += expected.values().filter(|correct| **correct == 0).count();
    }
    assert!(broken > 20, "{broken}");
}

#[test]
fn controls_repeat_and_k_past_the_end_changes_nothing() {
    let run =
        || knocked(&spec(&format!("{STEP}k = [4, 40]\nseeds = [5]\nvalue = \"mean\"\nmean = {{ sample = 20 }}\n")));
    let (first, second) = (run(), run());
    for rows in ["out", "out.prompts", "out.neurons"] {
        assert!(first.rows(rows).equals_missing(second.rows(rows)), "{rows}");
    }
    let (k, accuracy) = (first.integers("out", "k"), first.numbers("out", "accuracy"));
    let of = |wanted: i64| -> Vec<Option<f64>> {
        k.iter().zip(&accuracy).filter(|(k, _)| **k == wanted).map(|(_, accuracy)| *accuracy).collect()
    };
    assert_eq!(of(4), of(40), "no layer has more than four");
    assert!(first.notes().contains("means are over 40 prompts"), "{}", first.notes());
}

#[test]
fn rows_of_other_prompts_are_refused() {
    let minus = "operators = [\"-\"]\noperands = { a = \"1..9\", b = \"1..9\" }";
    let found = rows(&FOUND, "");
    let error = knocked_with(&super::found::spec_on(minus, STEP), &found)
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(error.contains("'found' has no rows of model 'model', template 'default', operator '-'"), "{error}");
    const WRONG: [Neuron; 1] = [("+", 1, 3, &[("op1 is nice", 0.7)])];
    let plus = "operators = [\"+\"]\noperands = { a = \"1..9\", b = \"1..9\" }";
    let error =
        knocked_with(&super::found::spec_on(plus, STEP), &rows(&WRONG, "")).err().map(|error| error.to_string());
    assert!(error.unwrap_or_default().contains("'op1 is nice' is not a heuristic"));
}
