//! Prompts of one template that differ in length, and slots of several tokens: what is measured of all together is what is measured of
//! the prompts of each length on their own.

use super::words::sandbox;
use crate::support::{Sandbox, flowing, numbers, repository, says, texts};
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// `who` is one, two and three tokens.
const PROMPTS: &str = r#"
title = "words of several tokens"

[model]
source = "model"

[prompts]
template = "w {who} a {s},{s} g{thing}?"
completion = " {s}"
contrast = " {t}"
different = ["s", "t"]
words = "multi-token"

[prompts.slots]
who = ["A", "XY", "BXY"]
s = ["A", "B", "C"]
t = ["D", "E"]
thing = ["x", "y"]

[prompt_sets.one]
slots.who = ["A"]

[prompt_sets.two]
slots.who = ["XY"]

[prompt_sets.three]
slots.who = ["BXY"]
"#;

/// Steps of each kind that measures prompts, on one set.
fn steps(set: &str) -> String {
    let prompts = if set == "mixed" { String::new() } else { format!("prompts = \"{set}\"\n") };
    let step = |kind: &str, rest: &str| {
        format!("\n[[step]]\nname = \"{kind}-{set}\"\nkind = \"{kind}\"\nper_prompt = true\n{prompts}{rest}\n")
    };
    [
        step(
            "activation-patching",
            "sites = [\"0.resid_pre\", \"z[head]\"]\npositions = [\"who.last\", \"who.first\", \"who.all\", \"s\", \"s.2\", \"each\", \"who.each.end\", \"last\", -2]\n\
             measures = [\"logit-difference\", \"kl\"]",
        ),
        step("ablation", "components = [\"L0H0\"]\nvalue = \"zero\"\npositions = [\"who.all\", \"last\"]\nmeasures = [\"kl\"]"),
        step(
            "intervention",
            "measures = [\"logit-difference\"]\ninterventions = [{ name = \"blind\", edits = [{ cut = [\"L1H0\"], to = [\"who.all\"] }] }]",
        ),
        step("attribution-patching", "sites = [\"z[head]\"]\npositions = [\"who.last\", \"last\"]"),
        step("path-patching", "senders = [\"L0H*\"]\nreceivers = [\"logits\"]\npositions = [\"last\"]\nmeasures = [\"logit-difference\"]"),
        step("logit-lens", "positions = [\"who.last\", \"each.end\"]"),
        step("logit-attribution", ""),
        step("attention-patterns", "heads = [\"L1H0\"]"),
    ]
    .concat()
}

const SETS: [&str; 3] = ["one", "two", "three"];
const KINDS: [&str; 8] = [
    "activation-patching",
    "ablation",
    "intervention",
    "attribution-patching",
    "path-patching",
    "logit-lens",
    "logit-attribution",
    "attention-patterns",
];

/// Columns that name a value of one prompt, as far as the rows have them.
const NAMES: [&str; 10] =
    ["text", "t", "site", "component", "position", "measure", "intervention", "sender", "query", "key"];

/// The names of rows, one text for each.
fn names(rows: &DataFrame, columns: &[&str]) -> Vec<String> {
    let there: Vec<Vec<String>> =
        columns.iter().filter(|name| rows.column(name).is_ok()).map(|name| texts(rows, name)).collect();
    (0..rows.height())
        .map(|row| there.iter().map(|column| column[row].as_str()).collect::<Vec<_>>().join("|"))
        .collect()
}

/// Values of each prompt by name.
fn values(sandbox: &Sandbox, step: &str) -> BTreeMap<String, f64> {
    let rows = sandbox.rows(&format!("{step}.prompts"));
    let names = names(&rows, &NAMES);
    let count = names.len();
    let values: BTreeMap<String, f64> = names.into_iter().zip(numbers(&rows, "value")).collect();
    assert_eq!(values.len(), count, "{step}: each value once");
    values
}

fn close(one: f64, other: f64, within: f64) -> bool {
    (one.is_nan() && other.is_nan()) || (one - other).abs() <= within * other.abs().max(1.0)
}

