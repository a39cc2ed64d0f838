//! The commit that a spec is of, as git says.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The commit that a spec's folder is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Git {
    /// The commit, in full.
    pub commit: String,
    /// Whether a file of the spec (itself, what it extends, its model's profile) is not as in that commit, or not in it. What
    /// else is in the repository does not count: results of the spec before would make every spec after it so.
    pub dirty: bool,
    /// The spec's path in the repository: `git show COMMIT:PATH`.
    pub path: String,
}

/// The commit of the repository that the first of these files is in; none without git, a repository, or a commit.
pub fn of(files: &[&str]) -> Option<Git> {
    let files: Vec<PathBuf> = files.iter().map(|file| Path::new(file).canonicalize()).collect::<Result<_, _>>().ok()?;
    let spec = files.first()?;
    let (folder, name) = (spec.parent()?, spec.file_name()?.to_string_lossy());
    if !folder.ancestors().any(may_be_repository) {
        return None;
    }
    // Both at once: git takes some milliseconds to begin.
    let head = begun(folder, &["rev-parse", "HEAD", "--show-prefix"], &[]);
    let changed = begun(folder, &["status", "--porcelain", "--ignored", "--untracked-files=all", "--"], &files);
    let (head, changed) = (printed(head), printed(changed));
    let head = head?;
    let (commit, prefix) = head.split_once('\n')?;
    // What is outside of the repository, which is an error here, is in no commit of it.
    let dirty = changed.is_none_or(|changed| !changed.trim().is_empty());
    Some(Git { commit: commit.to_string(), dirty, path: format!("{}{name}", prefix.trim_end_matches('\n')) })
}

/// Whether a folder has what git looks for: `.git`, of a repository without a work tree `HEAD`.
fn may_be_repository(folder: &Path) -> bool {
    [".git", "HEAD"].iter().any(|name| folder.join(name).exists())
}

/// Starts git in a folder; none where it cannot be. Nothing is written and no program is started that a repository's configuration may
/// name.
fn begun(folder: &Path, words: &[&str], files: &[PathBuf]) -> Option<Child> {
    let mut command = Command::new("git");
    command.args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-C"]).arg(folder).args(words).args(files);
    // Set within git's hooks, and then about another repository.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()
}

/// What git prints; none where it fails.
fn printed(git: Option<Child>) -> Option<String> {
    let output = git?.wait_with_output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
