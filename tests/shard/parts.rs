//! Parts that end well: together they are the run.

use super::{SPEC, STEPS};
use crate::support::{Ran, Sandbox, says};
use std::process::{Child, Stdio};

/// How many steps a part computed, and how many it found in the store.
fn counts(text: &str) -> (usize, usize) {
    let line = text.lines().find(|line| line.contains(" is done: ")).unwrap_or_else(|| panic!("no end in {text}"));
    let numbers: Vec<usize> = line
        .split(" is done: ")
        .nth(1)
        .unwrap_or_default()
        .split(|letter: char| !letter.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    (numbers[0], numbers[1])
}

/// Whoever comes first, and however many there are, the results are those of one run, to the byte.
#[test]
fn parts_and_a_gathering_run_are_one_run() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("whole", &["--no-store"]);
    for order in [&[1][..], &[2, 1], &[3, 1, 2]] {
        let mut computed = 0;
        for number in order {
            let part = format!("{number}/{}", order.len());
            let ran = sandbox.run(&["run", "spec.toml", "--shard", &part]).ok();
            computed += counts(&ran.text).0;
            assert!(!sandbox.has("results"), "a part makes no results");
        }
        assert_eq!(computed, STEPS, "each step is computed once");
        let gathered = sandbox.run_into("gathered", &["--gather"]);
        assert_eq!(gathered.recalled().len(), STEPS, "{}", gathered.text);
        assert!(sandbox.results("whole") == sandbox.results("gathered"), "{order:?}");
        sandbox.remove("store");
    }
}

/// As xargs starts them: all at once.
#[test]
fn parts_at_the_same_time_compute_nothing_twice() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("whole", &["--no-store"]);
    let start = |number: usize| -> Child {
        let mut command = sandbox.command(&["run", "spec.toml", "--shard", &format!("{number}/3")]);
        command.stderr(Stdio::piped()).spawn().expect("the binary starts")
    };
    let children: Vec<Child> = (1..=3).map(start).collect();
    let ended = children.into_iter().map(|child| Ran::from(child.wait_with_output().expect("it ends")).ok());
    let computed: usize = ended.map(|ran| counts(&ran.text).0).sum();
    assert_eq!(computed, STEPS);
    // Without --gather the same: there is nothing left to compute.
    assert_eq!(sandbox.run_into("after", &[]).recalled().len(), STEPS);
    assert!(sandbox.results("whole") == sandbox.results("after"));
}

/// A part computes what its steps read where nobody has.
#[test]
fn a_part_needs_no_other() {
    let sandbox = Sandbox::stored(SPEC);
    let parts = ["1/5", "3/5", "5/5"];
    for part in parts {
        let listed = sandbox.run(&["run", "spec.toml", "--shard", part, "--dry"]).ok().out;
        let own = listed.lines().count();
        let ran = sandbox.run(&["run", "spec.toml", "--shard", part]).ok();
        let (computed, stored) = counts(&ran.text);
        assert!(computed + stored >= own && own > 0, "{listed}{}", ran.text);
        let again = sandbox.run(&["run", "spec.toml", "--shard", part]).ok();
        assert_eq!(counts(&again.text), (0, own), "{}", again.text);
        sandbox.remove("store");
    }
}

/// A step that two specs have is one step.
#[test]
fn specs_share_what_is_the_same() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.write("other.toml", SPEC.replace("title = \"parts\"", "title = \"other\""));
    let mut computed = 0;
    for part in ["1/2", "2/2"] {
        let ran = sandbox.run(&["run", "spec.toml", "other.toml", "--shard", part]).ok();
        says(&ran.text, ["spec.toml: step '"]);
        computed += counts(&ran.text).0;
    }
    assert_eq!(computed, STEPS);
    let gathered = sandbox.run(&["run", "spec.toml", "other.toml", "--gather"]).ok();
    assert_eq!(gathered.recalled().len(), 2 * STEPS);
}

#[test]
fn what_is_no_part_is_refused() {
    let sandbox = Sandbox::stored(SPEC);
    for (part, why) in [
        ("0/4", "there is no part 0 of 4"),
        ("5/4", "there is no part 5 of 4"),
        ("1", "'1' is not a part; write 2/4 for the second of four parts"),
        ("a/b", "'a/b' is not a part"),
        ("1/1000000", "1000000 parts are too many"),
    ] {
        says(sandbox.run(&["run", "spec.toml", "--shard", part]).refused(), [why]);
    }
    for beside in ["--force", "--no-store", "--gather"] {
        sandbox.run(&["run", "spec.toml", "--shard", "1/2", beside]).ends(2);
    }
    for how in [&["--shard", "1/2"][..], &["--gather"]] {
        let args = [&["run", "spec.toml", "--set", "run.store=off"], how].concat();
        says(sandbox.run(&args).refused(), ["parts of a run exchange results through the store, which is off"]);
    }
}
