//! `ablate self-test`: what it finds on this machine, and that it says so when something is wrong.

use super::{ablate, stderr};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// The checks by name, from `--json`, and the exit code.
fn checks(folder: &Path, variables: &[(&str, &Path)]) -> (HashMap<String, (bool, String)>, Option<i32>) {
    let mut command = ablate(folder);
    command.args(["self-test", "--json"]);
    for (name, value) in variables {
        command.env(name, value);
    }
    let output = command.output().expect("the binary runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["passed"].as_bool(), Some(output.status.success()), "{report}");
    let checks = report["checks"].as_array().expect("checks").iter().map(|check| {
        let found = check["found"].as_str().expect("a text").to_string();
        (check["name"].as_str().expect("a name").to_string(), (check["passed"].as_bool().expect("a verdict"), found))
    });
    (checks.collect(), output.status.code())
}

#[test]
fn all_is_well_here_and_takes_seconds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = ablate(folder.path()).arg("self-test").output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
    assert!(text.contains("all is well") && !text.contains("WRONG"), "{text}");
    assert!(text.contains("20449 of 20672 answers right"), "{text}");
    assert_eq!(folder.path().read_dir().expect("the folder").count(), 0, "it leaves nothing behind");
}

/// What the kernel says of the processor, not what the program asks it.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_widest_vector_instructions_of_the_processor_are_chosen() {
    let flags = std::fs::read_to_string("/proc/cpuinfo").expect("the processor's flags");
    let flags: Vec<&str> = flags.lines().find(|line| line.starts_with("flags")).unwrap_or("").split(' ').collect();
    let has = |names: &[&str]| names.iter().all(|name| flags.contains(name));
    let expected = if has(&["avx512f", "avx512vl"]) {
        "AVX-512"
    } else if has(&["avx2", "fma"]) {
        "AVX2"
    } else {
        "SSE4.2"
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (checks, code) = checks(folder.path(), &[]);
    let (passed, found) = &checks["vector instructions"];
    assert!(*passed && found.starts_with(&format!("{expected};")), "{expected}: {found}");
    assert_eq!(code, Some(0));
}

#[test]
fn a_cache_that_takes_no_files_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let (checks_of_it, code) = checks(folder.path(), &[("ABLATE_CACHE", &file.join("store"))]);
    let (passed, found) = &checks_of_it["cache"];
    assert!(!passed && found.contains("ABLATE_CACHE"), "{found}");
    assert_eq!(code, Some(1));
    let wrong = checks_of_it.iter().filter(|(_, (passed, _))| !passed).count();
    assert_eq!(wrong, 1, "{checks_of_it:?}");
    // A folder that takes files.
    let (checks, code) = checks(folder.path(), &[("ABLATE_CACHE", &folder.path().join("store"))]);
    assert_eq!((checks["cache"].0, code), (true, Some(0)), "{checks:?}");
}

#[test]
fn a_temporary_folder_that_is_not_there_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (checks, code) = checks(folder.path(), &[("TMPDIR", &folder.path().join("nowhere"))]);
    let (passed, found) = &checks["experiment"];
    assert!(!passed && found.contains("temporary folder"), "{found}");
    assert_eq!(code, Some(1));
}
