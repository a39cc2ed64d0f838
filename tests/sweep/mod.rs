//! Many specs and many variants in one command, as a user runs them.

mod failing;
mod filter;
mod jobs;
mod pooled;
mod variants;

use crate::cli::process;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with specs in it.
struct Place(TempDir);

/// How a command ended.
struct Ended {
    code: Option<i32>,
    /// Standard error.
    text: String,
    /// Standard output.
    out: String,
}

impl Place {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    #[track_caller]
    fn ablate(&self, args: &[&str]) -> Ended {
        let output = process(env!("CARGO_BIN_EXE_ablate"), self.0.path()).args(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code(), text: text(&output.stderr), out: text(&output.stdout) }
    }

    /// Every file below a folder of results but those that say when and where they were made.
    fn results(&self, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let root = self.path(folder);
        let mut files = Vec::new();
        below(&root, &mut files);
        let mut files: Vec<(PathBuf, Vec<u8>)> = files
            .into_iter()
            .filter(|path| {
                path.file_stem().is_none_or(|stem| stem != "report" && stem != "manifest" && stem != "index")
            })
            .map(|path| (path.strip_prefix(&root).unwrap().to_path_buf(), fs::read(&path).unwrap()))
            .collect();
        files.sort();
        files
    }
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => below(&path, files),
            path => files.push(path),
        }
    }
}
