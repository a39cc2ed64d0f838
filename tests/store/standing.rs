//! Results that are there, and are those of the run, are left as they are: nothing of them is made again. Whatever of them, of the spec or
//! of the store is not as it was is found by its content.

use crate::support::{Ran, Sandbox, files_below, says};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// A step, a table, a figure in two formats, and a number that is not as expected.
const SMALL: &str = r#"
title = "standing"
[model]
source = "builtin:arith"
[prompts]
operands = { a = "0..12", b = "1..7" }
operators = ["+", "*"]
sample = 3
[[step]]
name = "answers"
kind = "accuracy"
per_prompt = true
[[table]]
name = "right"
from = "answers"
select = ["operator", "rate"]
[[figure]]
name = "bars"
kind = "bars"
from = "answers"
x = "operator"
y = "rate"
where = { decode = "first-token" }
[[expect]]
name = "sums"
from = "answers"
where = { operator = "+", decode = "first-token" }
value = "rate"
is = 7
tolerance = 0
[output]
images = ["svg", "png"]
"#;

const SAME: &str = "the results are identical to those of the run of ";

/// Which file each of the results is, and since when.
fn files(sandbox: &Sandbox) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let about = |path: PathBuf| {
        let about = fs::metadata(&path).expect("a file");
        (path, (about.ino(), about.mtime(), about.mtime_nsec()))
    };
    files_below(&sandbox.at("results/spec")).into_iter().map(about).collect()
}

/// All results, to the byte.
fn bytes(sandbox: &Sandbox) -> BTreeMap<PathBuf, Vec<u8>> {
    files_below(&sandbox.at("results/spec"))
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).expect("a file")))
        .collect()
}

/// A run that must end as every run of the spec does: with a number that differs.
#[track_caller]
fn run(sandbox: &Sandbox, args: &[&str]) -> Ran {
    sandbox.run(&[&["run", "spec.toml"], args].concat()).ends(1)
}

/// What was said, without times.
fn lines(ran: &Ran) -> Vec<String> {
    ran.err.lines().map(|line| line.split(" (").next().unwrap_or(line).to_string()).collect()
}

/// Whether the results of a run are those that were there, none of them written.
#[track_caller]
fn stand(sandbox: &Sandbox, args: &[&str]) -> bool {
    let before = files(sandbox);
    run(sandbox, args);
    let after = files(sandbox);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    before == after
}

#[test]
fn a_run_that_would_make_what_is_there_makes_nothing() {
    let sandbox = Sandbox::stored(SMALL);
    run(&sandbox, &[]);
    let (first, made) = (files(&sandbox), bytes(&sandbox));
    assert!(first.len() >= 9, "{first:?}");
    let second = run(&sandbox, &[]);
    assert_eq!(files(&sandbox), first, "nothing is written");
    says(&second.err, [SAME, "expected: 0 agree, 1 differ", "differs: 'sums'"]);
    assert_eq!(second.recalled(), ["answers"]);
    // A run that makes all of it says the same, and makes the same.
    sandbox.remove("store/results");
    let third = run(&sandbox, &[]);
    assert_eq!(lines(&third), lines(&second));
    assert_eq!(bytes(&sandbox), made);
    assert_ne!(files(&sandbox), first, "it is written");
    assert!(stand(&sandbox, &[]), "and remembered");
}

#[test]
fn what_is_not_as_it_was_made_is_made_again() {
    let sandbox = Sandbox::stored(SMALL);
    run(&sandbox, &[]);
    let made = bytes(&sandbox);
    for file in made.keys() {
        // Of the same length, and as old as it was.
        let (mut changed, time) =
            (made[file].clone(), fs::metadata(file).and_then(|about| about.modified()).expect("a time"));
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(file, &changed).expect("writing");
        fs::File::options().append(true).open(file).and_then(|file| file.set_modified(time)).expect("a time is set");
        run(&sandbox, &[]);
        let again = fs::read(file).expect("a file");
        assert!(again != changed, "{} is as it was changed", file.display());
        // A manifest that cannot be believed is written anew, and the reports after it.
        let lasting = |path: &PathBuf| {
            !["manifest", "report"].iter().any(|name| path.file_stem().is_some_and(|stem| stem == *name))
        };
        if lasting(file) {
            assert!(again == made[file], "{}", file.display());
        }
        fs::remove_file(file).expect("removed");
        run(&sandbox, &[]);
        assert!(file.exists(), "{}", file.display());
    }
}

#[test]
fn another_run_is_not_taken_for_the_one_before() {
    let sandbox = Sandbox::stored(SMALL);
    run(&sandbox, &[]);
    assert!(stand(&sandbox, &[]));
    assert!(!stand(&sandbox, &["--force"]), "--force makes all of it");
    assert!(stand(&sandbox, &[]));
    assert!(!stand(&sandbox, &["--no-store"]));
    assert!(stand(&sandbox, &[]), "without a store the same was made");
    assert!(!stand(&sandbox, &["--set", "title=another"]));
    assert!(!stand(&sandbox, &["--set", "expect.sums.is=8"]));
    assert!(!stand(&sandbox, &[]), "back to what it was");
    assert!(stand(&sandbox, &[]));
    // The same spec, its lines elsewhere: reports say where each value is from.
    sandbox.edit("spec.toml", "[[table]]", "\n[[table]]");
    assert!(!stand(&sandbox, &[]));
    assert!(stand(&sandbox, &[]));
}

#[test]
fn damage_to_the_store_is_found_though_the_results_stand() {
    let sandbox = Sandbox::stored(SMALL);
    run(&sandbox, &[]);
    let rows = sandbox.entries().into_iter().find(|path| path.ends_with("rows0.parquet")).expect("rows");
    let mut bytes = fs::read(&rows).expect("rows");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&rows, bytes).expect("writing");
    let ran = run(&sandbox, &[]);
    says(&ran.err, ["step 'answers'", "is damaged", "it is computed again"]);
    assert!(run(&sandbox, &[]).recalled() == ["answers"]);
}

#[test]
fn what_was_made_is_forgotten_with_the_rest_of_the_store() {
    let sandbox = Sandbox::stored(SMALL);
    run(&sandbox, &[]);
    let kept = || files_below(&sandbox.at("store/results")).len();
    assert_eq!(kept(), 1);
    sandbox.run(&["store", "gc", "--store", "store"]).ok();
    assert_eq!(kept(), 1);
    sandbox.run(&["store", "gc", "--store", "store", "--unused", "0"]).ok();
    assert_eq!(kept(), 0);
    run(&sandbox, &[]);
}
