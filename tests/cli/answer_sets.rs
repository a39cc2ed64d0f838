//! Measures of several right and wrong answers, and of whole answers, under edits: beside plain PyTorch (tests/fixtures/make_answer_sets.py).

use super::words::sandbox;
use crate::support::{Sandbox, flowing, numbers, repository, says, texts};
use polars::prelude::DataType;
use std::collections::HashMap;

const HEAD: &str = r#"
title = "answer sets"

[model]
source = "model"

[prompts]
template = "w {c}{y} a {c}"
slots = { c = [1, 2], y = [3, 7], end = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }
completion = "{end}"
right = { slot = "end", above = "y" }
wrong = { slot = "end", upto = "y" }
"#;

const STEPS: &str = r#"
[[step]]
name = "edits"
kind = "intervention"
interventions = [{ name = "zeroed", edits = [{ site = "0.mlp_out", positions = ["y"], value = 0.0 }] }]
measures = ["probability-difference", "probability", "logit-difference", "rank", "accuracy"]
per_prompt = true

[[step]]
name = "taken"
kind = "ablation"
components = ["L0MLP"]
positions = ["y"]
value = "zero"
measures = ["probability-difference", "probability", "logit-difference", "rank", "accuracy"]
per_prompt = true

[[step]]
name = "patched"
kind = "activation-patching"
sites = ["0.resid_pre"]
positions = ["all"]
counterfactual.redraw = ["y"]
measures = ["probability-difference", "logit-difference"]
per_prompt = true

[[step]]
name = "written"
kind = "activation-patching"
sites = ["0.resid_pre"]
positions = ["all", "y"]
counterfactual.write = { y = 0 }
measures = ["probability-difference"]
per_prompt = true

[[step]]
name = "lens"
kind = "logit-lens"
sites = ["1.resid_post"]
measures = ["accuracy", "probability", "rank", "logit-difference"]
per_prompt = true

[[step]]
name = "first"
kind = "attribution-patching"
sites = ["0.resid_pre"]
positions = ["y"]
counterfactual.redraw = ["y"]
measure = "logit-difference"
per_prompt = true

[[step]]
name = "accuracy"
kind = "accuracy"
per_prompt = true

[[step]]
name = "surprise"
kind = "loss"
interventions = [{ name = "zeroed", edits = [{ site = "0.mlp_out", positions = ["y"], value = 0.0 }] }]
measures = ["loss", "probability", "accuracy", "rank"]
per_prompt = true

[[step]]
name = "unedited"
kind = "loss"
"#;

/// The same prompts with answers of two tokens and, for 7, three.
const WHOLE: &str = r#"
title = "whole answers"

[model]
source = "model"

[prompts]
template = "w {c}{y} a {c}"
completion = "{said}"
answer = "multi-token"
rows = [
  { c = 1, y = 3, said = "31" },
  { c = 1, y = 7, said = "71?" },
  { c = 2, y = 3, said = "32" },
  { c = 2, y = 7, said = "72?" },
]

[[step]]
name = "edits"
kind = "intervention"
interventions = [{ name = "zeroed", edits = [{ site = "0.mlp_out", positions = ["y"], value = 0.0 }] }]
measures = ["sequence-log-probability", "probability"]
per_prompt = true

[[step]]
name = "everywhere"
kind = "intervention"
interventions = [{ name = "nothing", edits = [{ site = "0.mlp_out", value = 1.0, strength = 0.0 }] }]
measures = ["sequence-log-probability"]
per_prompt = true

[[step]]
name = "taken"
kind = "ablation"
components = ["L0MLP"]
positions = ["y"]
value = "zero"
measures = ["sequence-log-probability"]
per_prompt = true

[[step]]
name = "digits"
kind = "loss"
of = "answer"
interventions = [{ name = "zeroed", edits = [{ site = "0.mlp_out", positions = ["y"], value = 0.0 }] }]
per_prompt = true
"#;

fn fixture() -> serde_json::Value {
    let text = std::fs::read_to_string(repository("tests/fixtures/answer_sets.json")).expect("a fixture");
    serde_json::from_str(&text).expect("JSON")
}

/// `value` and `baseline` of `NAME.prompts`, by text and measure.
fn measured(sandbox: &Sandbox, name: &str) -> HashMap<(String, String), (f64, f64)> {
    let rows = sandbox.rows(&format!("{name}.prompts"));
    let keys = texts(&rows, "text").into_iter().zip(texts(&rows, "measure"));
    keys.zip(numbers(&rows, "value").into_iter().zip(numbers(&rows, "baseline"))).collect()
}

fn near(found: f64, expected: &serde_json::Value, what: &str) {
    let expected = expected.as_f64().expect("a number");
    assert!((found - expected).abs() < 2e-5 * expected.abs().max(1.0), "{what}: {found} is not {expected}");
}

