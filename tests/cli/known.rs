//! Known models: the profile for the model at hand, and what is expected of it.

use super::SMALL;
use crate::support::{Sandbox, repository, says};

/// A spec that knows the built-in model and Llama3-8B, in a folder with their profiles.
fn sandbox() -> Sandbox {
    let spec = format!(
        "{SMALL}\n[known.arith]\nfamily = \"ablate\"\nlayers = 4\nheads = 4\nd_model = 64\nnote = \"small\"\nprofile = \"models/arith.toml\"\n\
        [known.llama3-8b]\nfamily = \"llama\"\nlayers = 32\nheads = 32\nkv_heads = 8\nd_model = 4096\nd_mlp = 14336\n\
        n_vocab = 128256\nprofile = \"models/llama3-8b.toml\"\n"
    );
    Sandbox::of(&[
        ("spec.toml", spec.as_str()),
        (
            "models/arith.toml",
            "[prompts]\noperators = [\"+\", \"-\"]\n[[step]]\nname = \"nothing\"\nkind = \"accuracy\"\n",
        ),
        (
            "models/llama3-8b.toml",
            "[model]\ndtype = \"bf16\"\n[prompts]\noperands = { a = \"0..300\", b = \"0..300\" }\n",
        ),
    ])
}

fn configuration(name: &str) -> String {
    repository(&format!("tests/fixtures/configs/{name}.json")).display().to_string()
}

#[test]
fn the_profile_of_the_model_at_hand_is_taken_by_itself() {
    let sandbox = sandbox();
    let said = sandbox.ran().err;
    assert!(said.contains("model 'model' is known as arith: profile models/arith.toml"), "{said}");
    let rates = sandbox.table("rates");
    assert!(rates.contains("\n+,72,") && rates.contains("\n-,") && !rates.contains("\n*,"), "{rates}");
    let report = sandbox.report();
    assert!(report.contains("| model 'model' is known as | arith: profile models/arith.toml |"), "{report}");
    assert!(report.contains("> - arith: small\n") && said.contains("note: arith: small"), "{report}");
    assert!(!report.contains("name = \"nothing\"") && report.contains("operators = [\"+\", \"-\"]"), "{report}");
    let manifest = sandbox.read("results/spec/manifest.json");
    says(&manifest, ["\"known_as\": \"arith\"", "\"path\": \"models/arith.toml\", \"role\": \"profile\""]);
}

#[test]
fn what_is_set_goes_over_the_profile() {
    let sandbox = sandbox();
    let args = ["run", "spec.toml", "--set", "prompts.operators=[\"*\"]"];
    sandbox.run(&args).ok();
    let rates = sandbox.table("rates");
    assert!(rates.lines().count() == 2 && rates.contains("\n*,"), "{rates}");
}

/// Facts are read from a configuration; the sixteen gigabytes of its random weights are not drawn.
#[test]
fn config_shows_the_profile_of_a_model_whose_weights_nobody_reads() {
    let sandbox = sandbox();
    let source = format!("model.source=random:{}#1", configuration("llama3-8b"));
    let shown = sandbox.run(&["config", "spec.toml", "--set", &source]).ok().out;
    assert!(shown.starts_with("# model 'model' is known as llama3-8b: profile models/llama3-8b.toml\n"), "{shown}");
    says(
        &shown,
        [
            "dtype = \"bf16\"  ",
            "# models/llama3-8b.toml:2:9",
            "a = \"0..300\"  # models/llama3-8b.toml:4:18",
            "operators = [\"+\", \"*\"]",
        ],
    );
    let shown = sandbox.run(&["config", "spec.toml", "--no-profile", "--set", &source]).ok().out;
    says(&shown, ["dtype = \"f32\"", "profile = \"models/llama3-8b.toml\""]);
    // The same facts but for the context.
    let newer = format!("model.source=random:{}#1", configuration("llama3.1-8b"));
    let shown = sandbox.run(&["config", "spec.toml", "--set", &newer]).ok().out;
    assert!(shown.contains("is known as llama3-8b"), "{shown}");
    let apart = ["config", "spec.toml", "--set", &newer, "--set", "known.llama3-8b.n_ctx=8192"];
    let shown = sandbox.run(&apart).ok().out;
    assert!(!shown.contains("is known as") && shown.contains("dtype = \"f32\""), "{shown}");
    let other = format!("model.source=random:{}#1", configuration("llama3-70b"));
    let shown = sandbox.run(&["config", "spec.toml", "--set", &other]).ok().out;
    assert!(!shown.contains("is known as") && shown.contains("dtype = \"f32\""), "{shown}");
}

