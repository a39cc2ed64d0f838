//! experiments/language-direction beside plain hooks on transformers' modules (tests/fixtures/papers/language_direction.py).
//!
//!     scripts/fetch-smollm2.sh
//!     cargo test --release -- --ignored paper::language_direction

use super::fixture;
use super::rows::Results;
use crate::support::{Sandbox, numbers, repository, texts};
use serde_json::Value;

/// Largest difference of a length of about 50, and of a logit difference.
const TOLERANCE: f64 = 1e-3;

#[track_caller]
fn near(found: f64, expected: &Value) {
    let expected = expected.as_f64().expect("a number");
    assert!((found - expected).abs() < TOLERANCE, "{found} is not {expected}");
}

/// What results/language-direction has, without the model.
#[test]
fn a_direction_and_what_adding_it_does_are_those_of_plain_hooks() {
    let fixture = fixture("language_direction");
    let results = Results::of("language-direction");
    near(results.rows("language", "direction").of(&["measure=auc"]).number("norm"), &fixture["norm"]);
    for language in ["french", "english"] {
        let added = results.rows("language", "added").of(&[&format!("template={language}"), "intervention=one"]);
        near(added.number("baseline"), &fixture["clean"][language]);
        near(added.number("mean"), &fixture["added"][language]);
    }
}

/// The experiment's prompts, its direction after layer 18, and what adding that does; nothing is swept and nothing written.
#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn a_direction_that_is_found_and_added_is_that_of_plain_hooks() {
    let sandbox = Sandbox::empty();
    let base = repository("experiments/language-direction/base/direction.toml").display().to_string();
    let added = r#"
[[step]]
name = "added"
kind = "intervention"
prompts = "asked"
measures = ["logit-difference"]
control = { draws = 0 }
interventions = [
    { name = "one", edits = [{ site = "18.resid_post", positions = ["last"], value = { direction = "one" }, add = true }] },
]
"#;
    let few = "[[step]]\nname = \"language\"\nsites = [\"18.resid_post\"]\npositions = [\"last\"]\ncontrols = 0\n";
    sandbox.write("spec.toml", format!("extends = {base:?}\ntitle = \"one direction\"\n{few}{added}"));
    sandbox.ran();
    let fixture = fixture("language_direction");
    near(numbers(&sandbox.rows("one"), "norm")[0], &fixture["norm"]);
    let rows = sandbox.rows("added");
    let (templates, baselines, means) = (texts(&rows, "template"), numbers(&rows, "baseline"), numbers(&rows, "mean"));
    for language in ["french", "english"] {
        let row = templates.iter().position(|template| template == language).expect("a row of each language");
        near(baselines[row], &fixture["clean"][language]);
        near(means[row], &fixture["added"][language]);
    }
}
