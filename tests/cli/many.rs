//! Several specs in one command.

use super::SMALL;
use crate::support::{Sandbox, says};

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
    let sandbox = Sandbox::of(&files);
    let text = sandbox.run(&["run", "experiments/paper", "other.toml"]).ok().err;
    let order: Vec<&str> = text.lines().filter(|line| line.contains(" of 3: ")).collect();
    let wanted = ["1 of 3: experiments/paper/fig02.toml", "2 of 3: experiments/paper/fig10.toml", "3 of 3: other.toml"];
    assert_eq!(order, wanted.map(|spec| format!("spec {spec}")), "{text}");
    for (results, spec, title) in [
        ("results/paper/fig02", "experiments/paper/fig02.toml", "second"),
        ("results/paper/fig10", "experiments/paper/fig10.toml", "first"),
        ("results/other", "other.toml", "first"),
    ] {
        let report = sandbox.read(format!("{results}/report.md"));
        assert!(report.starts_with(&format!("# {title}\n")), "{report}");
        assert!(report.contains(&format!("\nablate run {spec}\n")), "says how to make it alone: {report}");
    }
    assert!(!sandbox.has("results/paper/base"));
    let index = sandbox.read("results/paper/index.html");
    assert!(index.contains("href=\"fig02/report.html\"") && !index.contains("other.toml"), "{index}");
    assert!(!sandbox.has("results/index.html"), "one spec alone has none");
}

#[test]
fn results_are_named_by_the_path_below_experiments() {
    let spec = SMALL;
    let files = [
        ("experiments/quick.toml", spec),
        ("experiments/old/experiments/deep/er.toml", spec),
        ("elsewhere/plain.toml", spec),
    ];
    let sandbox = Sandbox::of(&files);
    let absolute = sandbox.at("elsewhere/plain.toml").display().to_string();
    let args = ["run", "--quiet", "./experiments/quick.toml", "experiments/old/experiments/deep/er.toml", &absolute];
    sandbox.run(&args).ok();
    for results in ["results/quick", "results/deep/er", "results/plain"] {
        assert!(sandbox.at(results).join("report.md").is_file(), "{results}");
    }
}

#[test]
fn two_specs_with_one_results_folder_are_refused() {
    let named = format!("{SMALL}\n[output]\ndir = \"here/../results/a\"\n");
    let sandbox = Sandbox::of(&[("a.toml", SMALL), ("b.toml", &named), ("c.toml", SMALL)]);
    let text = sandbox.run(&["run", "a.toml", "b.toml", "c.toml"]).refused();
    assert!(
        text.contains("a.toml and b.toml would write their results into the same folder, here/../results/a"),
        "{text}"
    );
    assert!(text.contains("dir = \"here/../results/a\"") && !text.contains("c.toml"), "{text}");
    assert!(!sandbox.has("results"), "no work before the refusal");
    let text = sandbox.run(&["run", "a.toml", "./a.toml"]).refused();
    assert!(text.contains("a.toml and ./a.toml would write their results into the same folder, results/a"), "{text}");
}

#[test]
fn one_wrong_spec_refuses_all_with_every_error() {
    let unknown = SMALL.replace("operands", "opernads");
    let column = SMALL.replace("\"operator\", \"n\", \"rate\"", "\"operator\", \"ratte\"");
    let model = SMALL.replace("builtin:arith", "no/such/model");
    let files =
        [("a.toml", SMALL), ("b.toml", unknown.as_str()), ("c.toml", column.as_str()), ("d.toml", model.as_str())];
    let sandbox = Sandbox::of(&files);
    let text = sandbox.run(&["run", "a.toml", "b.toml", "c.toml", "d.toml", "e.toml"]).refused();
    for wrong in ["opernads", "ratte", "no/such/model", "cannot read e.toml"] {
        assert!(text.contains(wrong), "'{wrong}' is missing: {text}");
    }
    assert!(!sandbox.has("results"), "no work before the refusal");
    says(sandbox.run(&["run", "."]).refused(), ["ratte", "no/such/model"]);
}

#[test]
fn what_several_extend_is_refused_once() {
    let base = SMALL.replace("operands", "opernads");
    let on_top = "extends = \"base/base.toml\"\n";
    let sandbox = Sandbox::of(&[("base/base.toml", base.as_str()), ("a.toml", on_top), ("b.toml", on_top)]);
    let text = sandbox.run(&["run", "."]).refused();
    assert_eq!(text.matches("unknown key 'opernads'").count(), 1, "{text}");
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let failing = failing();
    let sandbox = Sandbox::of(&[("a.toml", failing.as_str()), ("b.toml", SMALL), ("c.toml", failing.as_str())]);
    let text = sandbox.run(&["run", "."]).failed();
    assert!(sandbox.at("results/b/report.md").is_file(), "{text}");
    let end = text.split("./a.toml:\n").nth(1).unwrap_or_default();
    assert!(end.trim_start().starts_with("x 'template' is never other here"), "{text}");
    let last = end.split("./c.toml:\n").nth(1).unwrap_or_default();
    assert!(last.contains("never other here") && last.ends_with("2 of 3 specs failed\n"), "{text}");
}

#[test]
fn a_folder_without_specs_is_refused() {
    let sandbox = Sandbox::of(&[("experiments/paper/a.toml", SMALL), ("empty/x.md", "")]);
    let text = sandbox.run(&["run", "experiments", "empty"]).refused();
    says(&text, ["no spec in folder experiments", "no spec in folder empty", "2 errors"]);
}

#[test]
fn sets_apply_to_every_spec_and_plans_name_each() {
    let b = titled("second");
    let sandbox = Sandbox::of(&[("a.toml", SMALL), ("b.toml", b.as_str())]);
    assert_eq!(sandbox.run(&["run", ".", "--set", "prompts.sample=5", "--quiet"]).ok().text, "");
    for results in ["results/a", "results/b"] {
        let rates = sandbox.read(format!("{results}/tables/rates.csv"));
        assert!(rates.contains("\n+,5,"), "{rates}");
        let report = sandbox.read(format!("{results}/report.md"));
        assert!(report.contains("--set prompts.sample=5\n"), "{report}");
    }
    says(
        sandbox.run(&["plan", "a.toml", "b.toml"]).ok().out,
        [
            "a.toml
1  ",
            "
b.toml
1  ",
        ],
    );
}

/// A spec about checkpoints, of a model that has none: alone it is refused, among others it is passed over with a sentence.
#[test]
fn what_the_model_has_not_is_passed_over() {
    let needing = SMALL.replacen("[model]", "needs = [\"checkpoints\"]\n\n[model]", 1);
    let sandbox = Sandbox::of(&[("a.toml", needing.as_str()), ("b.toml", SMALL)]);
    let text = sandbox.run(&["run", "a.toml"]).refused();
    says(
        &text,
        [
            "needs several checkpoints of a model, and model 'model' (builtin:arith) has none",
            "a.toml:",
            "help: write them into model.checkpoints",
        ],
    );
    let text = sandbox.run(&["run", "a.toml", "b.toml"]).ok().err;
    assert!(
        text.contains("a.toml is skipped: this spec needs several checkpoints") && !text.contains("spec 1 of"),
        "{text}"
    );
    assert!(sandbox.at("results/b/report.md").is_file() && !sandbox.has("results/a"));
    says(sandbox.run(&["plan", "."]).ok().err, ["skipped"]);
}
