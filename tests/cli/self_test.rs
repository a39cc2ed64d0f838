//! `ablate self-test`: what it finds on this machine, and that it says so when something is wrong.

use crate::support::{Ran, Sandbox};
use std::collections::HashMap;
use std::path::Path;

/// The checks by name, from `--json`, and the exit code.
fn checks(sandbox: &Sandbox, variables: &[(&str, &Path)]) -> (HashMap<String, (bool, String)>, Option<i32>) {
    let ran = Ran::of(sandbox.command(&["self-test", "--json"]).envs(variables.iter().copied()));
    let report = ran.json();
    assert_eq!(report["passed"].as_bool(), Some(ran.code == Some(0)), "{report}");
    let checks = report["checks"].as_array().expect("checks").iter().map(|check| {
        let found = check["found"].as_str().expect("a text").to_string();
        (check["name"].as_str().expect("a name").to_string(), (check["passed"].as_bool().expect("a verdict"), found))
    });
    (checks.collect(), ran.code)
}

#[test]
fn all_is_well_here_and_takes_seconds() {
    let sandbox = Sandbox::empty();
    let text = sandbox.run(&["self-test"]).ok().text;
    assert!(text.contains("all is well") && !text.contains("WRONG"), "{text}");
    assert!(text.contains("20449 of 20672 answers are right"), "{text}");
    assert_eq!(sandbox.path().read_dir().expect("the folder").count(), 0, "it leaves nothing behind");
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
    let sandbox = Sandbox::empty();
    let (checks, code) = checks(&sandbox, &[]);
    let (passed, found) = &checks["vector instructions"];
    assert!(*passed && found.starts_with(&format!("{expected};")), "{expected}: {found}");
    assert_eq!(code, Some(0));
}

#[test]
fn a_cache_that_takes_no_files_is_said() {
    let sandbox = Sandbox::empty();
    sandbox.write("file", "");
    let (checks_of_it, code) = checks(&sandbox, &[("ABLATE_CACHE", &sandbox.at("file/store"))]);
    let (passed, found) = &checks_of_it["cache"];
    assert!(!passed && found.contains("ABLATE_CACHE"), "{found}");
    assert_eq!(code, Some(1));
    let wrong = checks_of_it.iter().filter(|(_, (passed, _))| !passed).count();
    assert_eq!(wrong, 1, "{checks_of_it:?}");
    // A folder that takes files.
    let (checks, code) = checks(&sandbox, &[("ABLATE_CACHE", &sandbox.at("store"))]);
    assert_eq!((checks["cache"].0, code), (true, Some(0)), "{checks:?}");
}

#[test]
fn a_temporary_folder_that_is_not_there_is_said() {
    let sandbox = Sandbox::empty();
    let (checks, code) = checks(&sandbox, &[("TMPDIR", &sandbox.at("nowhere"))]);
    let (passed, found) = &checks["experiment"];
    assert!(!passed && found.contains("temporary folder"), "{found}");
    assert_eq!(code, Some(1));
}
