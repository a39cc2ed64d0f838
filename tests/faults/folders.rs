//! Two runs and one folder of results.

use super::SPEC;
use crate::resume::long;
use crate::support::{Ran, Sandbox, files_below, says, signal, wait_until};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

/// The second is refused, with whose the folder is, and the first is not disturbed.
#[cfg(unix)]
#[test]
fn two_runs_with_one_folder() {
    let sandbox = long();
    sandbox.run_into("whole", &["--no-store"]);
    let arguments = ["run", "spec.toml", "--set", "output.dir=results"];
    let mut first = sandbox.command(&arguments).stderr(Stdio::null()).spawn().expect("the binary starts");
    let claim = sandbox.at("results/.ablate-claim");
    wait_until(&mut first, || claim.exists());
    std::thread::sleep(Duration::from_millis(50));
    signal(&first, "STOP");
    let ran = sandbox.run(&arguments);
    signal(&first, "CONT");
    assert_eq!(ran.code, Some(2), "{}", ran.text);
    let owner = format!("output.dir 'results': process {} on ", first.id());
    assert!(ran.text.contains(&owner), "{}", ran.text);
    assert!(ran.text.contains("is writing its results there; wait until it is done, or write another output.dir"));
    assert!(first.wait().expect("it ends").success());
    assert!(sandbox.results("whole") == sandbox.results("results"));
    assert!(sandbox.has("results/manifest.json"));
    assert!(!claim.exists(), "nothing is left of it");
    // Of several specs, the others are run.
    let mut first = sandbox.command(&[&arguments[..], &["--force"]].concat()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(&mut first, || claim.exists());
    std::thread::sleep(Duration::from_millis(50));
    signal(&first, "STOP");
    sandbox.write("other.toml", SPEC);
    let same = sandbox.read("spec.toml").replace("[run]", "[output]\ndir = \"results\"\n\n[run]");
    sandbox.write("same.toml", same);
    let ran = sandbox.run(&["run", "same.toml", "other.toml", "--force"]).ends(1);
    assert!(ran.text.contains(&format!("process {} on ", first.id())) && ran.text.contains("1 of 2 specs failed"));
    assert!(sandbox.has("results/other/manifest.json"), "{}", ran.text);
    first.kill().unwrap();
    first.wait().unwrap();
}

/// What a run that was killed left holds nobody up, and goes; so does the lock of a version before.
#[cfg(unix)]
#[test]
fn a_claim_of_a_run_that_was_killed() {
    let sandbox = long();
    sandbox.run_into("whole", &["--no-store"]);
    let arguments = ["run", "spec.toml", "--set", "output.dir=results"];
    let mut killed = sandbox.command(&arguments).stderr(Stdio::null()).spawn().expect("the binary starts");
    let is_written = || fs::metadata(sandbox.at("results/.ablate-claim")).is_ok_and(|claim| claim.len() > 0);
    wait_until(&mut killed, is_written);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(sandbox.has("results/.ablate-claim"));
    sandbox.write("results/.ablate-lock", r#"{"process":1,"host":"gone","work":"spec.toml","since":0}"#);
    sandbox.write("results/rows/.ablate-Xy12Zw.part", "half");
    sandbox.run_into("results", &[]);
    assert!(sandbox.results("whole") == sandbox.results("results"));
    let left = files_below(&sandbox.at("results"));
    assert!(left.iter().all(|path| !path.to_string_lossy().contains(".ablate-")), "{left:?}");
}

/// A run on another machine is known by its touching its claim, whatever the clocks say; and nothing of its is touched.
#[test]
fn a_run_on_another_machine_has_the_folder() {
    let sandbox = Sandbox::stored(SPEC);
    let claim =
        r#"{"process":1,"began":5,"host":"elsewhere","space":"another start","work":"spec.toml","since":0,"number":0}"#;
    sandbox.write("results/.ablate-claim", claim);
    let run = sandbox.command(&["run", "spec.toml", "--set", "output.dir=results"]).stderr(Stdio::piped()).spawn();
    let mut run = run.expect("the binary starts");
    for touch in 1..1000 {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(touch);
        fs::File::options().append(true).open(sandbox.at("results/.ablate-claim")).unwrap().set_modified(time).unwrap();
        if run.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let ran = Ran::from(run.wait_with_output().expect("it ends"));
    says(
        ran.refused(),
        ["output.dir 'results': process 1 on elsewhere, since 1970-01-01", "is writing its results there"],
    );
    assert_eq!(sandbox.read("results/.ablate-claim"), claim);
    assert!(!sandbox.has("results/.ablate-unfinished"));
}

/// Two files of one name in two folders: neither overwrites the results of the other unasked.
#[test]
fn results_of_another_spec_are_not_overwritten() {
    let sandbox = Sandbox::stored(SPEC);
    for folder in ["p", "q"] {
        sandbox.write(format!("{folder}/x.toml"), SPEC.replace("\"faults\"", &format!("\"faults of {folder}\"")));
    }
    let run = |args: &[&str]| sandbox.run(args);
    run(&["run", "p/x.toml"]).ok();
    let first = sandbox.results("results/x");
    let manifest = sandbox.bytes("results/x/manifest.json");
    let parts = ["results/x holds the results of another spec, p/x.toml", "output.dir", "--force"];
    says(run(&["run", "q/x.toml"]).refused(), parts);
    run(&["run", "q/x.toml", "p/x.toml", "--dry"]).refused();
    assert!(first == sandbox.results("results/x"));
    assert!(manifest == sandbox.bytes("results/x/manifest.json"));
    // By another way it is the same file; and it is one from anywhere.
    run(&["run", "./q/../p/x.toml"]).ok();
    run(&["run", "q/x.toml", "--set", "output.dir=results/q-x"]).ok();
    run(&["rerun", "results/q-x", "--into", "results/x"]).refused();
    run(&["run", "q/x.toml", "--force"]).ok();
    let text = sandbox.read("results/x/manifest.json");
    assert!(text.contains("faults of q"));
    // A spec that was moved keeps its results.
    fs::rename(sandbox.at("q"), sandbox.at("moved")).unwrap();
    run(&["run", "moved/x.toml"]).ok();
    run(&["run", "p/x.toml"]).refused();
}
