//! Step `heuristic-support`.

use super::found::{Neuron, holds, knocked, knocked_with, rows, spec_on};
use std::collections::BTreeMap;

const STEP: &str = "[[step]]\nname = \"support\"\nkind = \"heuristic-support\"\nfrom = \"found\"\n";
/// Problems of which the built-in model gets some wrong.
const HARD: &str = "operators = [\"-\", \"/\"]\noperands = { a = \"50..100\", b = \"2..30\" }\nspread_answers = false";

const FOUND: [Neuron; 8] = [
    ("-", 1, 7, &[("op1 in [50, 80)", 0.9), ("op2 mod 2 = 1", 0.7)]),
    ("-", 2, 181, &[("result mod 3 = 0", 0.7)]),
    ("-", 3, 187, &[]),
    ("/", 1, 80, &[("op2 mod 2 = 1", 0.8)]),
    ("/", 2, 181, &[("op1 in [50, 80)", 0.8), ("op1 in [90, 95)", 0.9)]),
    ("/", 3, 187, &[("result mod 3 = 0", 0.99), ("op1 in [50, 80)", 0.7)]),
    ("/", 3, 98, &[("result in [5, 15)", 0.9)]),
    ("/", 3, 121, &[]),
];

#[test]
fn neurons_are_counted_and_their_votes_added_up() {
    // What a neuron adds to the answer's logit is activation × value vector's logit / the final norm's scale.
    let all = "keep = \"all\"";
    let steps = format!(
        "{STEP}sample = 30\n\
         [[step]]\nname = \"votes\"\nkind = \"logit-attribution\"\nper_prompt = true\nbootstrap = 0\n\
         components = [\"L1N7,80\", \"L2N181\", \"L3N98,121,187\"]\n\
         [[step]]\nname = \"scale\"\nkind = \"capture\"\nformat = \"rows\"\nsites = [\"ln_final.hook_scale\"]\n\
         [[step]]\nname = \"asked\"\nkind = \"accuracy\"\nper_prompt = true\n"
    );
    let knocked = knocked_with(&spec_on(&format!("{HARD}\n{all}"), &steps), &rows(&FOUND, "")).unwrap();
    let mut votes: BTreeMap<(i64, String), f64> = BTreeMap::new();
    let (ids, values) = (knocked.integers("votes.prompts", "id"), knocked.numbers("votes.prompts", "value"));
    let column = knocked.rows("votes.prompts").column("component").unwrap().str().unwrap().clone();
    for row in 0..ids.len() {
        if let (Some(component), Some(value)) = (column.get(row), values[row]) {
            votes.insert((ids[row], component.to_string()), value);
        }
    }
    let scale: BTreeMap<i64, f64> = knocked
        .integers("scale", "id")
        .into_iter()
        .zip(knocked.numbers("scale", "value").into_iter().map(Option::unwrap))
        .collect();
    let right: BTreeMap<i64, i64> =
        knocked.integers("asked.prompts", "id").into_iter().zip(knocked.integers("asked.prompts", "correct")).collect();

    let rows = "support.prompts";
    let [id, a, b, answer] = ["id", "a", "b", "answer"].map(|column| knocked.integers(rows, column));
    let [operator, group, measure] = ["operator", "group", "measure"].map(|column| knocked.texts(rows, column));
    let value = knocked.numbers(rows, "value");
    let mut seen: BTreeMap<(String, String), Vec<(f64, f64)>> = BTreeMap::new();
    let mut largest: f64 = 0.0;
    for row in (0..id.len()).filter(|&row| measure[row] == "neurons") {
        assert_eq!(right[&id[row]] == 1, group[row] == "correct", "{row}");
        let own: Vec<&Neuron> = FOUND
            .iter()
            .filter(|one| {
                one.0 == operator[row] && one.3.iter().any(|(text, _)| holds(text, a[row], b[row], answer[row]))
            })
            .collect();
        assert_eq!(value[row], Some(own.len() as f64), "{}", operator[row]);
        let by_hand: f64 =
            own.iter().map(|one| votes[&(id[row], format!("L{}N{}", one.1, one.2))] * scale[&id[row]]).sum();
        let logit = (0..id.len())
            .find(|&other| id[other] == id[row] && group[other] == group[row] && measure[other] == "logit")
            .and_then(|other| value[other])
            .unwrap();
        assert!((logit - by_hand).abs() < 1e-3 * by_hand.abs().max(1.0), "{logit} {by_hand}");
        largest = largest.max(logit.abs());
        seen.entry((operator[row].clone(), group[row].clone())).or_default().push((own.len() as f64, logit));
    }
    assert!(largest > 0.1, "{largest}");
    assert_eq!(seen.len(), 3, "- is always right: {:?}", seen.keys());
    assert_eq!(seen[&("-".into(), "correct".into())].len(), 30);

    let [operator, group, measure] = ["operator", "group", "measure"].map(|column| knocked.texts("support", column));
    let [n, mean, low, high] = ["n", "mean", "ci_low", "ci_high"].map(|column| knocked.numbers("support", column));
    assert_eq!(n.len(), 2 * 3);
    for row in 0..n.len() {
        let own = &seen[&(operator[row].clone(), group[row].clone())];
        let sum: f64 = own.iter().map(|(neurons, logit)| if measure[row] == "neurons" { neurons } else { logit }).sum();
        assert_eq!(n[row], Some(own.len() as f64));
        assert!((mean[row].unwrap() - sum / own.len() as f64).abs() < 1e-9);
        assert!(low[row] <= mean[row] && mean[row] <= high[row]);
    }
    assert!(knocked.notes().contains("incorrect"), "{}", knocked.notes());
}

#[test]
fn a_model_that_is_always_right_has_one_group() {
    let easy = "operators = [\"+\"]\noperands = { a = \"1..9\", b = \"1..9\" }";
    let knocked = knocked(&spec_on(easy, &format!("{STEP}sample = 5\nseeds = [1, 2]\n")));
    assert!(knocked.texts("support", "group").iter().all(|group| group == "correct"));
    assert!(knocked.notes().contains("none of 64 prompts is answered incorrectly"), "{}", knocked.notes());
    assert!((5.0..=10.0).contains(&knocked.numbers("support", "n")[0].unwrap()));
}

#[test]
fn prompts_that_no_heuristic_holds_for_count_as_none() {
    const FAR: [Neuron; 2] = [("+", 1, 3, &[("op1 in [90, 95)", 0.9)]), ("+", 2, 3, &[])];
    let easy = "operators = [\"+\"]\noperands = { a = \"1..9\", b = \"1..9\" }";
    let knocked = knocked_with(&spec_on(easy, STEP), &rows(&FAR, "")).unwrap();
    assert!(knocked.numbers("support.prompts", "value").iter().all(|value| *value == Some(0.0)));
}
