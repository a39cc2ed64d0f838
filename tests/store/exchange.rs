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
    says(sandbox.run(&["store", "pull", "shared", &key]).ok().out, ["1 entry copied, "]);
    says(sandbox.run(&["store", "pull", "shared"]).ok().out, ["1 entry copied, ", "; 1 was already there"]);
    sandbox.run(&["store", "verify"]).ok();
    assert_eq!(recalled(&sandbox, "store"), 2);
    says(sandbox.run(&["store", "pull", "nowhere"]).refused(), ["store nowhere", "there is no store"]);
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
    says(&ran.out, ["1 entry copied, ", "; 1 was already there"]);
    damage("shared");
    sandbox.remove("store");
    let ran = sandbox.run(&["store", "pull", "shared"]).ends(1);
    says(&ran.text, ["1 entry copied, ", "1 entry is damaged and was not copied", "rows0.parquet: wrong checksum"]);
    sandbox.run(&["store", "verify"]).ok();
}

/// A folder of something else is not taken for a store, and nothing is put into it.
#[test]
fn what_is_no_store_is_refused() {
    let sandbox = computed();
    sandbox.write("thesis/chapter1.tex", "");
    for way in ["push", "pull"] {
        let said = sandbox.run(&["store", way, "thesis"]).refused();
        says(said, ["store thesis", "it is no store, and has other things in it, such as 'chapter1.tex'"]);
        let said = sandbox.run(&["store", way, "spec.toml"]).refused();
        says(said, ["store spec.toml", "Not a directory"]);
    }
    assert_eq!(files_below(&sandbox.at("thesis")).len(), 1);
    // One that nothing was put into yet is a place for a store.
    sandbox.write("begun/files.json", "{}");
    says(sandbox.run(&["store", "pull", "begun"]).refused(), ["nothing was put into it yet"]);
    sandbox.run(&["store", "push", "begun"]).ok();
    sandbox.run(&["store", "pull", "begun"]).ok();
}

/// Runs the binary where a program is called as ssh is, and does here, in the folder `there`, what the machine `me@there` is told.
#[cfg(unix)]
fn by_ssh(sandbox: &Sandbox, args: &[&str]) -> Ran {
    sandbox.write(
        "bin/ssh",
        "#!/bin/sh\n[ \"$1\" = me@there ] || { echo \"ssh: no such host: $1\" >&2; exit 255; }\ncd \"$THERE\" && exec sh -c \"$2\"\n",
    );
    assert!(Command::new("chmod").arg("+x").arg(sandbox.at("bin/ssh")).status().unwrap().success());
    fs::create_dir_all(sandbox.at("there")).unwrap();
    let path = format!("{}:{}", sandbox.at("bin").display(), std::env::var("PATH").unwrap_or_default());
    Ran::of(sandbox.command(args).env("PATH", path).env("THERE", sandbox.at("there")))
}

#[cfg(unix)]
#[test]
fn entries_go_to_another_machine_and_come_back() {
    let sandbox = computed();
    let run = |args: &[&str]| by_ssh(&sandbox, args);
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
    says(run(&["store", "pull", "me@there:a store"]).ends(1).text, ["1 entry copied, ", "wrong checksum"]);
}

/// What is there and is no store, what is not there at all, and what does not arrive as it was sent.
#[cfg(unix)]
#[test]
fn what_is_wrong_on_another_machine_is_said() {
    let sandbox = computed();
    let run = |args: &[&str]| by_ssh(&sandbox, args);
    sandbox.write("there/thesis/chapter1.tex", "");
    for way in ["push", "pull"] {
        let said = run(&["store", way, "me@there:thesis"]).ends(1).err;
        says(said, ["me@there:thesis", "it is no store, and has other things in it, such as 'chapter1.tex'"]);
        says(run(&["store", way, "me@there:thesis/chapter1.tex"]).ends(1).err, ["me@there:thesis/chapter1.tex", "cd"]);
        says(run(&["store", way, "you@there:store"]).ends(1).err, ["ssh: no such host: you@there"]);
    }
    says(run(&["store", "pull", "me@there:nowhere"]).refused(), ["there is no store"]);
    // A store whose entries are all gone.
    fs::create_dir_all(sandbox.at("there/store/entries")).unwrap();
    says(run(&["store", "pull", "me@there:store"]).ok().out, ["0 entries copied"]);
    // A sum that is another when it arrives: nothing of what was sent stays.
    sandbox.write(
        "bin/sha256sum",
        "#!/bin/sh\necho 'rows0.parquet: FAILED'; echo '1 computed checksum did NOT match' >&2; exit 1\n",
    );
    assert!(Command::new("chmod").arg("+x").arg(sandbox.at("bin/sha256sum")).status().unwrap().success());
    says(run(&["store", "push", "me@there:store"]).ends(1).err, ["1 computed checksum did NOT match"]);
    assert!(files_below(&sandbox.at("there/store")).is_empty(), "{:?}", files_below(&sandbox.at("there/store")));
    sandbox.remove("bin/sha256sum");
    says(run(&["store", "push", "me@there:store"]).ok().out, ["2 entries copied"]);
    // What is damaged here is not handed on.
    fs::remove_dir_all(sandbox.at("there/store")).unwrap();
    let rows = files_below(&sandbox.at("store/entries")).into_iter().find(|path| path.ends_with("rows0.parquet"));
    fs::write(rows.unwrap(), "other").unwrap();
    says(run(&["store", "push", "me@there:store"]).ends(1).text, ["1 entry copied, ", "wrong checksum"]);
    assert_eq!(fs::read_dir(sandbox.at("there/store/entries")).unwrap().count(), 1);
}
