//! Files that are cut off, replaced, or of another version, and clocks that are not to be trusted.

use super::SPEC;
use crate::resume::{interrupted, long};
use crate::support::Sandbox;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A spec on a model in a folder of its own.
const ON_FILES: &str = r#"
title = "files"

[model]
source = "model"

[prompts]
operands = { a = "0..20", b = "1..20" }
operators = ["+"]
sample = 20

[[step]]
name = "heads"
kind = "activation-patching"
sites = ["z[head]"]
"#;

/// Makes the model: the one that `train` writes after some steps.
const TRAINING: &str = r#"
title = "training"

[prompts]
operands = { a = "0..30", b = "0..30" }
operators = ["+"]

[[step]]
name = "train"
kind = "train"
numbers = 100
layers = 1
d_model = 16
heads = 2
d_mlp = 16
steps = 3
batch = 8
optimizer = { lr = 0.001 }
"#;

/// Trains a model into the folder `trained/model`, with a seed of its own; its weights.
fn train(sandbox: &Sandbox, training: &str, seed: u64) -> Vec<u8> {
    sandbox.write("training.toml", training);
    let seed = format!("step.train.seed={seed}");
    sandbox.run(&["run", "training.toml", "--no-store", "--set", "output.dir=trained", "--set", &seed]).ok();
    sandbox.bytes("trained/model/model.safetensors")
}

/// Writes over the model's weights, in place, and sets the time of the last write.
fn replace(sandbox: &Sandbox, weights: &[u8], modified: SystemTime) {
    let path = sandbox.at("model/model.safetensors");
    fs::write(&path, weights).expect("writing");
    fs::File::options().append(true).open(&path).unwrap().set_modified(modified).expect("a time");
}

/// The times of files say nothing about what is in them: a model that was replaced is not taken for the one before, nor the other
/// way round, whatever the clock was.
#[test]
fn a_replaced_model_is_another_whatever_the_clock_says() {
    let sandbox = Sandbox::stored(ON_FILES);
    let (first, second) = (train(&sandbox, TRAINING, 1), train(&sandbox, TRAINING, 2));
    assert!(first.len() == second.len() && first != second);
    fs::rename(sandbox.at("trained/model"), sandbox.at("model")).expect("a model");
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    let mut whole = Vec::new();
    for weights in [&first, &second] {
        replace(&sandbox, weights, now);
        sandbox.run_into("whole", &["--no-store"]);
        whole.push(sandbox.results("whole"));
    }
    assert!(whole[0] != whole[1]);
    // Written long ago, as it were: its checksum is remembered.
    for (weights, modified, results, recalled) in [
        (&first, now - hour, 0, false),
        (&second, now - hour, 1, false),
        (&first, now - 2 * hour, 0, true),
        // By a clock that was ahead, and was set back since.
        (&second, now + hour, 1, true),
        (&first, now + hour, 0, true),
        (&second, now + 2 * hour, 1, true),
    ] {
        replace(&sandbox, weights, modified);
        // Long enough for the stamp of a file of the past to be believed.
        if modified < now {
            std::thread::sleep(Duration::from_millis(2100));
        }
        for again in [false, true] {
            let ran = sandbox.run_into("results", &[]);
            assert_eq!(ran.recalled().is_empty(), !recalled && !again, "{}", ran.text);
            assert!(sandbox.results("results") == whole[results], "results of the other model");
        }
    }
}

/// A run that is killed has blocks of the model that it had: the run after it, on another, takes none of them.
#[test]
fn a_model_that_is_replaced_between_runs_takes_no_blocks_of_the_other() {
    let sandbox = long();
    let spec = sandbox.read("spec.toml");
    sandbox
        .write("spec.toml", spec.replace("builtin:arith", "model").replace("layers = \"1..4\"", "layers = \"0..2\""));
    let widened =
        TRAINING.replace("layers = 1", "layers = 2").replace("d_mlp = 16", "d_mlp = 600").replace("0..30", "0..60");
    let (first, second) = (train(&sandbox, &widened, 1), train(&sandbox, &widened, 2));
    fs::rename(sandbox.at("trained/model"), sandbox.at("model")).expect("a model");
    replace(&sandbox, &first, SystemTime::now());
    interrupted(&sandbox, 2);
    replace(&sandbox, &second, SystemTime::now());
    let ran = sandbox.run_into("second", &[]);
    assert!(!ran.text.contains("an interrupted run"), "{}", ran.text);
    replace(&sandbox, &first, SystemTime::now());
    let ran = sandbox.run_into("first", &[]);
    assert!(ran.text.contains("blocks are there from an interrupted run"), "{}", ran.text);
    for (weights, results) in [(&first, "first"), (&second, "second")] {
        replace(&sandbox, weights, SystemTime::now());
        sandbox.run_into("whole", &["--no-store"]);
        assert!(sandbox.results("whole") == sandbox.results(results), "{results}");
    }
}

