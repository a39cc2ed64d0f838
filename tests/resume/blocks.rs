//! Which blocks are taken, and which are not.

use super::{interrupted, long, start, taken};
use crate::support::{Ran, signal, wait_until};
use std::fs;
use std::time::{Duration, SystemTime};

#[test]
fn the_next_run_takes_what_was_finished_and_ends_the_same() {
    let sandbox = long();
    sandbox.run_into("whole", &["--no-store"]);
    let left = interrupted(&sandbox, 3);
    let listed = sandbox.run(&["store", "ls"]).text;
    assert!(
        listed.contains(&format!("interrupted: {} finished blocks", left.len()))
            && listed.contains(" effects (neuron-patching) of spec.toml"),
        "{listed}"
    );
    let ran = sandbox.run_into("after", &[]);
    let (found, total) = taken(&ran.text, "effects").expect("it says so");
    assert!(found == left.len() && total > found, "{found} of {total}, {} were left: {}", left.len(), ran.text);
    assert!(sandbox.results("whole") == sandbox.results("after"));
    assert!(sandbox.blocks().is_empty(), "what is in the store whole needs no blocks");
    assert_eq!(sandbox.run_into("again", &[]).recalled(), ["effects"]);
    assert!(!sandbox.run(&["store", "ls"]).text.contains("interrupted"));
}

/// Ctrl-C between blocks.
#[cfg(unix)]
#[test]
fn an_interrupted_run_says_that_the_next_goes_on() {
    let sandbox = long();
    let dir = ["run", "spec.toml", "--set", "output.dir=stopped"];
    let mut child = sandbox.command(&dir).stderr(std::process::Stdio::piped()).spawn().expect("it starts");
    wait_until(&mut child, || sandbox.blocks().len() >= 2);
    signal(&child, "INT");
    let text = Ran::from(child.wait_with_output().expect("it ends")).ends(130).err;
    let left = sandbox.blocks().len();
    assert!(text.contains(&format!("step 'effects': {left} finished blocks are kept in the store")), "{text}");
    assert_eq!(taken(&sandbox.run_into("after", &[]).text, "effects").map(|(found, _)| found), Some(left));
    sandbox.run_into("whole", &["--no-store"]);
    assert!(sandbox.results("whole") == sandbox.results("after"));
}

#[test]
fn a_damaged_block_is_computed_again_and_said() {
    let sandbox = long();
    sandbox.run_into("whole", &["--no-store"]);
    let left = interrupted(&sandbox, 4);
    let cut = sandbox.bytes(&left[0]);
    fs::write(&left[0], &cut[..cut.len() / 2]).unwrap();
    let mut flipped = sandbox.bytes(&left[1]);
    let middle = flipped.len() / 2;
    flipped[middle] ^= 4;
    fs::write(&left[1], flipped).unwrap();
    // A block of other work under its name.
    fs::copy(&left[3], &left[2]).unwrap();
    let ran = sandbox.run_into("after", &[]);
    for what in ["wrong checksum", "it belongs to other work"] {
        assert!(ran.text.contains(&format!("damaged ({what}), so it is computed again")), "{what}: {}", ran.text);
    }
    assert!(sandbox.results("whole") == sandbox.results("after"));
}

/// Blocks end where the memory says.
#[test]
fn blocks_of_other_terms_are_dropped_and_said() {
    let sandbox = long();
    interrupted(&sandbox, 2);
    sandbox.run_into("whole", &["--no-store", "--set", "run.memory_mib=2"]);
    let ran = sandbox.run_into("after", &["--set", "run.memory_mib=2"]);
    assert!(
        ran.text
            .contains("finished blocks of an interrupted run cannot be used: they were made with run.memory_mib = 1")
            && ran.text.contains("and this run has run.memory_mib = 2"),
        "{}",
        ran.text
    );
    assert_eq!(taken(&ran.text, "effects"), None, "{}", ran.text);
    assert!(sandbox.results("whole") == sandbox.results("after"));
}

/// Another question is another key: its blocks are its own.
#[test]
fn other_parameters_take_nothing() {
    let sandbox = long();
    let left = interrupted(&sandbox, 2);
    let ran = sandbox.run_into("other", &["--set", "prompts.sample=300"]);
    assert_eq!(taken(&ran.text, "effects"), None, "{}", ran.text);
    assert_eq!(sandbox.blocks(), left, "they wait for their own step");
    assert_eq!(taken(&sandbox.run_into("after", &[]).text, "effects").map(|(found, _)| found), Some(left.len()));
}

#[test]
fn force_begins_anew() {
    let sandbox = long();
    interrupted(&sandbox, 2);
    let ran = sandbox.run_into("after", &["--force"]);
    assert_eq!(taken(&ran.text, "effects"), None, "{}", ran.text);
}

#[cfg(unix)]
#[test]
fn what_nobody_continues_goes() {
    let sandbox = long();
    let left = interrupted(&sandbox, 2);
    assert!(sandbox.run(&["store", "gc"]).text.starts_with("0 entries removed, "));
    assert_eq!(sandbox.blocks(), left, "it may yet be continued");
    let old = SystemTime::now() - Duration::from_secs(40 * 86400);
    let folder = left[0].parent().expect("a folder");
    for file in fs::read_dir(folder).unwrap().flatten() {
        fs::File::options().append(true).open(file.path()).unwrap().set_modified(old).unwrap();
    }
    // While a run is at it, it stays.
    let mut child = start(&sandbox, "killed");
    wait_until(&mut child, || sandbox.blocks().len() > left.len());
    signal(&child, "STOP");
    let text = sandbox.run(&["store", "gc", "--unused", "0"]).text;
    assert!(text.starts_with("0 entries removed, "), "{text}");
    assert!(sandbox.run(&["store", "ls"]).text.contains("under way: "));
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends");
    for file in fs::read_dir(folder).unwrap().flatten() {
        fs::File::options().append(true).open(file.path()).unwrap().set_modified(old).unwrap();
    }
    let text = sandbox.run(&["store", "gc"]).text;
    assert!(text.contains("finished blocks of 1 interrupted step removed"), "{text}");
    assert!(sandbox.blocks().is_empty());
    interrupted(&sandbox, 2);
    let text = sandbox.run(&["store", "rm", "--all"]).text;
    assert!(text.contains("finished blocks of 1 interrupted step removed") && sandbox.blocks().is_empty(), "{text}");
}
