//! `ablate store`: what is in it, and what goes.

use super::{SPEC, STEPS};
use crate::support::{Sandbox, says};
use ablate::store::StoreLocation;
use ablate::system::time::utc;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

#[test]
fn entries_are_listed_checked_and_removed() {
    let sandbox = Sandbox::stored(SPEC);
    let empty = sandbox.run(&["store", "ls"]);
    assert!(empty.code == Some(0) && empty.text.starts_with("0 entries, "), "{}", empty.text);
    sandbox.run_into("a", &[]);
    let listed = sandbox.run(&["store", "ls"]).text;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), STEPS.len() + 1, "{listed}");
    for step in STEPS {
        assert!(
            lines.iter().any(|line| line.contains(&format!(" {step} (")) && line.ends_with(" of spec.toml")),
            "{listed}"
        );
    }
    assert!(lines[STEPS.len()].starts_with("6 entries, "), "{listed}");
    assert_eq!(sandbox.run(&["store", "verify"]).text, "6 entries, all whole\n");
    let key = &lines.iter().find(|line| line.contains(" effects (")).expect("effects")[..12];
    assert!(sandbox.run(&["store", "rm", key]).text.starts_with("1 entry removed, "));
    assert_eq!(sandbox.run_into("a", &[]).recalled(), &STEPS[1..]);
    says(sandbox.run(&["store", "rm", "xyz"]).refused(), ["'xyz'"]);
    sandbox.run(&["store", "rm"]).ends(2);
    let folder = sandbox.store().display().to_string();
    let elsewhere = ["store", "ls", "--store", "/nowhere/at/all"];
    assert!(sandbox.run(&elsewhere).text.contains("0 entries"));
    assert!(sandbox.run(&["store", "rm", "--all", "--store", &folder]).text.starts_with("6 entries removed, "));
    assert!(sandbox.run_into("a", &[]).recalled().is_empty());
}

#[test]
fn what_is_long_unused_or_too_much_goes() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("a", &[]);
    let ago = |days: u64| SystemTime::now() - Duration::from_secs(days * 86400);
    let abouts: Vec<PathBuf> = sandbox.entries().into_iter().filter(|path| path.ends_with("entry.json")).collect();
    for about in &abouts[..2] {
        fs::File::options().append(true).open(about).unwrap().set_modified(ago(10)).unwrap();
    }
    assert!(sandbox.run(&["store", "gc"]).text.starts_with("0 entries removed"));
    assert!(sandbox.run(&["store", "gc", "--unused", "7"]).text.starts_with("2 entries removed"));
    assert_eq!(sandbox.run_into("a", &[]).recalled().len(), 4);
    assert!(sandbox.run(&["store", "gc", "--other-builds"]).text.starts_with("0 entries removed"));
    assert!(sandbox.run(&["store", "gc", "--max-size", "0.000001"]).text.starts_with("6 entries removed"));
    assert_eq!(sandbox.run(&["store", "ls"]).text.lines().count(), 1);
}

/// An entry that is used is not unused.
#[test]
fn taking_an_entry_is_a_use_of_it() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("a", &[]);
    for about in sandbox.entries().into_iter().filter(|path| path.ends_with("entry.json")) {
        let old = SystemTime::now() - Duration::from_secs(100 * 86400);
        fs::File::options().append(true).open(about).unwrap().set_modified(old).unwrap();
    }
    sandbox.run_into("a", &[]);
    assert!(sandbox.run(&["store", "gc"]).text.starts_with("0 entries removed"));
}

#[test]
fn the_default_place_is_the_users_cache() {
    let place = |vars: &[(&str, &str)]| {
        StoreLocation::from_vars(|name| vars.iter().find(|(var, _)| *var == name).map(|(_, value)| value.to_string()))
    };
    let folder = |path: &str| StoreLocation::Folder(path.into());
    assert_eq!(place(&[("HOME", "/home/a")]), folder("/home/a/.cache/ablate/store"));
    assert_eq!(place(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "/c")]), folder("/c/ablate/store"));
    assert_eq!(place(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "c")]), folder("/home/a/.cache/ablate/store"));
    assert_eq!(place(&[("HOME", "/home/a"), ("ABLATE_CACHE", "/here")]), folder("/here"));
    assert_eq!(place(&[("HOME", "/home/a"), ("ABLATE_CACHE", "off")]), StoreLocation::Off);
    assert_eq!(place(&[]), StoreLocation::Off);
}

#[test]
fn times_are_dates() {
    // `date -u -d @SECONDS`
    assert_eq!(utc(0), "1970-01-01 00:00 UTC");
    assert_eq!(utc(951_782_399), "2000-02-28 23:59 UTC");
    assert_eq!(utc(951_782_400), "2000-02-29 00:00 UTC");
    assert_eq!(utc(4_107_542_399), "2100-02-28 23:59 UTC");
    assert_eq!(utc(1_795_506_000), "2026-11-24 07:40 UTC");
}