#[test]
fn sets_of_answers_are_measured_as_hooks_on_transformers_measure_them() {
    let sandbox = sandbox(&format!("{HEAD}{STEPS}"));
    sandbox.ran();
    let edits = [measured(&sandbox, "edits"), measured(&sandbox, "taken")];
    let patched = measured(&sandbox, "patched");
    let lens = sandbox.rows("lens.prompts");
    let looked: HashMap<(String, String), f64> =
        texts(&lens, "text").into_iter().zip(texts(&lens, "measure")).zip(numbers(&lens, "value")).collect();
    let fixture = fixture();
    let prompts = fixture["sets"].as_array().expect("prompts");
    assert_eq!(prompts.len(), 4);
    for prompt in prompts {
        let text = prompt["text"].as_str().expect("a text");
        for (measure, expected) in prompt["edited"].as_object().expect("measures") {
            let at = (text.to_string(), measure.clone());
            for edits in &edits {
                near(edits[&at].0, expected, &format!("{text}: {measure}"));
                near(edits[&at].1, &prompt["whole"][measure], &format!("{text}: {measure}, unedited"));
            }
            if let Some(value) = looked.get(&at) {
                near(*value, &prompt["whole"][measure], &format!("{text}: {measure} of the last stream"));
            }
        }
        for measure in ["probability-difference", "logit-difference"] {
            let value = patched[&(text.to_string(), measure.to_string())].1;
            near(value, &prompt["whole"][measure], &format!("{text}: {measure} before patching"));
        }
    }
    assert!(
        ["probability", "rank", "accuracy", "logit-difference"]
            .iter()
            .all(|name| looked.keys().any(|(_, measure)| measure == name))
    );

    // The other prompts have the word that is written, and are the clean ones but for it.
    let pairs = sandbox.rows("written.pairs");
    for (text, other) in texts(&pairs, "text").iter().zip(texts(&pairs, "other_text")) {
        assert_eq!(other, format!("{}0{}", &text[..3], &text[4..]));
    }
    assert_eq!(numbers(&pairs, "other_answer"), [1.0; 4]);
    let written = sandbox.rows("written.prompts");
    let (positions, values) = (texts(&written, "position"), numbers(&written, "value"));
    let of = |name: &str| -> Vec<f64> {
        values.iter().zip(&positions).filter(|(_, position)| *position == name).map(|(value, _)| *value).collect()
    };
    // The one token that differs is all that differs.
    assert!(of("all").iter().zip(of("y")).all(|(all, y)| (all - y).abs() < 1e-5));

    // Rows name the first of the answers, and any right one counts.
    let asked = sandbox.rows("accuracy.prompts");
    let shown = |column: &str| -> Vec<String> {
        let column = asked.column(column).expect(column).cast(&DataType::String).expect("texts");
        column.str().expect("texts").iter().map(|text| text.unwrap_or_default().to_string()).collect()
    };
    assert_eq!(shown("answer"), ["4", "8", "4", "8"]);
    assert_eq!(shown("contrast"), ["0"; 4]);
    for (given, (text, correct)) in shown("given").iter().zip(shown("text").iter().zip(shown("correct"))) {
        let y = text.chars().nth(3).expect("a digit");
        let right = given.chars().next().is_some_and(|digit| digit.is_ascii_digit() && digit > y);
        assert_eq!(correct, right.to_string(), "{text} is answered {given}");
    }
}

#[test]
fn whole_answers_are_read_token_by_token_behind_the_prompt() {
    let sandbox = sandbox(WHOLE);
    sandbox.ran();
    let (edits, taken, nothing) =
        (measured(&sandbox, "edits"), measured(&sandbox, "taken"), measured(&sandbox, "everywhere"));
    let fixture = fixture();
    for prompt in fixture["sequences"].as_array().expect("prompts") {
        let text = prompt["text"].as_str().expect("a text");
        let at = (text.to_string(), "sequence-log-probability".to_string());
        for rows in [&edits, &taken] {
            near(rows[&at].0, &prompt["edited"], &format!("{text}: edited"));
            near(rows[&at].1, &prompt["whole"], &format!("{text}: unedited"));
        }
        assert_eq!(nothing[&at].0, nothing[&at].1, "{text}: an edit that changes nothing");
        // The answer begins with its first token, which is likelier than all of them.
        assert!(edits[&(text.to_string(), "probability".to_string())].0.ln() > edits[&at].0);
    }
}

/// Values of `NAME.prompts` of one measure by text, intervention and token.
fn of_tokens(sandbox: &Sandbox, name: &str, measure: &str) -> HashMap<(String, String, String), f64> {
    let rows = sandbox.rows(&format!("{name}.prompts"));
    let measures = texts(&rows, "measure");
    let keys = texts(&rows, "text").into_iter().zip(texts(&rows, "intervention")).zip(texts(&rows, "token"));
    let all = keys.zip(numbers(&rows, "value")).zip(measures).filter(|(_, own)| own == measure);
    all.map(|((((text, intervention), token), value), _)| ((text, intervention, token), value)).collect()
}

