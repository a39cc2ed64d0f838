//! Full and read-only disks: small file systems in memory, which only root can mount.

#![cfg(target_os = "linux")]

use super::SPEC;
use crate::resume::{interrupted, long};
use crate::store::{Place, files};
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
    let mut found = Vec::new();
    files(folder, &mut found);
    for path in &found {
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
    let place = Place::with(SPEC);
    place.run("whole", &["--no-store"]);
    let Some(disk) = Disk::mount(&place.path().join("small"), 200) else { return };
    let ran = place.ablate(&["run", "spec.toml", "--set", "output.dir=small"]);
    assert_eq!(ran.code, Some(1), "{}", ran.text);
    assert!(ran.text.contains("cannot write") && ran.text.contains("No space left"), "{}", ran.text);
    assert_whole(&disk.0);
    // If there is room for a report, it says what is not there.
    let report = fs::read_to_string(disk.0.join("report.md")).unwrap_or_default();
    assert!(report.is_empty() || report.contains("## What failed"), "{report}");
    // What was finished is in the store.
    disk.again("size=20m");
    let ran = place.run("small", &[]);
    assert!(ran.recalled().contains(&"neurons"), "{}", ran.text);
    assert!(place.results("whole") == place.results("small"));
}

#[test]
fn a_store_on_a_full_disk() {
    let place = Place::with(SPEC);
    place.run("whole", &["--no-store"]);
    let Some(_disk) = Disk::mount(&place.store(), 60) else { return };
    let ran = place.run("first", &[]);
    assert_eq!(ran.text.matches("warning: ").count(), 1, "{}", ran.text);
    assert!(ran.text.contains("not kept in the store") && ran.text.contains("No space left"), "{}", ran.text);
    assert!(place.results("whole") == place.results("first"));
    assert_eq!(place.ablate(&["store", "verify"]).code, Some(0), "nothing half is under a name");
    place.run("second", &[]);
    assert!(place.results("whole") == place.results("second"));
}

/// The blocks of a long step do not fit; the step is finished all the same, and that they were not kept is said.
#[test]
fn blocks_on_a_full_disk() {
    let place = long();
    place.run("whole", &["--no-store"]);
    let Some(disk) = Disk::mount(&place.store(), 400) else { return };
    fs::write(disk.0.join("ballast"), vec![1; 300 << 10]).expect("ballast");
    let ran = place.run("first", &[]);
    assert!(ran.text.contains("its finished blocks are not kept in the store"), "{}", ran.text);
    assert!(ran.text.contains("this step would begin anew"), "{}", ran.text);
    assert!(place.results("whole") == place.results("first"));
    let mut left = Vec::new();
    files(&place.store().join("blocks"), &mut left);
    assert!(left.is_empty(), "{left:?}");
}

/// Nothing but a store for one command is in the folder for temporary files.
#[test]
fn a_full_folder_for_temporary_files() {
    let place = Place::with(SPEC);
    place.write("other.toml", SPEC);
    place.run("whole", &["--no-store"]);
    let Some(disk) = Disk::mount(&place.path().join("tmp"), 16) else { return };
    fs::write(disk.0.join("ballast"), vec![1; 12 << 10]).expect("ballast");
    let mut command = place.command(&["run", "spec.toml", "other.toml"]);
    let output = command.env("TMPDIR", &disk.0).env("ABLATE_CACHE", "off").output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("not kept in the store") && text.contains("No space left"), "{text}");
    for results in ["results/spec", "results/other"] {
        assert!(place.results("whole") == place.results(results), "{results}");
    }
}

#[test]
fn read_only_results_are_refused_before_any_work() {
    let place = Place::with(SPEC);
    let Some(disk) = Disk::mount(&place.path().join("small"), 20_000) else { return };
    place.run("small", &[]);
    let before = place.results("small");
    disk.again("ro");
    let ran = place.ablate(&["run", "spec.toml", "--force", "--set", "output.dir=small"]);
    assert_eq!(ran.code, Some(2), "{}", ran.text);
    assert!(ran.text.contains("output.dir") && ran.text.contains("Read-only file system"), "{}", ran.text);
    assert!(place.results("small") == before && disk.0.join("manifest.json").exists(), "what is there stays");
}

/// Blocks of a run that was interrupted are read from a store that takes nothing any more.
#[test]
fn a_store_that_has_become_read_only() {
    let place = long();
    place.run("whole", &["--no-store"]);
    let Some(disk) = Disk::mount(&place.store(), 20_000) else { return };
    interrupted(&place, 2);
    disk.again("ro");
    let ran = place.run("after", &[]);
    assert!(ran.text.contains("blocks from a run that was interrupted"), "{}", ran.text);
    assert!(ran.text.contains("are not kept in the store"), "{}", ran.text);
    assert!(place.results("whole") == place.results("after"));
}