#[test]
fn the_papers_specs_know_published_models() {
    let sandbox = sandbox();
    let spec = repository("experiments/paper/table03-accuracy.toml").display().to_string();
    let first_line = |name: &str| {
        let source = format!("model.source=random:{}#1", configuration(name));
        let shown = sandbox.run(&["config", &spec, "--set", &source]).ok().out;
        shown.lines().next().unwrap_or_default().to_string()
    };
    for (configuration, known) in [
        ("gemma-2-2b", "gemma-2-2b"),
        ("gemma-3-270m", "gemma-3-270m"),
        ("gpt-j-6b", "gpt-j"),
        ("llama3-70b", "llama3-70b"),
        ("llama3-8b", "llama3-8b"),
        ("llama3.1-8b", "llama3_1-8b"),
        ("pythia-6.9b", "pythia-6_9b"),
        ("qwen3-8b", "qwen3-8b"),
        ("smollm2-135m", "smollm2-135m"),
    ] {
        let line = first_line(configuration);
        assert!(line.contains(&format!("model 'model' is known as {known}: profile ")), "{configuration}: {line}");
    }
    let line = first_line("llama3.2-1b");
    assert!(!line.contains("is known as"), "{line}");
}

/// Profiles of models with a token for each digit write spaces and line breaks: random weights of the same shape take them.
#[test]
fn the_papers_specs_are_planned_on_random_weights_of_published_shapes() {
    let sandbox = sandbox();
    let spec = repository("experiments/paper/fig02-effects.toml").display().to_string();
    for name in ["gemma-2-2b", "gemma-3-270m", "llama3-8b", "qwen3-8b", "smollm2-135m"] {
        let source = format!("model.source=random:{}#1", configuration(name));
        let planned = sandbox.run(&["plan", &spec, "--set", &source]).ok().out;
        assert!(planned.contains("is known as"), "{name}: {planned}");
    }
}

#[test]
fn the_plan_is_that_of_the_profile() {
    let sandbox = sandbox();
    let source = format!("model.source=random:{}#1", configuration("smollm2-135m"));
    let sets = ["known.llama3-8b.profile=models/arith.toml", "known.llama3-8b.family=gptj", &source];
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    let shown = sandbox.run(&[&["plan", "spec.toml"][..], &sets].concat()).ok().out;
    assert!(!shown.contains("known as"), "{shown}");
    let shown = sandbox.run(&["plan", "spec.toml"]).ok().out;
    assert!(shown.starts_with("model 'model' is known as arith: profile models/arith.toml\n"), "{shown}");
    sandbox.write("models/arith.toml", "[[step]]\nname = \"accuracy\"\nper_promt = true\n");
    let said = sandbox.run(&["plan", "spec.toml"]).refused();
    says(&said, ["unknown key 'per_promt'", "models/arith.toml:3:1]"]);
}

