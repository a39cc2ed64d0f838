//! The commit of a spec.

use super::{BASE, SPEC, ablate, ends, folder, manifest, run, write};
use crate::cli::process;
use ablate::manifest::Git;
use std::path::Path;

fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = process("git", folder);
    let name = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
    ends(0, {
        command.args(name).args(args);
        command
    })
}

/// A folder that is a repository with the spec in it.
fn repository() -> tempfile::TempDir {
    let folder = folder();
    write(folder.path(), "notes.md", "notes");
    write(folder.path(), ".gitignore", "ignored.toml\n");
    git(folder.path(), &["init", "--quiet"]);
    git(folder.path(), &["add", "--all"]);
    git(folder.path(), &["commit", "--quiet", "-m", "first"]);
    folder
}

fn found(folder: &Path) -> Git {
    // The same results would keep the manifest that is there.
    run(folder, &["--force"]).spec.git.expect("a commit")
}

#[test]
fn a_spec_in_a_repository_has_its_commit() {
    let folder = repository();
    let head = git(folder.path(), &["rev-parse", "HEAD"]).trim().to_string();
    let clean = Git { commit: head, dirty: false, path: "experiments/spec.toml".into() };
    assert_eq!(found(folder.path()), clean);
    // The results, and what else changes, are none of the spec's files.
    write(folder.path(), "notes.md", "other notes");
    assert_eq!(found(folder.path()), clean);
}

#[test]
fn a_spec_that_is_not_as_committed_is_dirty() {
    let folder = repository();
    let base = "experiments/base/common.toml";
    write(folder.path(), base, &format!("# changed\n{BASE}"));
    assert!(found(folder.path()).dirty, "a file that it extends");
    git(folder.path(), &["add", "--all"]);
    assert!(found(folder.path()).dirty, "added is not committed");
    git(folder.path(), &["commit", "--quiet", "-m", "second"]);
    let second = found(folder.path());
    assert!(!second.dirty && second.commit == git(folder.path(), &["rev-parse", "HEAD"]).trim());

    for name in ["new.toml", "ignored.toml"] {
        write(folder.path(), name, &SPEC.replace("base/", "experiments/base/"));
        ends(0, ablate(folder.path(), &["run", name, "--force", "--set", "output.dir=results/spec"]));
        let git = manifest(folder.path()).spec.git.expect("a commit");
        assert_eq!((git.dirty, &*git.path), (true, name), "it is in no commit");
    }
}

/// The same results keep the manifest that is there, but not one that knows less of where its spec is to be had.
#[test]
fn a_spec_that_is_committed_after_its_run_gets_its_commit_with_the_next() {
    let folder = folder();
    assert_eq!(run(folder.path(), &[]).spec.git, None, "not in a repository");
    write(folder.path(), ".gitignore", "results/\n");
    git(folder.path(), &["init", "--quiet"]);
    git(folder.path(), &["add", "experiments"]);
    git(folder.path(), &["commit", "--quiet", "-m", "first"]);
    let first = run(folder.path(), &[]);
    assert!(first.spec.git.as_ref().is_some_and(|git| !git.dirty), "{:?}", first.spec.git);
    assert_eq!(run(folder.path(), &[]).started, first.started, "nothing to say that it does not say");
}

#[test]
fn without_a_repository_or_git_there_is_none_and_nothing_is_said() {
    let folder = folder();
    let quiet = |path: Option<&str>| {
        let mut command = ablate(folder.path(), &["run", "experiments/spec.toml", "--force"]);
        command.env("GIT_CEILING_DIRECTORIES", folder.path().parent().expect("a folder"));
        if let Some(path) = path {
            command.env("PATH", path);
        }
        let said = ends(0, command);
        assert!(!said.contains("git") && !said.contains("repository"), "{said}");
        assert_eq!(manifest(folder.path()).spec.git, None);
    };
    quiet(None);
    git(folder.path(), &["init", "--quiet"]);
    quiet(None);
    git(folder.path(), &["add", "--all"]);
    git(folder.path(), &["commit", "--quiet", "-m", "first"]);
    assert!(run(folder.path(), &["--force"]).spec.git.is_some());
    quiet(Some("/nonexistent"));
}
