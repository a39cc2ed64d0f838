//! Known models: the profile for the model at hand, and what is expected of it.

use super::{SMALL, ablate, stderr};
use std::fs;
use std::path::Path;

/// A spec that knows the built-in model and Llama3-8B, in a folder with their profiles.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spec = format!(
        "{SMALL}\n[known.arith]\nfamily = \"ablate\"\nlayers = 4\nheads = 4\nd_model = 64\nnote = \"small\"\nprofile = \"models/arith.toml\"\n\
        [known.llama3-8b]\nfamily = \"llama\"\nlayers = 32\nheads = 32\nkv_heads = 8\nd_model = 4096\nd_mlp = 14336\n\
        n_vocab = 128256\nprofile = \"models/llama3-8b.toml\"\n"
    );
    let files = [
        ("spec.toml", spec.as_str()),
        (
            "models/arith.toml",
            "[prompts]\noperators = [\"+\", \"-\"]\n[[step]]\nname = \"nothing\"\nkind = \"accuracy\"\n",
        ),
        (
            "models/llama3-8b.toml",
            "[model]\ndtype = \"bf16\"\n[prompts]\noperands = { a = \"0..300\", b = \"0..300\" }\n",
        ),
    ];
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        fs::write(path, text).expect("writing into it");
    }
    folder
}

fn configuration(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/configs/{name}.json")).display().to_string()
}

fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = ablate(folder).args(args).output().expect("the binary runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), stderr(&output))
}