#[test]
fn models_that_can_not_be_told_are_refused_before_any_work() {
    let sandbox = sandbox();
    let refused = |sets: &[&str]| {
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        let said = sandbox.run(&[&["run", "spec.toml"][..], &sets].concat()).refused();
        assert!(!sandbox.has("results"), "no work before the refusal");
        said
    };
    let said = refused(&["known.second.layers=4"]);
    assert!(said.contains("model 'model' fits both [known.arith] and [known.second]"), "{said}");
    let said = refused(&["known.arith.family=ablat"]);
    says(&said, ["no family 'ablat'", "write \"ablate\""]);
    let said = refused(&["model.source=no/such/folder"]);
    assert!(said.contains("no/such/folder"), "{said}");
    let said = refused(&["known.arith.profile=models/none.toml"]);
    assert!(said.contains("cannot read models/none.toml: no such file"), "{said}");
    // A profile may say where its model is, if that is the model.
    let other = format!("[model]\nsource = \"random:{}#1\"\n", configuration("llama3-8b"));
    sandbox.write("models/arith.toml", other);
    let said = refused(&[]);
    says(&said, ["the profile of [known.arith] names a model, 'model', that is not arith", "models/arith.toml:2:10]"]);
}

/// An expectation of each kind, and one that differs.
const EXPECTATIONS: &str = r#"
[[expect]]
name = "addition"
from = "rates"
where = { operator = "+" }
value = "rate"
is = 1
tolerance = 0.05
model = "arith"
source = "our own"

[[expect]]
name = "many"
from = "accuracy"
where = { operator = "-" }
value = "n"
at_least = 10
at_most = 1000

[[expect]]
name = "paper"
from = "rates"
where = { operator = "+" }
value = "rate"
is = 0.5
tolerance = 0.02
model = "llama3-8b"
source = "table 3"

[[expect]]
name = "paper-without-a-row"
from = "rates"
where = { operator = "*" }
value = "rate"
is = 0.5
tolerance = 0.02
model = "llama3-8b"
"#;

/// What is left of a run with more expectations, which ends with this code; what it said, and its report.
fn expecting(more: &str, code: i32) -> (Sandbox, String, String) {
    let sandbox = sandbox();
    sandbox.write("spec.toml", sandbox.read("spec.toml") + EXPECTATIONS + more);
    let said = sandbox.run(&["run", "spec.toml"]).ends(code).err;
    let report = if sandbox.has("results") { sandbox.report() } else { String::new() };
    (sandbox, said, report)
}

#[test]
fn expectations_are_shown_beside_ours_and_another_models_never_fail() {
    let (sandbox, said, report) = expecting("", 0);
    assert!(said.contains("expected: 2 agree, 0 differ, 2 of another model"), "{said}");
    let rates = sandbox.table("rates");
    let rate: f64 = rates.lines().find_map(|line| line.strip_prefix("+,72,")?.parse().ok()).expect("a rate");
    let ours = if rate == 1.0 { "1".to_string() } else { format!("{rate:.3}") };
    let line = |text: &str| assert!(report.lines().any(|line| line == text), "no {text} in {report}");
    line(&format!("| addition | our own | 1 ± 0.05 | {ours} | arith | arith | agree |"));
    line(&format!("| paper | table 3 | 0.5 ± 0.02 | {ours} | llama3-8b | arith | other model |"));
    line("| paper-without-a-row |  | 0.5 ± 0.02 | no row | llama3-8b | arith | other model |");
    assert!(report.contains("| many |  | 10 to 1000 | "), "{report}");
    let manifest = sandbox.json("results/spec/manifest.json");
    let first = &manifest["expectations"][0];
    assert_eq!(first["ours"].as_f64(), Some(rate));
    assert_eq!((first["verdict"].as_str(), first["at_hand"].as_str()), (Some("agree"), Some("arith")));
    assert_eq!(manifest["expectations"][2]["verdict"].as_str(), Some("other-model"));
}

