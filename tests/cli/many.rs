//! Several specs in one command.

use super::{SMALL, ablate, stderr};
use std::fs;
use std::path::Path;

/// Files by path, in a folder of its own.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("writing");
    }
    folder
}

fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = ablate(folder).args(args).output().expect("the binary runs");
    (output.status.code(), stderr(&output))
}

/// The same spec under another title.
fn titled(title: &str) -> String {
    SMALL.replace("\"small\"", &format!("\"{title}\""))
}

/// Fails when its rows are there: none has the template that the figure asks for.
fn failing() -> String {
    SMALL.replace("y = \"rate\"\n", "y = \"rate\"\nwhere = { template = \"other\" }\n")
}

#[test]
fn a_folder_stands_for_its_specs_in_order_of_name() {
    let (a, b) = (titled("first"), titled("second"));
    let files = [
        ("experiments/paper/fig10.toml", a.as_str()),
        ("experiments/paper/fig02.toml", b.as_str()),
        ("experiments/paper/base/part.toml", "[run]\nmemory_mib = 64\n"),
        ("experiments/paper/notes.md", "no spec"),
        ("experiments/paper/.fig03.toml", "half written"),
        ("other.toml", a.as_str()),
    ];
    let folder = folder(&files);
    let (code, text) = run(folder.path(), &["run", "experiments/paper", "other.toml"]);
    assert_eq!(code, Some(0), "{text}");
    let order: Vec<&str> = text.lines().filter(|line| line.contains(" of 3: ")).collect();
    let wanted = ["1 of 3: experiments/paper/fig02.toml", "2 of 3: experiments/paper/fig10.toml", "3 of 3: other.toml"];
    assert_eq!(order, wanted.map(|spec| format!("spec {spec}")), "{text}");
    for (results, spec, title) in [
        ("results/paper/fig02", "experiments/paper/fig02.toml", "second"),
        ("results/paper/fig10", "experiments/paper/fig10.toml", "first"),
        ("results/other", "other.toml", "first"),
    ] {
        let report = fs::read_to_string(folder.path().join(results).join("report.md")).expect("a report");
        assert!(report.starts_with(&format!("# {title}\n")), "{report}");
        assert!(report.contains(&format!("\nablate run {spec}\n")), "says how to make it alone: {report}");
    }
    assert!(!folder.path().join("results/paper/base").exists());
    let index = fs::read_to_string(folder.path().join("results/paper/index.html")).expect("a page for their folder");
    assert!(index.contains("href=\"fig02/report.html\"") && !index.contains("other.toml"), "{index}");
    assert!(!folder.path().join("results/index.html").exists(), "one spec alone has none");
}

#[test]
fn results_are_named_by_the_path_below_experiments() {
    let spec = SMALL;
    let files = [
        ("experiments/quick.toml", spec),
        ("experiments/old/experiments/deep/er.toml", spec),
        ("elsewhere/plain.toml", spec),
    ];
    let folder = folder(&files);
    let absolute = folder.path().join("elsewhere/plain.toml").display().to_string();
    let args = ["run", "--quiet", "./experiments/quick.toml", "experiments/old/experiments/deep/er.toml", &absolute];
    let (code, text) = run(folder.path(), &args);
    assert_eq!(code, Some(0), "{text}");
    for results in ["results/quick", "results/deep/er", "results/plain"] {
        assert!(folder.path().join(results).join("report.md").is_file(), "{results}");
    }
}

