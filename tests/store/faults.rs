//! A store that is damaged, full, not to be written, used by two at once, or left by a process that was killed.

use super::{SHORT, SPEC, STEPS};
use crate::support::{Ran, Sandbox, files_below, says};
use std::fs;
use std::process::Stdio;
use std::time::Duration;

/// An entry's folder by the name of its step.
fn entry(sandbox: &Sandbox, step: &str) -> std::path::PathBuf {
    let about = |path: &&std::path::PathBuf| {
        path.ends_with("entry.json")
            && fs::read_to_string(path).is_ok_and(|text| text.contains(&format!("\"step\": \"{step}\"")))
    };
    let found = sandbox.entries().into_iter().find(|path| about(&path)).expect("an entry");
    found.parent().expect("its folder").to_path_buf()
}

#[test]
fn a_damaged_entry_is_computed_again_and_said() {
    let sandbox = Sandbox::stored(SHORT);
    sandbox.run_into("first", &[]);
    let effects = entry(&sandbox, "effects");
    let damages: [(&str, &dyn Fn()); 5] = [
        ("rows0.parquet", &|| {
            let whole = fs::read(effects.join("rows0.parquet")).unwrap();
            fs::write(effects.join("rows0.parquet"), &whole[..whole.len() / 2]).unwrap();
        }),
        ("rows0.parquet", &|| {
            let mut bytes = fs::read(effects.join("rows0.parquet")).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(effects.join("rows0.parquet"), bytes).unwrap();
        }),
        ("rows0.parquet", &|| fs::remove_file(effects.join("rows0.parquet")).unwrap()),
        ("entry.json: wrong checksum", &|| {
            let text = fs::read_to_string(effects.join("entry.json")).unwrap();
            fs::write(effects.join("entry.json"), text.replace("\"tolerance\"", "\"tolerence\"")).unwrap();
        }),
        ("entry.json", &|| fs::remove_file(effects.join("entry.json")).unwrap()),
    ];
    for (what, damage) in damages {
        damage();
        says(sandbox.run(&["store", "verify"]).ends(1).text, [what]);
        let ran = sandbox.run_into("again", &[]);
        assert!(ran.text.contains("step 'effects': its entry ") && ran.text.contains(what), "{}", ran.text);
        assert_eq!(ran.recalled(), ["acts"], "{what}: {}", ran.text);
        assert!(sandbox.results("first") == sandbox.results("again"), "{what}");
        sandbox.run(&["store", "verify"]).ok();
        assert_eq!(sandbox.run_into("again", &[]).recalled(), ["effects", "acts"]);
    }
    // Of a step that wrote a file.
    let acts = entry(&sandbox, "acts");
    fs::write(acts.join("file0"), "no activations").unwrap();
    let ran = sandbox.run_into("again", &[]);
    says(&ran.text, ["step 'acts': its entry ", "file0: wrong checksum"]);
    assert!(sandbox.results("first") == sandbox.results("again"));
}

#[test]
fn a_store_that_is_a_file_is_refused_and_one_that_takes_no_more_is_warned_of() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("first", &["--no-store"]);
    // A file where its folder would be.
    sandbox.write("store", "in the way");
    let said = sandbox.run(&["run", "spec.toml", "--set", "output.dir=second"]).refused();
    says(&said, ["store is a file", "set ABLATE_CACHE to a folder, or to off"]);
    // One that has entries and takes no more: writing fails there as on a full disk.
    sandbox.remove("store");
    sandbox.run_into("third", &["--set", "step.circuits.ranked.k=[1]"]);
    sandbox.remove("store/parts");
    sandbox.write("store/parts", "in the way");
    let ran = sandbox.run_into("second", &[]);
    assert_eq!(ran.recalled(), ["effects", "neurons", "gradients", "acts", "answers"], "{}", ran.text);
    assert_eq!(ran.text.matches("warning: ").count(), 1, "{}", ran.text);
    assert!(sandbox.results("first") == sandbox.results("second"));
}

/// A file system that is read-only for everyone, root included, where there is one.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_store_is_warned_of() {
    let sandbox = Sandbox::stored(SHORT);
    let ran = sandbox.run_into("first", &["--set", "run.store=/proc/ablate-store"]);
    assert_eq!(ran.text.matches("warning: ").count(), 1, "{}", ran.text);
}

#[test]
fn two_at_once_compute_a_step_once() {
    let sandbox = Sandbox::stored(SPEC);
    let start = |results: &str| {
        let dir = format!("output.dir={results}");
        let mut command = sandbox.command(&["run", "spec.toml", "--set", &dir]);
        command.stderr(Stdio::piped()).spawn().expect("the binary starts")
    };
    let children: Vec<_> = ["one", "two", "three"].map(start).into_iter().collect();
    let mut recalled = 0;
    for child in children {
        recalled += Ran::from(child.wait_with_output().expect("it ends")).ok().recalled().len();
    }
    assert_eq!(recalled, 2 * STEPS.len(), "each step is computed by one and taken by two");
    assert!(sandbox.results("one") == sandbox.results("two") && sandbox.results("one") == sandbox.results("three"));
    let parts = files_below(&sandbox.store().join("parts"));
    assert!(parts.is_empty(), "{parts:?}");
}

/// Whatever moment it is killed at, what is under the name of an entry is whole.
#[test]
fn a_kill_leaves_nothing_half_done() {
    let sandbox = Sandbox::stored(SHORT);
    sandbox.run_into("whole", &["--no-store"]);
    let mut left = 0;
    for delay in 0..12 {
        let mut child = sandbox
            .command(&["run", "spec.toml", "--force", "--quiet"])
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        // Until it is writing, and then some.
        for _ in 0..2000 {
            let writing = fs::read_dir(sandbox.store().join("parts")).is_ok_and(|mut parts| parts.next().is_some());
            if writing || child.try_wait().expect("its state").is_some() {
                break;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(300 * delay));
        child.kill().expect("SIGKILL");
        child.wait().expect("it ends");
        left += fs::read_dir(sandbox.store().join("parts")).map_or(0, Iterator::count);
        sandbox.run(&["store", "verify"]).ok();
    }
    assert!(left > 0, "it was killed while it wrote, at least once");
    sandbox.run_into("after", &[]);
    assert!(sandbox.results("whole") == sandbox.results("after"));
    // What is left goes once it is old.
    let parts: Vec<_> =
        fs::read_dir(sandbox.store().join("parts")).unwrap().flatten().map(|part| part.path()).collect();
    sandbox.run(&["store", "gc"]);
    assert!(parts.iter().any(|part| part.exists()), "what is young may be another's");
    let old = std::time::SystemTime::now() - Duration::from_secs(7200);
    for part in &parts {
        let files = files_below(part);
        for path in files.iter().chain([part]) {
            fs::File::open(path).unwrap().set_modified(old).unwrap();
        }
    }
    sandbox.run(&["store", "gc"]).ok();
    assert_eq!(fs::read_dir(sandbox.store().join("parts")).unwrap().count(), 0);
}
