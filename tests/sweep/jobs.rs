//! `--jobs`.

use super::failing::{SPEC, in_the_way};
use crate::support::Sandbox;

/// Specs that have steps in common.
fn sandbox() -> Sandbox {
    let heads = SPEC.replace("k = [1, 2]", "k = [1, 3]");
    let positions = SPEC.replace("positions = [\"last\"]", "positions = [\"b\", \"last\"]");
    let lens = format!(
        "{SPEC}\n[[step]]\nname = \"lens\"\nkind = \"logit-lens\"\n[[table]]\nname = \"lens_rows\"\nfrom = \"lens\"\n"
    );
    let more = format!(
        "{SPEC}\n[[step]]\nname = \"gradients\"\nkind = \"attribution-patching\"\nsites = [\"z[head]\"]\n\
         [[table]]\nname = \"gradient_rows\"\nfrom = \"gradients\"\n"
    );
    Sandbox::of(&[("a.toml", SPEC), ("b.toml", &heads), ("c.toml", &positions), ("d.toml", &lens), ("e.toml", &more)])
}

#[test]
fn results_are_the_same_and_shared_steps_are_computed_once() {
    let (one, two) = (sandbox(), sandbox());
    one.run(&["run", "."]).ok();
    let ended = two.run(&["run", ".", "--jobs", "2"]).ok();
    assert_eq!(one.results("results").len(), two.results("results").len());
    for ((path, bytes), (other, others)) in one.results("results").iter().zip(&two.results("results")) {
        assert!(path == other && bytes == others, "{} differs", path.display());
    }
    let computed: usize = ["a", "b", "c", "d", "e"].iter().map(|spec| number(&ended.err, spec, 1)).sum();
    let taken: usize = ["a", "b", "c", "d", "e"].iter().map(|spec| number(&ended.err, spec, 2)).sum();
    // effects twice, accuracy, circuit three times, lens, gradients; of 17 steps.
    assert_eq!((computed, taken), (8, 9), "{}", ended.err);
    assert!(ended.err.contains("[c] effects: model:"), "lines say of which spec they are: {}", ended.err);
}

/// A number in the line of a spec at the end.
fn number(text: &str, spec: &str, column: usize) -> usize {
    let line =
        text.lines().rfind(|line| line.starts_with(&format!("./{spec}.toml "))).unwrap_or_else(|| panic!("{text}"));
    line.split_whitespace().nth(column).and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn what_fails_does_not_stop_the_others() {
    let sandbox = sandbox();
    in_the_way(&sandbox, "results/c", "effects");
    let ended = sandbox.run(&["run", ".", "--jobs", "3"]).ends(1);
    for spec in ["a", "b", "c", "d", "e"] {
        assert!(sandbox.has(format!("results/{spec}/report.md")), "{spec}: {}", ended.err);
    }
    assert!(ended.err.contains("./c.toml:\nerror: rows 'effects'"), "{}", ended.err);
    assert!(ended.err.ends_with("1 of 5 specs failed\n"), "{}", ended.err);
}

#[test]
fn forced_steps_are_computed_once() {
    let sandbox = sandbox();
    let args = ["run", "a.toml", "b.toml", "--set", "run.store=kept", "--jobs", "2"];
    sandbox.run(&args).ok();
    let ended = sandbox.run(&[&args[..], &["--force=effects"]].concat()).ok();
    assert_eq!(ended.err.matches("effects: model:").count(), 1, "{}", ended.err);
    sandbox.run(&["run", "a.toml", "--jobs", "0"]).refused();
}