#[test]
fn two_specs_with_one_results_folder_are_refused() {
    let named = format!("{SMALL}\n[output]\ndir = \"here/../results/a\"\n");
    let folder = folder(&[("a.toml", SMALL), ("b.toml", &named), ("c.toml", SMALL)]);
    let (code, text) = run(folder.path(), &["run", "a.toml", "b.toml", "c.toml"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("a.toml and b.toml both write to here/../results/a"), "{text}");
    assert!(text.contains("dir = \"here/../results/a\"") && !text.contains("c.toml"), "{text}");
    assert!(!folder.path().join("results").exists(), "no work before the refusal");
    let (code, text) = run(folder.path(), &["run", "a.toml", "./a.toml"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("a.toml and ./a.toml both write to results/a"), "{text}");
}

#[test]
fn one_wrong_spec_refuses_all_with_every_error() {
    let unknown = SMALL.replace("operands", "opernads");
    let column = SMALL.replace("\"operator\", \"n\", \"rate\"", "\"operator\", \"ratte\"");
    let model = SMALL.replace("builtin:arith", "no/such/model");
    let files =
        [("a.toml", SMALL), ("b.toml", unknown.as_str()), ("c.toml", column.as_str()), ("d.toml", model.as_str())];
    let folder = folder(&files);
    let (code, text) = run(folder.path(), &["run", "a.toml", "b.toml", "c.toml", "d.toml", "e.toml"]);
    assert_eq!(code, Some(2), "{text}");
    for wrong in ["opernads", "ratte", "no/such/model", "cannot read e.toml"] {
        assert!(text.contains(wrong), "'{wrong}' is missing: {text}");
    }
    assert!(!folder.path().join("results").exists(), "no work before the refusal");
    let (code, text) = run(folder.path(), &["run", "."]);
    assert!(code == Some(2) && text.contains("ratte") && text.contains("no/such/model"), "{text}");
}

#[test]
fn what_several_extend_is_refused_once() {
    let base = SMALL.replace("operands", "opernads");
    let on_top = "extends = \"base/base.toml\"\n";
    let folder = folder(&[("base/base.toml", base.as_str()), ("a.toml", on_top), ("b.toml", on_top)]);
    let (code, text) = run(folder.path(), &["run", "."]);
    assert_eq!(code, Some(2), "{text}");
    assert_eq!(text.matches("unknown key 'opernads'").count(), 1, "{text}");
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let failing = failing();
    let folder = folder(&[("a.toml", failing.as_str()), ("b.toml", SMALL), ("c.toml", failing.as_str())]);
    let (code, text) = run(folder.path(), &["run", "."]);
    assert_eq!(code, Some(1), "{text}");
    assert!(folder.path().join("results/b/report.md").is_file(), "{text}");
    let end = text.split("./a.toml:\n").nth(1).unwrap_or_default();
    assert!(end.trim_start().starts_with("x 'template' is never other here"), "{text}");
    let last = end.split("./c.toml:\n").nth(1).unwrap_or_default();
    assert!(last.contains("never other here") && last.ends_with("2 of 3 specs failed\n"), "{text}");
}

#[test]
fn a_folder_without_specs_is_refused() {
    let folder = folder(&[("experiments/paper/a.toml", SMALL), ("empty/x.md", "")]);
    let (code, text) = run(folder.path(), &["run", "experiments", "empty"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("no spec in folder experiments") && text.contains("no spec in folder empty"), "{text}");
    assert!(text.contains("2 errors"), "{text}");
}

#[test]
fn sets_apply_to_every_spec_and_plans_name_each() {
    let b = titled("second");
    let folder = folder(&[("a.toml", SMALL), ("b.toml", b.as_str())]);
    let (code, text) = run(folder.path(), &["run", ".", "--set", "prompts.sample=5", "--quiet"]);
    assert_eq!((code, text.as_str()), (Some(0), ""));
    for results in ["results/a", "results/b"] {
        let rates = fs::read_to_string(folder.path().join(results).join("tables/rates.csv")).expect("a table");
        assert!(rates.contains("\n+,5,"), "{rates}");
        let report = fs::read_to_string(folder.path().join(results).join("report.md")).expect("a report");
        assert!(report.contains("--set prompts.sample=5\n"), "{report}");
    }
    let output = ablate(folder.path()).args(["plan", "a.toml", "b.toml"]).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("a.toml\n1  ") && text.contains("\nb.toml\n1  "), "{text}");
}

/// A spec about checkpoints, of a model that has none: alone it is refused, among others it is passed over with a sentence.
#[test]
fn what_the_model_has_not_is_passed_over() {
    let needing = SMALL.replacen("[model]", "needs = [\"checkpoints\"]\n\n[model]", 1);
    let folder = folder(&[("a.toml", needing.as_str()), ("b.toml", SMALL)]);
    let (code, text) = run(folder.path(), &["run", "a.toml"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("about several checkpoints, and model 'model' (builtin:arith) has none"), "{text}");
    assert!(text.contains("a.toml:") && text.contains("help: write them as model.checkpoints"), "{text}");
    let (code, text) = run(folder.path(), &["run", "a.toml", "b.toml"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("a.toml is passed over: this is about several checkpoints") && !text.contains("spec 1 of"),
        "{text}"
    );
    assert!(folder.path().join("results/b/report.md").is_file() && !folder.path().join("results/a").exists());
    let output = ablate(folder.path()).args(["plan", "."]).output().expect("the binary runs");
    assert!(output.status.success() && stderr(&output).contains("passed over"), "{}", stderr(&output));
}
