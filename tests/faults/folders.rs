//! Two runs and one folder of results.

use super::SPEC;
use crate::resume::{long, signal};
use crate::store::{Place, files};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The second is refused, with whose the folder is, and the first is not disturbed.
#[cfg(unix)]
#[test]
fn two_runs_with_one_folder() {
    let place = long();
    place.run("whole", &["--no-store"]);
    let arguments = ["run", "spec.toml", "--set", "output.dir=results"];
    let mut first = place.command(&arguments).stderr(Stdio::null()).spawn().expect("the binary starts");
    let lock = place.path().join("results/.ablate-lock");
    let patience = Instant::now();
    while !lock.exists() && patience.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(50));
    signal(&first, "STOP");
    let ran = place.ablate(&arguments);
    signal(&first, "CONT");
    assert_eq!(ran.code, Some(2), "{}", ran.text);
    let owner = format!("output.dir 'results': process {} on ", first.id());
    assert!(ran.text.contains(&owner), "{}", ran.text);
    assert!(ran.text.contains("is writing its results there; wait until it is done, or write another output.dir"));
    assert!(first.wait().expect("it ends").success());
    assert!(place.results("whole") == place.results("results"));
    assert!(place.path().join("results/manifest.json").exists());
    assert!(!lock.exists(), "nothing is left of it");
    // Of several specs, the others are run.
    let mut first = place.command(&[&arguments[..], &["--force"]].concat()).stderr(Stdio::null()).spawn().unwrap();
    while !lock.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(50));
    signal(&first, "STOP");
    place.write("other.toml", SPEC);
    place.write(
        "same.toml",
        &fs::read_to_string(place.path().join("spec.toml"))
            .unwrap()
            .replace("[run]", "[output]\ndir = \"results\"\n\n[run]"),
    );
    let ran = place.ablate(&["run", "same.toml", "other.toml", "--force"]);
    assert_eq!(ran.code, Some(1), "{}", ran.text);
    assert!(ran.text.contains(&format!("process {} on ", first.id())) && ran.text.contains("1 of 2 specs failed"));
    assert!(place.path().join("results/other/manifest.json").exists(), "{}", ran.text);
    first.kill().unwrap();
    first.wait().unwrap();
}

/// What a run that was killed left holds nobody up, and goes.
#[test]
fn a_lock_of_a_run_that_was_killed() {
    let place = Place::with(SPEC);
    place.run("whole", &["--no-store"]);
    fs::create_dir_all(place.path().join("results/rows")).unwrap();
    place.write("results/.ablate-lock", r#"{"process":1,"host":"gone","work":"spec.toml","since":0}"#);
    place.write("results/rows/.ablate-Xy12Zw.part", "half");
    place.run("results", &[]);
    assert!(place.results("whole") == place.results("results"));
    let mut left = Vec::new();
    files(&place.path().join("results"), &mut left);
    assert!(left.iter().all(|path| !path.to_string_lossy().contains(".ablate-")), "{left:?}");
}

/// Two files of one name in two folders: neither overwrites the results of the other unasked.
#[test]
fn results_of_another_spec_are_not_overwritten() {
    let place = Place::with(SPEC);
    for folder in ["p", "q"] {
        fs::create_dir_all(place.path().join(folder)).unwrap();
        place.write(&format!("{folder}/x.toml"), &SPEC.replace("\"faults\"", &format!("\"faults of {folder}\"")));
    }
    let run = |args: &[&str]| place.ablate(args);
    assert_eq!(run(&["run", "p/x.toml"]).code, Some(0));
    let first = place.results("results/x");
    let manifest = fs::read(place.path().join("results/x/manifest.json")).unwrap();
    let refused = run(&["run", "q/x.toml"]);
    assert_eq!(refused.code, Some(2), "{}", refused.text);
    for part in ["results/x has the results of another spec, p/x.toml", "output.dir", "--force"] {
        assert!(refused.text.contains(part), "{part}: {}", refused.text);
    }
    assert_eq!(run(&["run", "q/x.toml", "p/x.toml", "--dry"]).code, Some(2));
    assert!(first == place.results("results/x"));
    assert!(manifest == fs::read(place.path().join("results/x/manifest.json")).unwrap());
    // By another way it is the same file; and it is one from anywhere.
    assert_eq!(run(&["run", "./q/../p/x.toml"]).code, Some(0));
    assert_eq!(run(&["run", "q/x.toml", "--set", "output.dir=results/q-x"]).code, Some(0));
    let rerun = run(&["rerun", "results/q-x", "--into", "results/x"]);
    assert_eq!(rerun.code, Some(2), "{}", rerun.text);
    assert_eq!(run(&["run", "q/x.toml", "--force"]).code, Some(0));
    let text = fs::read_to_string(place.path().join("results/x/manifest.json")).unwrap();
    assert!(text.contains("faults of q"));
    // A spec that was moved keeps its results.
    fs::rename(place.path().join("q"), place.path().join("moved")).unwrap();
    assert_eq!(run(&["run", "moved/x.toml"]).code, Some(0));
    assert_eq!(run(&["run", "p/x.toml"]).code, Some(2));
}