#[test]
fn every_token_of_a_text_has_its_loss() {
    let sandbox = sandbox(&format!("{HEAD}{STEPS}"));
    sandbox.ran();
    let (losses, probabilities) =
        (of_tokens(&sandbox, "surprise", "loss"), of_tokens(&sandbox, "surprise", "probability"));
    let (ranks, right) = (of_tokens(&sandbox, "surprise", "rank"), of_tokens(&sandbox, "surprise", "accuracy"));
    for prompt in fixture()["texts"].as_array().expect("texts") {
        let text = prompt["text"].as_str().expect("a text");
        for (name, expected) in [("none", &prompt["whole"]), ("zeroed", &prompt["edited"])] {
            let expected = expected.as_array().expect("losses");
            let at = |token: String| (text.to_string(), name.to_string(), token);
            for (number, expected) in expected.iter().enumerate() {
                let at = at((number + 1).to_string());
                near(losses[&at], expected, &format!("{text}: {name}, token {number}"));
                assert!((probabilities[&at].ln() + losses[&at]).abs() < 1e-6);
                assert_eq!(right[&at] == 1.0, ranks[&at] == 0.0);
            }
            assert!(!losses.contains_key(&at((expected.len() + 1).to_string())));
            let mean = expected.iter().filter_map(serde_json::Value::as_f64).sum::<f64>() / expected.len() as f64;
            assert!((losses[&at("all".into())] - mean).abs() < 1e-4, "{text}: {name}");
        }
    }
    let unedited = sandbox.rows("unedited");
    assert_eq!(texts(&unedited, "intervention").iter().filter(|name| *name != "none").count(), 0);
    assert_eq!(texts(&unedited, "token")[..2], ["all", "1"]);
}

#[test]
fn every_token_of_an_answer_has_its_loss() {
    let sandbox = sandbox(WHOLE);
    sandbox.ran();
    let losses = of_tokens(&sandbox, "digits", "loss");
    // They are run together, the shorter ones filled up; the longest is run alone as well.
    says(sandbox.report(), ["- step 'digits', model 'model': 1 text run alone and beside others, largest difference"]);
    for prompt in fixture()["sequences"].as_array().expect("prompts") {
        let text = prompt["text"].as_str().expect("a text");
        for (name, whole, tokens) in [("none", "whole", "whole tokens"), ("zeroed", "edited", "edited tokens")] {
            let at = |token: String| (text.to_string(), name.to_string(), token);
            let expected = prompt[tokens].as_array().expect("losses");
            for (number, expected) in expected.iter().enumerate() {
                near(losses[&at((number + 1).to_string())], expected, &format!("{text}: {name}, token {number}"));
            }
            // Two tokens or three; their losses add up to what the measure of whole answers says.
            assert!(losses.get(&at((expected.len() + 1).to_string())).is_none_or(|value| value.is_nan()));
            let total = losses[&at("all".into())] * expected.len() as f64;
            assert!((total + prompt[whole].as_f64().expect("a number")).abs() < 1e-4, "{text}: {name}");
        }
    }
}

/// The built-in model has four positions, those of its prompts: an answer of one token is read off the last of them. Then means of
/// patterns, which are of the prompt's keys, can be written, too.
#[test]
fn an_answer_needs_no_position_of_its_own() {
    let edits = "interventions = [{ name = \"mean\", edits = [{ site = \"1.pattern\", value = \"mean\" }] }]\nper_prompt = true\n";
    let sandbox = Sandbox::with(&format!(
        "title = \"x\"\n[model]\nsource = \"builtin:arith\"\n[prompts]\noperands = {{ a = \"2..6\", b = \"2..6\" }}\noperators = [\"+\"]\n\
         [[step]]\nname = \"surprise\"\nkind = \"loss\"\nof = \"answer\"\n{edits}\
         [[step]]\nname = \"edits\"\nkind = \"intervention\"\nmeasures = [\"probability\"]\n{edits}"
    ));
    sandbox.ran();
    let losses = of_tokens(&sandbox, "surprise", "loss");
    let probabilities = measured(&sandbox, "edits");
    assert_eq!(probabilities.len(), 16);
    for ((text, _), (edited, unedited)) in probabilities {
        for (name, probability) in [("none", unedited), ("mean", edited)] {
            let loss = losses[&(text.clone(), name.to_string(), "1".to_string())];
            assert!((loss + probability.ln()).abs() < 1e-4, "{text}: {name}: {loss}, P = {probability}");
        }
    }
}

#[test]
fn measures_that_have_nothing_to_compare_with_are_refused() {
    let without = HEAD.replace("wrong = { slot = \"end\", upto = \"y\" }\n", "");
    let step = "[[step]]\nname = \"taken\"\nkind = \"ablation\"\ncomponents = [\"L0MLP\"]\nvalue = \"zero\"\n\
                measures = [\"accuracy\", \"logit-difference\"]\n";
    let said = flowing(&sandbox(&format!("{without}{step}")).run(&["run", "spec.toml"]).refused());
    assert!(said.contains("this measure compares with a wrong answer, and the prompts have none"), "{said}");
    let numbers = "title = \"x\"\n[model]\nsource = \"builtin:arith\"\n[prompts]\noperands = { a = [1], b = [2] }\nwrong = [\"3\"]\n";
    let said = flowing(&Sandbox::with(numbers).refused());
    assert!(said.contains("'wrong' does not apply to the prompts of [prompts], which are made of operands"), "{said}");
}