/// The entries' descriptions.
fn abouts(sandbox: &Sandbox) -> Vec<PathBuf> {
    let mut found = sandbox.entries();
    found.retain(|path| path.ends_with("entry.json"));
    found
}

fn write_about(about: &Path, text: &str) {
    fs::write(about, text).expect("writing");
    fs::write(about.with_file_name("entry.sha256"), format!("{:x}", Sha256::digest(text))).expect("writing");
}

/// An older version would have other keys: its entries are not looked at, and stay for it.
#[test]
fn a_store_of_an_older_version_is_left_alone() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("first", &[]);
    for about in abouts(&sandbox) {
        let text = fs::read_to_string(&about).unwrap();
        let key = about.parent().and_then(Path::file_name).unwrap().to_string_lossy().into_owned();
        let older = format!("00{}", &key[2..]);
        write_about(&about, &text.replacen("\"format\": 2", "\"format\": 1", 1).replace(&key, &older));
        let folder = sandbox.store().join("entries/00").join(&older);
        fs::create_dir_all(folder.parent().unwrap()).unwrap();
        fs::rename(about.parent().unwrap(), folder).unwrap();
    }
    let ran = sandbox.run_into("second", &[]);
    assert!(ran.recalled().is_empty(), "{}", ran.text);
    assert!(sandbox.results("first") == sandbox.results("second"));
    let listed = sandbox.run(&["store", "ls"]).text;
    assert_eq!(listed.matches("of another version of ablate (version 1 of the store)").count(), 2, "{listed}");
    let verified = sandbox.run(&["store", "verify"]);
    assert_eq!(verified.text, "2 entries, all whole; 2 of another version of ablate were not looked at\n");
    assert!(sandbox.run(&["store", "gc"]).text.starts_with("0 entries removed"));
    assert!(sandbox.run(&["store", "gc", "--other-builds"]).text.starts_with("2 entries removed"));
    assert_eq!(sandbox.run_into("third", &[]).recalled().len(), 2);
}

/// One under a key that this version looks for is not taken, and it is said.
#[test]
fn an_entry_of_another_version_is_not_taken() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("first", &[]);
    for about in abouts(&sandbox) {
        let text = fs::read_to_string(&about).unwrap();
        write_about(&about, &text.replacen("\"format\": 2", "\"format\": 7", 1));
    }
    let ran = sandbox.run_into("second", &[]);
    assert!(ran.recalled().is_empty(), "{}", ran.text);
    assert!(
        ran.text.contains("it has version 7 of the store's format, and this program reads version 2"),
        "{}",
        ran.text
    );
    assert!(sandbox.results("first") == sandbox.results("second"));
}

/// Parquet files of the results that were cut off, or are gone, are whole again after the next run, from the store.
#[test]
fn results_that_were_cut_off_are_whole_again() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("results", &[]);
    let whole = sandbox.results("results");
    let folder = sandbox.at("results");
    for (path, bytes) in &whole {
        if path.extension().is_some_and(|ending| ending == "parquet") {
            fs::write(folder.join(path), &bytes[..bytes.len() / 2]).unwrap();
        }
    }
    fs::remove_file(folder.join("tables/effects.csv")).unwrap();
    let ran = sandbox.run_into("results", &[]);
    assert_eq!(ran.recalled(), ["neurons", "heads"]);
    assert!(sandbox.results("results") == whole);
}

/// In the store it is found by its checksum.
#[test]
fn an_entry_that_was_cut_off_is_computed_again() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("first", &[]);
    for about in abouts(&sandbox) {
        let rows = about.with_file_name("rows0.parquet");
        let bytes = fs::read(&rows).unwrap();
        fs::write(&rows, &bytes[..bytes.len() - 9]).unwrap();
    }
    let ran = sandbox.run_into("second", &[]);
    assert!(ran.recalled().is_empty(), "{}", ran.text);
    assert_eq!(
        ran.text.matches("is damaged (rows0.parquet: wrong checksum), so it is computed again").count(),
        2,
        "{}",
        ran.text
    );
    assert!(sandbox.results("first") == sandbox.results("second"));
}