#[test]
fn a_difference_of_the_model_at_hand_ends_with_1_after_everything_is_written() {
    let more = "[[expect]]\nname = \"too-good\"\nfrom = \"rates\"\nwhere = { operator = \"-\" }\nvalue = \"rate\"\nat_least = 1.5\nsource = \"a wish\"\n\
        [[expect]]\nname = \"gone\"\nfrom = \"rates\"\nwhere = { operator = \"/\" }\nvalue = \"rate\"\nat_least = 0\nmodel = \"arith\"\n\
        [[expect]]\nname = \"several\"\nfrom = \"rates\"\nvalue = \"rate\"\nat_least = 0\n";
    let (sandbox, said, report) = expecting(more, 1);
    says(
        &said,
        [
            "expected: 2 agree, 3 differ, 2 of another model",
            "differs: 'too-good': ",
            ", expected ≥ 1.5 (a wish)",
            "differs: 'gone': no row, expected ≥ 0\n",
            "differs: 'several': 2 rows, not one, expected ≥ 0\n",
            "error: 3 of 7 expectations are not met: 'too-good', 'gone', 'several'",
        ],
    );
    assert!(report.contains("| gone |  | ≥ 0 | no row | arith | arith | **differ** |"), "{report}");
    for file in ["manifest.json", "tables/rates.csv", "figures/bars.svg"] {
        assert!(sandbox.at("results/spec").join(file).exists(), "{file}");
    }
}

#[test]
fn columns_of_expectations_are_checked_before_any_work() {
    let more = "[[expect]]\nname = \"wrong\"\nfrom = \"rates\"\nwhere = { oprator = \"-\" }\nvalue = \"rat\"\nat_least = 1\n\
        [[expect]]\nname = \"text\"\nfrom = \"rates\"\nvalue = \"operator\"\nat_least = 1\n";
    let (sandbox, said, _) = expecting(more, 2);
    for expected in [
        "no column 'oprator'; write 'operator'",
        "no column 'rat'; write 'rate'",
        "column 'operator' holds text; only a number can be expected",
        "value = \"rat\"",
        "3 errors",
    ] {
        assert!(said.contains(expected), "{expected} not in {said}");
    }
    assert!(!sandbox.has("results"), "no work before the refusal");
}

/// Which model a row is about, its column says; each model of a spec may be a known one.
#[test]
fn a_row_is_judged_by_the_model_it_is_about() {
    let sandbox = sandbox();
    sandbox.arith("arith", "");
    let mut config = sandbox.json("arith/config.json");
    config["n_layers"] = 1.into();
    sandbox.write("tiny.json", config.to_string());
    let one = |name: &str, row: &str, known: &str| {
        format!(
            "[[expect]]\nname = \"{name}\"\nfrom = \"accuracy\"\nwhere = {{ model = \"{row}\", operator = \"+\" }}\n\
            value = \"rate\"\nat_least = 0.9\nmodel = \"{known}\"\n"
        )
    };
    sandbox.edit("spec.toml", "[[figure]]", "[[figure]]\nwhere = { model = \"model\" }");
    let more = [
        "[models.other]\nsource = \"random:tiny.json#1\"\n[known.tiny]\nlayers = 1\n".to_string(),
        one("ours", "model", "arith"),
        one("random", "other", "tiny"),
        one("elsewhere", "other", "arith"),
        one("nowhere", "third", "tiny"),
    ];
    sandbox.write("spec.toml", sandbox.read("spec.toml") + &more.concat());
    let said = sandbox.run(&["run", "spec.toml"]).failed();
    says(
        &said,
        ["model 'other' is known as tiny\n", "expected: 1 agree, 1 differ, 2 of another model", "differs: 'random': "],
    );
}

/// The columns of a pivot are known only with its rows; what is wrong then is said when everything is written.
#[test]
fn expectations_of_a_pivot() {
    let pivot = "[[table]]\nname = \"wide\"\nfrom = \"accuracy\"\npivot = { index = [\"model\"], on = \"operator\", values = \"rate\" }\n\
        [[expect]]\nname = \"wide\"\nfrom = \"wide\"\nvalue = \"+\"\nat_least = 0.5\n";
    let (_, _, report) = expecting(pivot, 0);
    assert!(report.lines().any(|line| line.starts_with("| wide |") && line.ends_with("| agree |")), "{report}");
    let (sandbox, said, report) = expecting(&pivot.replace("value = \"+\"", "value = \"plus\""), 2);
    says(&said, ["no column 'plus'", "value = \"plus\""]);
    assert!(said.contains("expected: 2 agree") && report.contains("| addition |"), "{said}");
    assert!(sandbox.has("results/spec/manifest.json"));
}