#[test]
fn a_set_of_several_lengths_is_its_sets_of_one_length_together() {
    let spec: String = std::iter::once("mixed").chain(SETS).map(steps).collect();
    let sandbox = sandbox(&format!("{PROMPTS}{spec}"));
    sandbox.ran();
    for kind in KINDS {
        let mixed = values(&sandbox, &format!("{kind}-mixed"));
        let mut apart = BTreeMap::new();
        SETS.iter().for_each(|set| apart.extend(values(&sandbox, &format!("{kind}-{set}"))));
        // Prompts of one length alone name their one token by the slot itself.
        let of_one = |name: &str| name.replace("who[0]", "who").replace("who[-1]", "who");
        let renamed = |name: &String| if name.starts_with("w A ") { of_one(name) } else { name.clone() };
        let mut compared = 0;
        for (name, value) in &mixed {
            let Some(other) = apart.get(&renamed(name)).or_else(|| apart.get(name)) else {
                panic!("{kind}: {name} is in no set of one length");
            };
            assert!(close(*value, *other, 1e-6), "{kind}: {name}: {value} is not {other}");
            compared += 1;
        }
        assert!(compared >= 36, "{kind}: {compared}");

        // The mean of each key is that of its prompts' values, whatever their lengths.
        let rows = sandbox.rows(&format!("{kind}-mixed"));
        let keys = names(&rows, &NAMES[2..]);
        let mut sums: BTreeMap<String, (f64, usize)> = BTreeMap::new();
        for (name, value) in mixed.iter().filter(|(_, value)| value.is_finite()) {
            let (sum, n) = sums.entry(name.splitn(3, '|').nth(2).unwrap_or_default().to_string()).or_default();
            *sum += value;
            *n += 1;
        }
        let distinct: BTreeSet<&String> = keys.iter().collect();
        assert_eq!(distinct.len(), rows.height(), "{kind}: each key once");
        for ((key, mean), n) in keys.iter().zip(numbers(&rows, "mean")).zip(numbers(&rows, "n")) {
            let (sum, count) = sums.get(key).copied().unwrap_or_default();
            assert_eq!(n as usize, count, "{kind}: {key}");
            assert!(count == 0 || close(mean, sum / count as f64, 1e-9), "{kind}: {key}: {mean} of {sum} / {count}");
        }
    }
    let rows = sandbox.rows("activation-patching-mixed");
    let index = |position: &str| {
        let mut at = texts(&rows, "position")
            .into_iter()
            .zip(numbers(&rows, "position_index"))
            .filter(|(name, _)| name == position);
        at.next().expect("a row").1
    };
    // A word of one token has the space before it in it, another begins after it.
    assert!(
        ["who.first", "who.last", "s", "last"].iter().all(|name| index(name).is_nan()),
        "they differ between prompts"
    );
    assert_eq!(index("w"), 0.0);
}

/// tests/fixtures/make_spans.py: plain hooks on transformers' modules, and the tokens of a word by its characters.
#[test]
fn edits_within_words_and_means_under_a_name_are_those_of_plain_hooks() {
    let edit = |name: &str, site: &str, at: &str, value: &str| {
        format!("{{ name = \"{name}\", edits = [{{ site = \"{site}\", positions = [\"{at}\"], value = {value} }}] }}")
    };
    let edits = [
        edit("first", "0.resid_post", "who.first", "0.0"),
        edit("last", "0.resid_post", "who.last", "0.0"),
        edit("all", "0.resid_post", "who.all", "0.0"),
        edit("mean", "1.resid_post", "last", "\"mean\""),
    ];
    let sandbox = sandbox(&format!(
        "{PROMPTS}\n[[step]]\nname = \"edits\"\nkind = \"intervention\"\nper_prompt = true\nmeasures = [\"logit-difference\"]\n\
         interventions = [{}]\n\
         [[step]]\nname = \"ablated\"\nkind = \"ablation\"\ncomponents = [\"L0H0\", \"L0MLP\"]\npositions = [\"all\"]\nmeasures = [\"kl\"]\n",
        edits.join(", ")
    ));
    sandbox.ran();
    let expected = std::fs::read(repository("tests/fixtures/spans.json")).expect("a fixture");
    let expected: BTreeMap<String, Vec<BTreeMap<String, f64>>> = serde_json::from_slice(&expected).expect("JSON");
    let rows = sandbox.rows("edits.prompts");
    let column = |name: &str| texts(&rows, name);
    let (who, s, t, thing, edit) = (column("who"), column("s"), column("t"), column("thing"), column("intervention"));
    let values = numbers(&rows, "value");
    assert_eq!(values.len(), 4 * 36);
    for (row, value) in values.into_iter().enumerate() {
        let prompt = format!("{} {} {}", who[row], s[row], t[row]);
        let expected = expected[&prompt][usize::from(thing[row] == "y")][&edit[row]];
        assert!((value - expected).abs() < 1e-5, "{prompt} {}, {}: {value} is not {expected}", thing[row], edit[row]);
    }
    let ablated = sandbox.rows("ablated");
    assert_eq!(numbers(&ablated, "n"), [36.0]);
    assert!(numbers(&ablated, "mean")[0] > 0.0);
    assert_eq!(sandbox.rows("ablated.components").height(), 2, "those of the template, once");
}

