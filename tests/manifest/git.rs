//! The commit of a spec.

use super::{BASE, SPEC, manifest, run, sandbox};
use crate::support::{Ran, Sandbox};
use ablate::manifest::Git;

fn git(sandbox: &Sandbox, args: &[&str]) -> String {
    let name = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
    Ran::of(sandbox.program("git").args(name).args(args)).ok().text
}

/// A repository with the spec in it.
fn repository() -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("notes.md", "notes");
    sandbox.write(".gitignore", "ignored.toml\n");
    git(&sandbox, &["init", "--quiet"]);
    git(&sandbox, &["add", "--all"]);
    git(&sandbox, &["commit", "--quiet", "-m", "first"]);
    sandbox
}

fn found(sandbox: &Sandbox) -> Git {
    // The same results would keep the manifest that is there.
    run(sandbox, &["--force"]).spec.git.expect("a commit")
}

#[test]
fn a_spec_in_a_repository_has_its_commit() {
    let sandbox = repository();
    let head = git(&sandbox, &["rev-parse", "HEAD"]).trim().to_string();
    let clean = Git { commit: head, dirty: false, path: "experiments/spec.toml".into() };
    assert_eq!(found(&sandbox), clean);
    // The results, and what else changes, are none of the spec's files.
    sandbox.write("notes.md", "other notes");
    assert_eq!(found(&sandbox), clean);
}

#[test]
fn a_spec_that_is_not_as_committed_is_dirty() {
    let sandbox = repository();
    let base = "experiments/base/common.toml";
    sandbox.write(base, format!("# changed\n{BASE}"));
    assert!(found(&sandbox).dirty, "a file that it extends");
    git(&sandbox, &["add", "--all"]);
    assert!(found(&sandbox).dirty, "added is not committed");
    git(&sandbox, &["commit", "--quiet", "-m", "second"]);
    let second = found(&sandbox);
    assert!(!second.dirty && second.commit == git(&sandbox, &["rev-parse", "HEAD"]).trim());

    for name in ["new.toml", "ignored.toml"] {
        sandbox.write(name, SPEC.replace("base/", "experiments/base/"));
        sandbox.run(&["run", name, "--force", "--set", "output.dir=results/spec"]).ok();
        let git = manifest(&sandbox).spec.git.expect("a commit");
        assert_eq!((git.dirty, &*git.path), (true, name), "it is in no commit");
    }
}

/// The same results keep the manifest that is there, but not one that knows less of where its spec is to be had.
#[test]
fn a_spec_that_is_committed_after_its_run_gets_its_commit_with_the_next() {
    let sandbox = sandbox();
    assert_eq!(run(&sandbox, &[]).spec.git, None, "not in a repository");
    sandbox.write(".gitignore", "results/\n");
    git(&sandbox, &["init", "--quiet"]);
    git(&sandbox, &["add", "experiments"]);
    git(&sandbox, &["commit", "--quiet", "-m", "first"]);
    let first = run(&sandbox, &[]);
    assert!(first.spec.git.as_ref().is_some_and(|git| !git.dirty), "{:?}", first.spec.git);
    assert_eq!(run(&sandbox, &[]).started, first.started, "nothing to say that it does not say");
}

#[test]
fn without_a_repository_or_git_there_is_none_and_nothing_is_said() {
    let sandbox = sandbox();
    let quiet = |path: Option<&str>| {
        let mut command = sandbox.command(&["run", "experiments/spec.toml", "--force"]);
        command.env("GIT_CEILING_DIRECTORIES", sandbox.path().parent().expect("a folder"));
        if let Some(path) = path {
            command.env("PATH", path);
        }
        let said = Ran::of(&mut command).ok().text;
        assert!(!said.contains("git") && !said.contains("repository"), "{said}");
        assert_eq!(manifest(&sandbox).spec.git, None);
    };
    quiet(None);
    git(&sandbox, &["init", "--quiet"]);
    quiet(None);
    git(&sandbox, &["add", "--all"]);
    git(&sandbox, &["commit", "--quiet", "-m", "first"]);
    assert!(run(&sandbox, &["--force"]).spec.git.is_some());
    quiet(Some("/nonexistent"));
}
