//! Finished steps handed from one store to another.

use super::SHORT;
use crate::support::{Ran, Sandbox, files_below, says};
use std::fs;
use std::process::Command;

/// With a store of results, and a run that had them.
fn computed() -> Sandbox {
    let sandbox = Sandbox::stored(SHORT);
    sandbox.run_into("whole", &[]);
    sandbox
}

/// A run with another store; the steps that it took from there.
fn recalled(sandbox: &Sandbox, store: &str) -> usize {
    let mut command = sandbox.command(&["run", "spec.toml", "--set", "output.dir=other"]);
    let ran = Ran::of(command.env("ABLATE_CACHE", sandbox.at(store))).ok();
    assert!(sandbox.results("whole") == sandbox.results("other"));
    ran.recalled().len()
}

#[test]
fn entries_go_to_another_folder_and_come_back() {
    let sandbox = computed();
    says(sandbox.run(&["store", "push", "shared"]).ok().out, ["2 entries copied, ", "; 0 were already there"]);
    says(sandbox.run(&["store", "push", "shared"]).ok().out, ["0 entries copied, ", "; 2 were already there"]);
    assert_eq!(recalled(&sandbox, "shared"), 2);
    sandbox.remove("store");
    let key = files_below(&sandbox.at("shared/entries"))[0].parent().unwrap().file_name().unwrap().to_string_lossy()
        [..12]
        .to_string();
    says(sandbox.run(&["store", "pull", "shared", &key]).ok().out, ["1 entries copied, "]);
    says(sandbox.run(&["store", "pull", "shared"]).ok().out, ["1 entries copied, ", "; 1 were already there"]);
    sandbox.run(&["store", "verify"]).ok();
    assert_eq!(recalled(&sandbox, "store"), 2);
    says(sandbox.run(&["store", "pull", "nowhere"]).refused(), ["there is no store here"]);
    says(sandbox.run(&["store", "pull", "shared", "xyz"]).refused(), ["'xyz'"]);
    assert!(files_below(&sandbox.at("shared/parts")).is_empty());
}

/// What is not as it was put goes nowhere; what is damaged there is replaced.
#[test]
fn what_is_damaged_is_left_and_what_is_whole_replaces_it() {
    let sandbox = computed();
    sandbox.run(&["store", "push", "shared"]).ok();
    let damage = |store: &str| {
        let rows =
            files_below(&sandbox.at(store).join("entries")).into_iter().find(|path| path.ends_with("rows0.parquet"));
        let rows = rows.expect("rows");
        let mut bytes = fs::read(&rows).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&rows, bytes).unwrap();
    };
    damage("shared");
    let ran = sandbox.run(&["store", "push", "shared"]).ok();
    says(&ran.out, ["1 entries copied, ", "; 1 were already there"]);
    damage("shared");
    sandbox.remove("store");
    let ran = sandbox.run(&["store", "pull", "shared"]).ends(1);
    says(
        &ran.text,
        ["1 entries copied, ", "1 entries are damaged and were not copied", "rows0.parquet: wrong checksum"],
    );
    sandbox.run(&["store", "verify"]).ok();
}

/// By way of a program that is called as ssh is, and runs what it is told here.
#[cfg(unix)]
#[test]
fn entries_go_to_another_machine_and_come_back() {
    let sandbox = computed();
    sandbox.write("bin/ssh", "#!/bin/sh\n[ \"$1\" = me@there ] || { echo \"ssh: no such host: $1\" >&2; exit 255; }\ncd \"$THERE\" && exec sh -c \"$2\"\n");
    assert!(Command::new("chmod").arg("+x").arg(sandbox.at("bin/ssh")).status().unwrap().success());
    fs::create_dir_all(sandbox.at("there")).unwrap();
    let run = |args: &[&str]| {
        let path = format!("{}:{}", sandbox.at("bin").display(), std::env::var("PATH").unwrap_or_default());
        Ran::of(sandbox.command(args).env("PATH", path).env("THERE", sandbox.at("there")))
    };
    says(run(&["store", "push", "me@there:a store"]).ok().out, ["2 entries copied, ", "; 0 were already there"]);
    says(run(&["store", "push", "me@there:a store"]).ok().out, ["0 entries copied, ", "; 2 were already there"]);
    assert_eq!(recalled(&sandbox, "there/a store"), 2);
    assert!(files_below(&sandbox.at("there/a store/parts")).is_empty());
    sandbox.remove("store");
    says(run(&["store", "pull", "me@there:a store"]).ok().out, ["2 entries copied, ", "; 0 were already there"]);
    sandbox.run(&["store", "verify"]).ok();
    assert_eq!(recalled(&sandbox, "store"), 2);
    says(run(&["store", "pull", "me@there:a store"]).ok().out, ["0 entries copied, ", "; 2 were already there"]);
    says(run(&["store", "push", "you@there:store"]).ends(1).err, ["no such host: you@there"]);
    // Of what arrives, only what is whole counts.
    sandbox.remove("store");
    let rows =
        files_below(&sandbox.at("there/a store/entries")).into_iter().find(|path| path.ends_with("rows0.parquet"));
    fs::write(rows.unwrap(), "other").unwrap();
    says(run(&["store", "pull", "me@there:a store"]).ends(1).text, ["1 entries copied, ", "wrong checksum"]);
}
