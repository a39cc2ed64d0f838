//! A store that is damaged, full, not to be written, used by two at once, or left by a process that was killed.

use super::{Place, SHORT, STEPS};
use std::fs;
use std::process::Stdio;
use std::time::Duration;

/// An entry's folder by the name of its step.
fn entry(place: &Place, step: &str) -> std::path::PathBuf {
    let about = |path: &&std::path::PathBuf| {
        path.ends_with("entry.json")
            && fs::read_to_string(path).is_ok_and(|text| text.contains(&format!("\"step\": \"{step}\"")))
    };
    let found = place.entries().into_iter().find(|path| about(&path)).expect("an entry");
    found.parent().expect("its folder").to_path_buf()
}

#[test]
fn a_damaged_entry_is_computed_again_and_said() {
    let place = Place::with(SHORT);
    place.run("first", &[]);
    let effects = entry(&place, "effects");
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
        let verified = place.ablate(&["store", "verify"]);
        assert!(verified.code == Some(1) && verified.text.contains(what), "{}", verified.text);
        let ran = place.run("again", &[]);
        assert!(ran.text.contains("step 'effects': its entry ") && ran.text.contains(what), "{}", ran.text);
        assert_eq!(ran.recalled(), ["acts"], "{what}: {}", ran.text);
        assert!(place.results("first") == place.results("again"), "{what}");
        assert_eq!(place.ablate(&["store", "verify"]).code, Some(0), "{what}: it is whole again");
        assert_eq!(place.run("again", &[]).recalled(), ["effects", "acts"]);
    }
    // Of a step that wrote a file.
    let acts = entry(&place, "acts");
    fs::write(acts.join("file0"), "no activations").unwrap();
    let ran = place.run("again", &[]);
    assert!(ran.text.contains("step 'acts': its entry ") && ran.text.contains("file0: wrong checksum"), "{}", ran.text);
    assert!(place.results("first") == place.results("again"));
}

#[test]
fn a_store_that_can_not_be_is_warned_of_and_the_run_goes_on() {
    let place = Place::new();
    place.run("first", &["--no-store"]);
    // A file where its folder would be.
    place.write("store", "in the way");
    let ran = place.run("second", &[]);
    assert_eq!(ran.text.matches("warning: ").count(), 1, "{}", ran.text);
    assert!(ran.text.contains("are not kept in the store") && ran.text.contains("the run goes on"), "{}", ran.text);
    assert!(place.results("first") == place.results("second"));
    // One that has entries and takes no more: writing fails there as on a full disk.
    fs::remove_file(place.store()).unwrap();
    place.run("third", &["--set", "step.circuits.ranked.k=[1]"]);
    fs::remove_dir_all(place.store().join("parts")).unwrap();
    fs::write(place.store().join("parts"), "in the way").unwrap();
    let ran = place.run("second", &[]);
    assert_eq!(ran.recalled(), ["effects", "neurons", "gradients", "acts", "answers"], "{}", ran.text);
    assert_eq!(ran.text.matches("warning: ").count(), 1, "{}", ran.text);
    assert!(place.results("first") == place.results("second"));
}

/// A file system that is read-only for everyone, root included, where there is one.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_store_is_warned_of() {
    let place = Place::with(SHORT);
    let ran = place.run("first", &["--set", "run.store=/proc/ablate-store"]);
    assert_eq!(ran.text.matches("warning: ").count(), 1, "{}", ran.text);
}

#[test]
fn two_at_once_compute_a_step_once() {
    let place = Place::new();
    let start = |results: &str| {
        let dir = format!("output.dir={results}");
        let mut command = place.command(&["run", "spec.toml", "--set", &dir]);
        command.stderr(Stdio::piped()).spawn().expect("the binary starts")
    };
    let children: Vec<_> = ["one", "two", "three"].map(start).into_iter().collect();
    let mut recalled = 0;
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{text}");
        recalled += super::Ran { code: None, text }.recalled().len();
    }
    assert_eq!(recalled, 2 * STEPS.len(), "each step is computed by one and taken by two");
    assert!(place.results("one") == place.results("two") && place.results("one") == place.results("three"));
    let mut parts = Vec::new();
    super::files(&place.store().join("parts"), &mut parts);
    assert!(parts.is_empty(), "{parts:?}");
}

/// Whatever moment it is killed at, what is under the name of an entry is whole.
#[test]
fn a_kill_leaves_nothing_half_done() {
    let place = Place::with(SHORT);
    place.run("whole", &["--no-store"]);
    let mut left = 0;
    for delay in 0..12 {
        let mut child = place
            .command(&["run", "spec.toml", "--force", "--quiet"])
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        // Until it is writing, and then some.
        for _ in 0..2000 {
            let writing = fs::read_dir(place.store().join("parts")).is_ok_and(|mut parts| parts.next().is_some());
            if writing || child.try_wait().expect("its state").is_some() {
                break;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(300 * delay));
        child.kill().expect("SIGKILL");
        child.wait().expect("it ends");
        left += fs::read_dir(place.store().join("parts")).map_or(0, Iterator::count);
        let verified = place.ablate(&["store", "verify"]);
        assert_eq!(verified.code, Some(0), "{}", verified.text);
    }
    assert!(left > 0, "it was killed while it wrote, at least once");
    place.run("after", &[]);
    assert!(place.results("whole") == place.results("after"));
    // What is left goes once it is old.
    let parts: Vec<_> = fs::read_dir(place.store().join("parts")).unwrap().flatten().map(|part| part.path()).collect();
    place.ablate(&["store", "gc"]);
    assert!(parts.iter().any(|part| part.exists()), "what is young may be another's");
    let old = std::time::SystemTime::now() - Duration::from_secs(7200);
    for part in &parts {
        let mut files = Vec::new();
        super::files(part, &mut files);
        for path in files.iter().chain([part]) {
            fs::File::open(path).unwrap().set_modified(old).unwrap();
        }
    }
    assert_eq!(place.ablate(&["store", "gc"]).code, Some(0));
    assert_eq!(fs::read_dir(place.store().join("parts")).unwrap().count(), 0);
}

/// A lock file that a process left is no lock.
#[test]
fn a_lock_of_a_process_that_is_gone_holds_nobody_up() {
    let place = Place::with(SHORT);
    place.run("a", &[]);
    let locks: Vec<_> = fs::read_dir(place.store().join("locks")).unwrap().flatten().map(|lock| lock.path()).collect();
    assert_eq!(locks.len(), 2);
    assert!(fs::read_to_string(&locks[0]).unwrap().contains("\"process\":"));
    fs::remove_dir_all(place.store().join("entries")).unwrap();
    assert!(place.run("a", &[]).recalled().is_empty());
}
