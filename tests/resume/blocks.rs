//! Which blocks are taken, and which are not.

use super::{blocks, bytes, interrupted, long, signal, start, taken, wait_for};
use std::fs;
use std::time::{Duration, SystemTime};

#[test]
fn the_next_run_takes_what_was_finished_and_ends_the_same() {
    let place = long();
    place.run("whole", &["--no-store"]);
    let left = interrupted(&place, 3);
    let listed = place.ablate(&["store", "ls"]).text;
    assert!(
        listed.contains(&format!("interrupted: {} finished blocks", left.len()))
            && listed.contains(" effects (neuron-patching) of spec.toml"),
        "{listed}"
    );
    let ran = place.run("after", &[]);
    let (found, total) = taken(&ran.text, "effects").expect("it says so");
    assert!(found == left.len() && total > found, "{found} of {total}, {} were left: {}", left.len(), ran.text);
    assert!(place.results("whole") == place.results("after"));
    assert!(blocks(&place).is_empty(), "what is in the store whole needs no blocks");
    assert_eq!(place.run("again", &[]).recalled(), ["effects"]);
    assert!(!place.ablate(&["store", "ls"]).text.contains("interrupted"));
}

/// Ctrl-C between blocks.
#[cfg(unix)]
#[test]
fn an_interrupted_run_says_that_the_next_goes_on() {
    let place = long();
    let dir = ["run", "spec.toml", "--set", "output.dir=stopped"];
    let mut child = place.command(&dir).stderr(std::process::Stdio::piped()).spawn().expect("it starts");
    wait_for(&place, 2, &mut child);
    signal(&child, "INT");
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{text}");
    let left = blocks(&place).len();
    assert!(text.contains(&format!("step 'effects': {left} finished blocks are kept in the store")), "{text}");
    assert_eq!(taken(&place.run("after", &[]).text, "effects").map(|(found, _)| found), Some(left));
    place.run("whole", &["--no-store"]);
    assert!(place.results("whole") == place.results("after"));
}

#[test]
fn a_damaged_block_is_computed_again_and_said() {
    let place = long();
    place.run("whole", &["--no-store"]);
    let left = interrupted(&place, 4);
    let cut = bytes(&left[0]);
    fs::write(&left[0], &cut[..cut.len() / 2]).unwrap();
    let mut flipped = bytes(&left[1]);
    let middle = flipped.len() / 2;
    flipped[middle] ^= 4;
    fs::write(&left[1], flipped).unwrap();
    // A block of other work under its name.
    fs::copy(&left[3], &left[2]).unwrap();
    let ran = place.run("after", &[]);
    for what in ["wrong checksum", "it is of other work"] {
        assert!(ran.text.contains(&format!("damaged ({what}); it is computed again")), "{what}: {}", ran.text);
    }
    assert!(place.results("whole") == place.results("after"));
}

/// Blocks end where the memory says.
#[test]
fn blocks_of_other_terms_are_dropped_and_said() {
    let place = long();
    interrupted(&place, 2);
    place.run("whole", &["--no-store", "--set", "run.memory_mib=2"]);
    let ran = place.run("after", &["--set", "run.memory_mib=2"]);
    assert!(
        ran.text.contains("blocks of a run that was interrupted are dropped: they were made with run.memory_mib = 1")
            && ran.text.contains("and this run has run.memory_mib = 2"),
        "{}",
        ran.text
    );
    assert_eq!(taken(&ran.text, "effects"), None, "{}", ran.text);
    assert!(place.results("whole") == place.results("after"));
}

/// Another question is another key: its blocks are its own.
#[test]
fn other_parameters_take_nothing() {
    let place = long();
    let left = interrupted(&place, 2);
    let ran = place.run("other", &["--set", "prompts.sample=300"]);
    assert_eq!(taken(&ran.text, "effects"), None, "{}", ran.text);
    assert_eq!(blocks(&place), left, "they wait for their own step");
    assert_eq!(taken(&place.run("after", &[]).text, "effects").map(|(found, _)| found), Some(left.len()));
}

#[test]
fn force_begins_anew() {
    let place = long();
    interrupted(&place, 2);
    let ran = place.run("after", &["--force"]);
    assert_eq!(taken(&ran.text, "effects"), None, "{}", ran.text);
}

#[cfg(unix)]
#[test]
fn what_nobody_continues_goes() {
    let place = long();
    let left = interrupted(&place, 2);
    assert!(place.ablate(&["store", "gc"]).text.starts_with("0 entries removed, "));
    assert_eq!(blocks(&place), left, "it may yet be continued");
    let old = SystemTime::now() - Duration::from_secs(40 * 86400);
    let folder = left[0].parent().expect("a folder");
    for file in fs::read_dir(folder).unwrap().flatten() {
        fs::File::options().append(true).open(file.path()).unwrap().set_modified(old).unwrap();
    }
    // While a run is at it, it stays.
    let mut child = start(&place, "killed");
    wait_for(&place, left.len() + 1, &mut child);
    signal(&child, "STOP");
    let text = place.ablate(&["store", "gc", "--unused", "0"]).text;
    assert!(text.starts_with("0 entries removed, "), "{text}");
    assert!(place.ablate(&["store", "ls"]).text.contains("under way: "));
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends");
    for file in fs::read_dir(folder).unwrap().flatten() {
        fs::File::options().append(true).open(file.path()).unwrap().set_modified(old).unwrap();
    }
    let text = place.ablate(&["store", "gc"]).text;
    assert!(text.contains("finished blocks of 1 interrupted steps removed"), "{text}");
    assert!(blocks(&place).is_empty());
    interrupted(&place, 2);
    let text = place.ablate(&["store", "rm", "--all"]).text;
    assert!(text.contains("finished blocks of 1 interrupted steps removed") && blocks(&place).is_empty(), "{text}");
}