#[test]
fn the_profile_of_the_model_at_hand_is_taken_by_itself() {
    let folder = folder();
    let (code, _, said) = run(folder.path(), &["run", "spec.toml"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("model 'model' is known as arith: profile models/arith.toml"), "{said}");
    let rates = fs::read_to_string(folder.path().join("results/spec/tables/rates.csv")).expect("a table");
    assert!(rates.contains("\n+,72,") && rates.contains("\n-,") && !rates.contains("\n*,"), "{rates}");
    let report = fs::read_to_string(folder.path().join("results/spec/report.md")).expect("a report");
    assert!(report.contains("| model 'model' is known as | arith: profile models/arith.toml |"), "{report}");
    assert!(report.contains("> - arith: small\n") && said.contains("note: arith: small"), "{report}");
    assert!(!report.contains("name = \"nothing\"") && report.contains("operators = [\"+\", \"-\"]"), "{report}");
    let manifest = fs::read_to_string(folder.path().join("results/spec/manifest.json")).expect("a manifest");
    assert!(manifest.contains("\"known_as\": \"arith\""), "{manifest}");
    assert!(manifest.contains("\"path\": \"models/arith.toml\", \"role\": \"profile\""), "{manifest}");
}

#[test]
fn what_is_set_goes_over_the_profile() {
    let folder = folder();
    let args = ["run", "spec.toml", "--set", "prompts.operators=[\"*\"]"];
    let (code, _, said) = run(folder.path(), &args);
    assert_eq!(code, Some(0), "{said}");
    let rates = fs::read_to_string(folder.path().join("results/spec/tables/rates.csv")).expect("a table");
    assert!(rates.lines().count() == 2 && rates.contains("\n*,"), "{rates}");
}

/// Facts are read from a configuration; the sixteen gigabytes of its random weights are not drawn.
#[test]
fn config_shows_the_profile_of_a_model_whose_weights_nobody_reads() {
    let folder = folder();
    let source = format!("model.source=random:{}#1", configuration("llama3-8b"));
    let (code, shown, said) = run(folder.path(), &["config", "spec.toml", "--set", &source]);
    assert_eq!(code, Some(0), "{said}");
    assert!(shown.starts_with("# model 'model' is known as llama3-8b: profile models/llama3-8b.toml\n"), "{shown}");
    assert!(shown.contains("dtype = \"bf16\"  ") && shown.contains("# models/llama3-8b.toml:2:9"), "{shown}");
    assert!(shown.contains("a = \"0..300\"  # models/llama3-8b.toml:4:18"), "{shown}");
    assert!(shown.contains("operators = [\"+\", \"*\"]"), "{shown}");
    let (code, shown, said) = run(folder.path(), &["config", "spec.toml", "--no-profile", "--set", &source]);
    assert_eq!(code, Some(0), "{said}");
    assert!(shown.contains("dtype = \"f32\"") && shown.contains("profile = \"models/llama3-8b.toml\""), "{shown}");
    let other = format!("model.source=random:{}#1", configuration("llama3-70b"));
    let (code, shown, said) = run(folder.path(), &["config", "spec.toml", "--set", &other]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!shown.contains("is known as") && shown.contains("dtype = \"f32\""), "{shown}");
}

#[test]
fn the_plan_is_that_of_the_profile() {
    let folder = folder();
    let source = format!("model.source=random:{}#1", configuration("smollm2-135m"));
    let sets = ["known.llama3-8b.profile=models/arith.toml", "known.llama3-8b.family=gptj", &source];
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    let (code, shown, said) = run(folder.path(), &[&["plan", "spec.toml"][..], &sets].concat());
    assert_eq!(code, Some(0), "no known model is one too: {said}");
    assert!(!shown.contains("known as"), "{shown}");
    let (code, shown, said) = run(folder.path(), &["plan", "spec.toml"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(shown.starts_with("model 'model' is known as arith: profile models/arith.toml\n"), "{shown}");
    fs::write(folder.path().join("models/arith.toml"), "[[step]]\nname = \"accuracy\"\nper_promt = true\n")
        .expect("a file");
    let (code, _, said) = run(folder.path(), &["plan", "spec.toml"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("unknown key 'per_promt'") && said.contains("models/arith.toml:3:1]"), "{said}");
}

#[test]
fn models_that_can_not_be_told_are_refused_before_any_work() {
    let folder = folder();
    let refused = |sets: &[&str]| {
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        let (code, _, said) = run(folder.path(), &[&["run", "spec.toml"][..], &sets].concat());
        assert_eq!(code, Some(2), "{said}");
        assert!(!folder.path().join("results").exists(), "no work before the refusal");
        said
    };
    let said = refused(&["known.second.layers=4"]);
    assert!(said.contains("model 'model' is known as arith and as second"), "{said}");
    let said = refused(&["known.arith.family=ablat"]);
    assert!(said.contains("no family 'ablat'") && said.contains("write \"ablate\""), "{said}");
    let said = refused(&["model.source=no/such/folder"]);
    assert!(said.contains("no/such/folder"), "{said}");
    let said = refused(&["known.arith.profile=models/none.toml"]);
    assert!(said.contains("cannot read models/none.toml: no such file"), "{said}");
    // A profile may say where its model is, if that is the model.
    let other = format!("[model]\nsource = \"random:{}#1\"\n", configuration("llama3-8b"));
    fs::write(folder.path().join("models/arith.toml"), other).expect("a file");
    let said = refused(&[]);
    assert!(said.contains("model 'model' is not known as arith, whose profile names it"), "{said}");
    assert!(said.contains("models/arith.toml:2:10]"), "{said}");
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

fn expecting(more: &str) -> (tempfile::TempDir, Option<i32>, String, String) {
    let folder = folder();
    let path = folder.path().join("spec.toml");
    let spec = fs::read_to_string(&path).expect("the spec") + EXPECTATIONS + more;
    fs::write(&path, spec).expect("writing it");
    let (code, _, said) = run(folder.path(), &["run", "spec.toml"]);
    let report = fs::read_to_string(folder.path().join("results/spec/report.md")).unwrap_or_default();
    (folder, code, said, report)
}

#[test]
fn expectations_are_shown_beside_ours_and_another_models_never_fail() {
    let (folder, code, said, report) = expecting("");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("expected: 2 agree, 0 differ, 2 of another model"), "{said}");
    let rates = fs::read_to_string(folder.path().join("results/spec/tables/rates.csv")).expect("a table");
    let rate: f64 = rates.lines().find_map(|line| line.strip_prefix("+,72,")?.parse().ok()).expect("a rate");
    let ours = if rate == 1.0 { "1".to_string() } else { format!("{rate:.3}") };
    let line = |text: &str| assert!(report.lines().any(|line| line == text), "no {text} in {report}");
    line(&format!("| addition | our own | 1 ± 0.05 | {ours} | arith | arith | agree |"));
    line(&format!("| paper | table 3 | 0.5 ± 0.02 | {ours} | llama3-8b | arith | other model |"));
    line("| paper-without-a-row |  | 0.5 ± 0.02 | no row | llama3-8b | arith | other model |");
    assert!(report.contains("| many |  | 10 to 1000 | "), "{report}");
    let manifest = fs::read_to_string(folder.path().join("results/spec/manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
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
    let (folder, code, said, report) = expecting(more);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("expected: 2 agree, 3 differ, 2 of another model"), "{said}");
    assert!(said.contains("differs: 'too-good': ") && said.contains(", expected ≥ 1.5 (a wish)"), "{said}");
    assert!(said.contains("differs: 'gone': no row, expected ≥ 0\n"), "{said}");
    assert!(said.contains("differs: 'several': 2 rows, not one, expected ≥ 0\n"), "{said}");
    assert!(said.contains("error: 3 of 7 expectations differ: 'too-good', 'gone', 'several'"), "{said}");
    assert!(report.contains("| gone |  | ≥ 0 | no row | arith | arith | **differ** |"), "{report}");
    for file in ["manifest.json", "tables/rates.csv", "figures/bars.svg"] {
        assert!(folder.path().join("results/spec").join(file).exists(), "{file}");
    }
}

#[test]
fn columns_of_expectations_are_checked_before_any_work() {
    let more = "[[expect]]\nname = \"wrong\"\nfrom = \"rates\"\nwhere = { oprator = \"-\" }\nvalue = \"rat\"\nat_least = 1\n\
        [[expect]]\nname = \"text\"\nfrom = \"rates\"\nvalue = \"operator\"\nat_least = 1\n";
    let (folder, code, said, _) = expecting(more);
    assert_eq!(code, Some(2), "{said}");
    for expected in [
        "no column 'oprator'; write 'operator'",
        "no column 'rat'; write 'rate'",
        "column 'operator' holds text; only a number can be expected",
        "value = \"rat\"",
        "3 errors",
    ] {
        assert!(said.contains(expected), "{expected} not in {said}");
    }
    assert!(!folder.path().join("results").exists(), "no work before the refusal");
}

/// Which model a row is about, its column says; each model of a spec may be a known one.
#[test]
fn a_row_is_judged_by_the_model_it_is_about() {
    let folder = folder();
    let config = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/arith/config.json"));
    let mut config: serde_json::Value = serde_json::from_str(&config.expect("a configuration")).expect("JSON");
    config["n_layers"] = 1.into();
    fs::write(folder.path().join("tiny.json"), config.to_string()).expect("a file");
    let one = |name: &str, row: &str, known: &str| {
        format!(
            "[[expect]]\nname = \"{name}\"\nfrom = \"accuracy\"\nwhere = {{ model = \"{row}\", operator = \"+\" }}\n\
            value = \"rate\"\nat_least = 0.9\nmodel = \"{known}\"\n"
        )
    };
    let path = folder.path().join("spec.toml");
    let spec =
        fs::read_to_string(&path).expect("the spec").replace("[[figure]]", "[[figure]]\nwhere = { model = \"model\" }");
    let more = [
        "[models.other]\nsource = \"random:tiny.json#1\"\n[known.tiny]\nlayers = 1\n".to_string(),
        one("ours", "model", "arith"),
        one("random", "other", "tiny"),
        one("elsewhere", "other", "arith"),
        one("nowhere", "third", "tiny"),
    ];
    fs::write(&path, spec + &more.concat()).expect("writing it");
    let (code, _, said) = run(folder.path(), &["run", "spec.toml"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("model 'other' is known as tiny\n"), "{said}");
    assert!(said.contains("expected: 1 agree, 1 differ, 2 of another model"), "{said}");
    assert!(said.contains("differs: 'random': "), "{said}");
}

/// The columns of a pivot are known only with its rows; what is wrong then is said when everything is written.
#[test]
fn expectations_of_a_pivot() {
    let pivot = "[[table]]\nname = \"wide\"\nfrom = \"accuracy\"\npivot = { index = [\"model\"], on = \"operator\", values = \"rate\" }\n\
        [[expect]]\nname = \"wide\"\nfrom = \"wide\"\nvalue = \"+\"\nat_least = 0.5\n";
    let (_, code, said, report) = expecting(pivot);
    assert_eq!(code, Some(0), "{said}");
    assert!(report.lines().any(|line| line.starts_with("| wide |") && line.ends_with("| agree |")), "{report}");
    let (folder, code, said, report) = expecting(&pivot.replace("value = \"+\"", "value = \"plus\""));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no column 'plus'") && said.contains("value = \"plus\""), "{said}");
    assert!(said.contains("expected: 2 agree") && report.contains("| addition |"), "{said}");
    assert!(folder.path().join("results/spec/manifest.json").exists());
}
