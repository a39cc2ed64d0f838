//! Full and read-only disks: small file systems in memory, which only root can mount.

#![cfg(target_os = "linux")]

use super::SPEC;
use crate::resume::{interrupted, long};
use crate::support::{Ran, Sandbox, files_below, says};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system, gone when dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None`, and a sentence, where none can be mounted.
    fn mount(place: &Path, kibibytes: usize) -> Option<Self> {
        fs::create_dir_all(place).expect("a folder");
        let size = format!("size={kibibytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "ablate-test"]).arg(place).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(place.to_path_buf()));
        }
        println!("skipped: no file system can be mounted here (that takes root)");
        None
    }

    fn again(&self, options: &str) {
        let status = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).status();
        assert!(status.expect("mount runs").success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Every Parquet file that is there can be read.
fn assert_whole(folder: &Path) {
    for path in &files_below(folder) {
        let name = path.to_string_lossy();
        assert!(!name.ends_with(".part"), "a part is left: {name}");
        if name.ends_with(".parquet") {
            let bytes = fs::read(path).expect("a file");
            assert!(bytes.len() > 8 && bytes.ends_with(b"PAR1"), "{name} is cut off");
        }
    }
}

#[test]
fn results_on_a_full_disk() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("whole", &["--no-store"]);
    let Some(disk) = Disk::mount(&sandbox.at("small"), 200) else { return };
    let ran = sandbox.run(&["run", "spec.toml", "--set", "output.dir=small"]).ends(1);
    says(&ran.text, ["cannot write", "No space left"]);
    assert_whole(&disk.0);
    // If there is room for a report, it says what is not there.
    let report = fs::read_to_string(disk.0.join("report.md")).unwrap_or_default();
    assert!(report.is_empty() || report.contains("## What failed"), "{report}");
    // What was finished is in the store.
    disk.again("size=20m");
    let ran = sandbox.run_into("small", &[]);
    assert!(ran.recalled().contains(&"neurons"), "{}", ran.text);
    assert!(sandbox.results("whole") == sandbox.results("small"));
}

#[test]
fn a_store_on_a_full_disk() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("whole", &["--no-store"]);
    let Some(_disk) = Disk::mount(&sandbox.store(), 60) else { return };
    let ran = sandbox.run_into("first", &[]);
    assert_eq!(ran.text.matches("warning: ").count(), 1, "{}", ran.text);
    says(&ran.text, ["cannot be kept in the store", "No space left"]);
    assert!(sandbox.results("whole") == sandbox.results("first"));
    sandbox.run(&["store", "verify"]).ok();
    sandbox.run_into("second", &[]);
    assert!(sandbox.results("whole") == sandbox.results("second"));
}

/// The blocks of a long step do not fit; the step is finished all the same, and that they were not kept is said.
#[test]
fn blocks_on_a_full_disk() {
    let sandbox = long();
    sandbox.run_into("whole", &["--no-store"]);
    let Some(disk) = Disk::mount(&sandbox.store(), 400) else { return };
    fs::write(disk.0.join("ballast"), vec![1; 300 << 10]).expect("ballast");
    let ran = sandbox.run_into("first", &[]);
    says(&ran.text, ["its finished blocks cannot be kept in the store", "this step starts from the beginning"]);
    assert!(sandbox.results("whole") == sandbox.results("first"));
    let left = files_below(&sandbox.store().join("blocks"));
    assert!(left.is_empty(), "{left:?}");
}

/// Nothing but a store for one command is in the folder for temporary files.
#[test]
fn a_full_folder_for_temporary_files() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.write("other.toml", SPEC);
    sandbox.run_into("whole", &["--no-store"]);
    let Some(disk) = Disk::mount(&sandbox.at("tmp"), 16) else { return };
    fs::write(disk.0.join("ballast"), vec![1; 12 << 10]).expect("ballast");
    let mut command = sandbox.command(&["run", "spec.toml", "other.toml"]);
    let text = Ran::of(command.env("TMPDIR", &disk.0).env("ABLATE_CACHE", "off")).ok().err;
    says(&text, ["cannot be kept in the store", "No space left"]);
    for results in ["results/spec", "results/other"] {
        assert!(sandbox.results("whole") == sandbox.results(results), "{results}");
    }
}

#[test]
fn read_only_results_are_refused_before_any_work() {
    let sandbox = Sandbox::stored(SPEC);
    let Some(disk) = Disk::mount(&sandbox.at("small"), 20_000) else { return };
    sandbox.run_into("small", &[]);
    let before = sandbox.results("small");
    disk.again("ro");
    let ran = sandbox.run(&["run", "spec.toml", "--force", "--set", "output.dir=small"]).ends(2);
    says(&ran.text, ["output.dir", "Read-only file system"]);
    assert!(sandbox.results("small") == before && disk.0.join("manifest.json").exists(), "what is there stays");
}

/// Blocks of a run that was interrupted are read from a store that takes nothing any more.
#[test]
fn a_store_that_has_become_read_only() {
    let sandbox = long();
    sandbox.run_into("whole", &["--no-store"]);
    let Some(disk) = Disk::mount(&sandbox.store(), 20_000) else { return };
    interrupted(&sandbox, 2);
    disk.again("ro");
    let ran = sandbox.run_into("after", &[]);
    says(&ran.text, ["blocks are there from an interrupted run", "its results cannot be kept in the store"]);
    assert!(sandbox.results("whole") == sandbox.results("after"));
}