#[test]
fn readings_are_of_prompts_of_all_lengths() {
    let steps = "[[step]]\nname = \"kept\"\nkind = \"capture\"\nsites = [\"resid_post\"]\npositions = [\"who.last\", \"last\"]\n\
                 [[step]]\nname = \"values\"\nkind = \"capture\"\nformat = \"rows\"\nsites = [\"1.mlp_post[neuron 0]\"]\npositions = [\"each\"]\n\
                 [[step]]\nname = \"largest\"\nkind = \"max-activations\"\ncomponents = [\"L1N0\"]\ntop = 3\n\
                 [[step]]\nname = \"probed\"\nkind = \"probe\"\nsites = [\"resid_post\"]\npositions = [\"who.last\", \"each\"]\nepochs = 2\n";
    let sandbox = sandbox(&format!("{PROMPTS}{}", steps.replace("[neuron 0]", "[0]")));
    sandbox.ran();
    let bytes = std::fs::read(sandbox.at("results/spec/activations/kept.safetensors")).expect("a file");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    assert_eq!(header["positions"]["shape"], serde_json::json!([36, 2]));
    // "w A a A,A gx?" has 11 tokens, "w BXY a A,A gx?" 13.
    assert_eq!(header["tokens"]["shape"], serde_json::json!([36, 13]));
    assert_eq!(header["blocks.1.hook_resid_post"]["shape"][1], 2);

    // The largest of all lengths are the largest of the values.
    let values = sandbox.rows("values");
    let mut all = numbers(&values, "value");
    all.sort_by(|one, other| other.total_cmp(one));
    let largest = numbers(&sandbox.rows("largest"), "value");
    assert!(close(largest[0], all[0], 1e-6) && largest.windows(2).all(|pair| pair[0] >= pair[1]), "{largest:?}");

    let probed = sandbox.rows("probed");
    let positions: BTreeSet<String> = texts(&probed, "position").into_iter().collect();
    assert!(
        positions.contains("who.last") && positions.contains("who[0]") && !positions.contains("who[2]"),
        "{positions:?}"
    );
    says(sandbox.report(), ["because not all prompts have them"]);
}

#[test]
fn a_prompt_like_no_other_is_left_out_of_pairs_and_counted() {
    let prompts = PROMPTS
        .replace("who = [\"A\", \"XY\", \"BXY\"]\ns = [\"A\", \"B\", \"C\"]", "")
        .replace("words = \"multi-token\"", "words = \"multi-token\"\nrows = [{ who = \"A\", s = \"A\" }, { who = \"A\", s = \"B\" }, { who = \"XY\", s = \"A\" }]")
        .split("[prompt_sets.one]")
        .next()
        .expect("prompts")
        .replace("t = [\"D\", \"E\"]\nthing = [\"x\", \"y\"]", "t = [\"D\"]\nthing = [\"x\"]");
    let step = "[[step]]\nname = \"patch\"\nkind = \"activation-patching\"\nsites = [\"0.resid_pre\"]\npositions = [\"who.last\"]\n\
                measures = [\"kl\"]\n";
    let sandbox = sandbox(&format!("{prompts}{step}"));
    sandbox.ran();
    assert_eq!(numbers(&sandbox.rows("patch"), "n"), [2.0]);
    assert_eq!(sandbox.rows("patch.pairs").height(), 2);
    says(sandbox.report(), ["1 of 3 prompts has no counterfactual and is left out; the first"]);
}

