//! Claims on steps, as processes of one machine and of several make them.

use super::SHORT;
use crate::support::{Sandbox, says, signal, wait_until};
use ablate::system::claim::{Claim, ClaimTerms, ClaimWatch};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Soon enough for a test; touched every twentieth of it.
const TERMS: ClaimTerms = ClaimTerms { beat: Duration::from_secs(10), stale: Duration::from_millis(600) };

/// A claim as a process of another machine makes it.
fn elsewhere(path: &Path) {
    let text =
        r#"{"process":1,"began":5,"host":"elsewhere","space":"another start","work":"effects","since":0,"number":0}"#;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect()
}

#[test]
fn a_claim_is_one_processes_alone_until_it_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("claims/key");
    let claim = Claim::take(&path, "work").unwrap().expect("it is free");
    assert!(Claim::take(&path, "work").unwrap().is_none());
    drop(claim);
    assert!(files(&folder.path().join("claims")).is_empty(), "nothing is left of it");
    assert!(Claim::take(&path, "work").unwrap().is_some());
}

/// What is touched lives, however long it takes; what stands still is broken, and not before its time.
#[test]
fn a_claim_of_another_machine_is_broken_once_it_stands_still() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    elsewhere(&path);
    let mut watch = ClaimWatch::at(&path, TERMS);
    let began = Instant::now();
    let mut seen = began;
    while began.elapsed() < 3 * TERMS.stale {
        seen = Instant::now();
        // The clock of the file server may be of another year.
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(began.elapsed().as_millis() as u64);
        fs::File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
        assert!(watch.take("work").unwrap().is_none(), "after {:?}", began.elapsed());
        std::thread::sleep(TERMS.stale / 20);
    }
    let claim = loop {
        if let Some(claim) = watch.take("work").unwrap() {
            break claim;
        }
        assert!(seen.elapsed() < 100 * TERMS.stale, "it is never broken");
        std::thread::sleep(TERMS.stale / 20);
    };
    assert!(seen.elapsed() >= TERMS.stale, "{:?}", seen.elapsed());
    assert!(!fs::read_to_string(&path).unwrap().contains("elsewhere"));
    drop(claim);
    assert!(files(folder.path()).is_empty(), "{:?}", files(folder.path()));
}

/// A file that nobody has written anything into, as on a disk that is full, is no claim for long.
#[test]
fn an_empty_file_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "").unwrap();
    let mut watch = ClaimWatch::at(&path, TERMS);
    let began = Instant::now();
    while watch.take("work").unwrap().is_none() {
        assert!(began.elapsed() < 100 * TERMS.stale);
        std::thread::sleep(TERMS.stale / 20);
    }
}

/// Many wait for the same claim when it turns out to be left over: at every moment one of them has it.
#[test]
fn of_many_that_break_a_claim_one_has_it() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let path = folder.path().join(format!("key{round}"));
        elsewhere(&path);
        let (inside, had) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let terms = ClaimTerms { stale: Duration::from_millis(20), ..TERMS };
                    let mut watch = ClaimWatch::at(&path, terms);
                    let claim = loop {
                        match watch.take("work").unwrap() {
                            Some(claim) => break claim,
                            None => std::thread::sleep(Duration::from_micros(300)),
                        }
                    };
                    assert!(!inside.swap(true, Ordering::SeqCst), "two have it at once");
                    std::thread::sleep(Duration::from_millis(1));
                    had.fetch_add(1, Ordering::SeqCst);
                    inside.store(false, Ordering::SeqCst);
                    drop(claim);
                });
            }
        });
        assert_eq!(had.into_inner(), 8);
    }
    assert!(files(folder.path()).is_empty(), "{:?}", files(folder.path()));
}

/// Who was taken for gone and comes back leaves the claim of who took over.
#[test]
fn who_comes_back_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let claim = Claim::take(&path, "work").unwrap().expect("it is free");
    elsewhere(&path);
    drop(claim);
    assert!(fs::read_to_string(&path).unwrap().contains("elsewhere"));
}

/// A process of this machine that was killed holds nobody up; one that is stopped has its claim still.
#[test]
fn a_process_that_is_gone_holds_nobody_up_and_one_that_is_stopped_does() {
    let sandbox = crate::resume::long();
    let claims = sandbox.store().join("claims");
    let mut first = sandbox.command(&["run", "spec.toml"]).stderr(Stdio::null()).spawn().expect("it starts");
    wait_until(&mut first, || !files(&claims).is_empty());
    signal(&first, "STOP");
    assert!(sandbox.run(&["store", "ls"]).ok().text.contains("0 entries"));
    let mut second = sandbox.command(&["run", "spec.toml", "--set", "output.dir=second"]);
    let mut second = second.stderr(Stdio::piped()).spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(1500));
    assert!(second.try_wait().unwrap().is_none(), "it waits");
    first.kill().expect("SIGKILL");
    first.wait().expect("it ends");
    let output = second.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    says(&text, ["waiting for process ", "which is computing it"]);
    assert!(files(&claims).is_empty());
}

/// A run that is interrupted gives its claim back: another machine could not tell that it is gone.
#[test]
fn a_run_that_is_interrupted_gives_its_claims_back() {
    let sandbox = crate::resume::long();
    let claims = sandbox.store().join("claims");
    let mut run = sandbox.command(&["run", "spec.toml"]).stderr(Stdio::null()).spawn().expect("it starts");
    wait_until(&mut run, || !files(&claims).is_empty());
    signal(&run, "TERM");
    assert_eq!(run.wait().expect("it ends").code(), Some(143));
    assert!(files(&claims).is_empty(), "{:?}", files(&claims));
}

/// Locks of versions before are no claims, and go.
#[test]
fn locks_of_versions_before_are_nothing() {
    let sandbox = Sandbox::stored(SHORT);
    sandbox.write("store/locks/abc", r#"{"process":1,"host":"gone","work":"effects","since":0}"#);
    sandbox.run_into("a", &[]);
    sandbox.run(&["store", "gc"]).ok();
    assert!(!sandbox.has("store/locks"));
}
