//! `--jobs`.

use super::Place;
use super::failing::{SPEC, in_the_way};

/// Specs that have steps in common.
fn place() -> Place {
    let heads = SPEC.replace("k = [1, 2]", "k = [1, 3]");
    let positions = SPEC.replace("positions = [\"last\"]", "positions = [\"b\", \"last\"]");
    let lens = format!(
        "{SPEC}\n[[step]]\nname = \"lens\"\nkind = \"logit-lens\"\n[[table]]\nname = \"lens_rows\"\nfrom = \"lens\"\n"
    );
    let more = format!(
        "{SPEC}\n[[step]]\nname = \"gradients\"\nkind = \"attribution-patching\"\nsites = [\"z[head]\"]\n\
         [[table]]\nname = \"gradient_rows\"\nfrom = \"gradients\"\n"
    );
    Place::with(&[("a.toml", SPEC), ("b.toml", &heads), ("c.toml", &positions), ("d.toml", &lens), ("e.toml", &more)])
}

#[test]
fn results_are_the_same_and_shared_steps_are_computed_once() {
    let (one, two) = (place(), place());
    let ended = one.ablate(&["run", "."]);
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let ended = two.ablate(&["run", ".", "--jobs", "2"]);
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(one.results("results").len(), two.results("results").len());
    for ((path, bytes), (other, others)) in one.results("results").iter().zip(&two.results("results")) {
        assert!(path == other && bytes == others, "{} differs", path.display());
    }
    let computed: usize = ["a", "b", "c", "d", "e"].iter().map(|spec| number(&ended.text, spec, 1)).sum();
    let taken: usize = ["a", "b", "c", "d", "e"].iter().map(|spec| number(&ended.text, spec, 2)).sum();
    // effects twice, accuracy, circuit three times, lens, gradients; of 17 steps.
    assert_eq!((computed, taken), (8, 9), "{}", ended.text);
    assert!(ended.text.contains("[c] effects: model:"), "lines say of which spec they are: {}", ended.text);
}

/// A number in the line of a spec at the end.
fn number(text: &str, spec: &str, column: usize) -> usize {
    let line =
        text.lines().rfind(|line| line.starts_with(&format!("./{spec}.toml "))).unwrap_or_else(|| panic!("{text}"));
    line.split_whitespace().nth(column).and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn what_fails_does_not_stop_the_others() {
    let place = place();
    in_the_way(&place, "results/c", "effects");
    let ended = place.ablate(&["run", ".", "--jobs", "3"]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    for spec in ["a", "b", "c", "d", "e"] {
        assert!(place.has(&format!("results/{spec}/report.md")), "{spec}: {}", ended.text);
    }
    assert!(ended.text.contains("./c.toml:\nerror: rows 'effects'"), "{}", ended.text);
    assert!(ended.text.ends_with("1 of 5 specs failed\n"), "{}", ended.text);
}

#[test]
fn forced_steps_are_computed_once() {
    let place = place();
    let args = ["run", "a.toml", "b.toml", "--set", "run.store=kept", "--jobs", "2"];
    assert_eq!(place.ablate(&args).code, Some(0));
    let ended = place.ablate(&[&args[..], &["--force=effects"]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(ended.text.matches("effects: model:").count(), 1, "{}", ended.text);
    let none = place.ablate(&["run", "a.toml", "--jobs", "0"]);
    assert_eq!(none.code, Some(2), "{}", none.text);
}