/// A draw of prompts that the model is asked about may have another shape than the same draw of all legal prompts.
#[test]
fn a_set_that_fits_some_shapes_is_refused_only_where_it_is_known_which_there_are() {
    let of = |drawn: &str, who: &str| {
        let prompts = PROMPTS
            .replace("words = \"multi-token\"", &format!("words = \"multi-token\"\n{drawn}"))
            .replacen("who = [\"A\", \"XY\", \"BXY\"]", &format!("who = [{who}]"), 1);
        sandbox(&format!(
            "{prompts}[[step]]\nname = \"patch\"\nkind = \"activation-patching\"\nsites = [\"z[head]\"]\n\
             counterfactual.prompts = \"three\"\nmeasures = [\"kl\"]\n"
        ))
    };
    let (one, two, three) = ("\"A\"", "\"A\", \"XY\"", "\"A\", \"XY\", \"BXY\"");
    let asked = "keep = \"correct\"";
    let drawn = format!("{asked}\nsample = 1");
    for (drawn, who) in [("sample = 1\nseeds = [3]", three), (asked, two), (&drawn, one)] {
        says(flowing(&of(drawn, who).refused()), ["prompt set 'three' has no prompt with the same template"]);
    }
    for drawn in ["keep = \"all\"", asked, &format!("{drawn}\nseeds = [3]")] {
        of(drawn, three).run(&["plan", "spec.toml"]).ok();
    }
}

#[test]
fn what_is_no_position_is_refused_with_what_to_write() {
    let refused = |positions: &str| {
        let step = format!(
            "[[step]]\nname = \"patch\"\nkind = \"activation-patching\"\nsites = [\"0.resid_pre\"]\npositions = [{positions}]\n\
             measures = [\"kl\"]\n"
        );
        flowing(&sandbox(&format!("{PROMPTS}{step}")).run(&["run", "spec.toml"]).refused())
    };
    says(
        refused("\"who\""),
        [
            "'who' is not one position: in \"w XY a A,A gx?\", \"XY\" is 2 tokens",
            "write 'who.last', 'who.first', 'who.all' or 'who.each'",
        ],
    );
    says(refused("\"who[1]\""), ["there is no position 'who[1]': in some prompts", "or 'who.each'"]);
    says(refused("\"who.lats\""), ["no position 'who.lats'", "write 'who.last'"]);
    says(refused("14"), ["there is no position 14"]);
}

#[test]
fn a_plan_counts_each_length() {
    let sandbox = sandbox(&format!("{PROMPTS}{}", steps("mixed")));
    let plan = sandbox.run(&["plan", "spec.toml"]).ok().out;
    says(&plan, ["activation-patching-mixed"]);
}

/// Prompts whose answer is 0 are left out of a template's prompts, whatever their length: a length that has no others is none.
#[test]
fn zero_answers_are_left_out_of_all_lengths_together() {
    let spec = |a: &str| {
        format!(
            "title = \"zeros\"\n[model]\nsource = \"model\"\n[prompts]\ntemplate = \"{{a}}x{{b}}?\"\noperators = [\"-\"]\n\
             operands = {{ a = {a}, b = {a} }}\nanswer = \"multi-token\"\n[[step]]\nname = \"ablated\"\nkind = \"ablation\"\n\
             components = [\"L0MLP\"]\nvalue = \"zero\"\npositions = [\"last\"]\nmeasures = [\"kl\"]\nskip_zero_answers = true\n\
             per_prompt = true\ncontrol = \"none\"\n"
        )
    };
    // "1x1?" and "12x12?" are the only ones of their lengths.
    let some = sandbox(&spec("[1, 12]"));
    some.ran();
    assert_eq!(numbers(&some.rows("ablated.prompts"), "answer"), [11.0]);
    says(some.report(), ["2 of 3 prompts have the answer 0 and are left out"]);
    let none = sandbox(&spec("[7]"));
    says(flowing(&none.run(&["run", "spec.toml"]).refused()), ["every prompt has the answer 0"]);
}
