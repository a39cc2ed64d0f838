//! A folder, a spec, and the binary.

use super::{ABLATE, repository};
use polars::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder of its own, in which the binary runs without the settings of its surroundings.
pub struct Sandbox {
    folder: TempDir,
    /// Whether the binary keeps results in the folder `store`, or nowhere.
    stored: bool,
}

impl Sandbox {
    /// With nothing in it.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), stored: false }
    }

    /// With a spec in `spec.toml`.
    pub fn with(spec: &str) -> Self {
        Self::of(&[("spec.toml", spec)])
    }

    /// With files by their paths.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let sandbox = Self::empty();
        files.iter().for_each(|(path, text)| sandbox.write(path, text));
        sandbox
    }

    /// With a spec in `spec.toml`, and a store.
    pub fn stored(spec: &str) -> Self {
        Self { stored: true, ..Self::with(spec) }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn at(&self, file: impl AsRef<Path>) -> PathBuf {
        self.path().join(file)
    }

    pub fn has(&self, file: impl AsRef<Path>) -> bool {
        self.at(file).exists()
    }

    #[track_caller]
    pub fn bytes(&self, file: impl AsRef<Path>) -> Vec<u8> {
        let path = self.at(file);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    #[track_caller]
    pub fn read(&self, file: impl AsRef<Path>) -> String {
        String::from_utf8(self.bytes(file)).expect("UTF-8")
    }

    #[track_caller]
    pub fn json(&self, file: impl AsRef<Path>) -> serde_json::Value {
        serde_json::from_slice(&self.bytes(file)).expect("JSON")
    }

    /// Writes a file, and the folders it is in.
    #[track_caller]
    pub fn write(&self, file: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let path = self.at(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        fs::write(path, text).expect("writing");
    }

    /// Replaces the first place of a text in a file, which must be there.
    #[track_caller]
    pub fn edit(&self, file: impl AsRef<Path>, from: &str, to: &str) {
        let text = self.read(&file);
        assert!(text.contains(from), "no {from:?} in {text}");
        self.write(file, text.replacen(from, to, 1));
    }

    /// Removes a file or a folder, which must be there.
    #[track_caller]
    pub fn remove(&self, file: impl AsRef<Path>) {
        let path = self.at(file);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Puts the built-in model into a folder, with the weights of one of its checkpoints; of the last, where none is named.
    pub fn arith(&self, folder: &str, checkpoint: &str) {
        let model = repository("experiments/models/arith");
        for (file, from) in [("config.json", ""), ("tokenizer.json", ""), ("model.safetensors", checkpoint)] {
            self.write(Path::new(folder).join(file), fs::read(model.join(from).join(file)).expect("the model"));
        }
    }

    /// A program that runs here.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.current_dir(self.path());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ABLATE_") || name.starts_with("HF_")) {
            command.env_remove(name);
        }
        // Results of one test, or of the user, are none of another's business.
        match self.stored {
            true => command.env("ABLATE_CACHE", self.store()),
            false => command.env("ABLATE_CACHE", "off"),
        };
        command
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program(ABLATE);
        command.args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Runs the spec, which must end well.
    #[track_caller]
    pub fn ran(&self) -> Ran {
        self.run(&["run", "spec.toml"]).ok()
    }

    /// Runs the spec into a folder of results; it must end well.
    #[track_caller]
    pub fn run_into(&self, results: &str, args: &[&str]) -> Ran {
        self.run(&[&["run", "spec.toml", "--set", &format!("output.dir={results}")], args].concat()).ok()
    }

    /// Why the spec is refused, before any work.
    #[track_caller]
    pub fn refused(&self) -> String {
        let said = self.run(&["run", "spec.toml"]).refused();
        assert!(!self.has("results"), "no work before the refusal: {said}");
        said
    }

    /// Rows of the spec's results.
    #[track_caller]
    pub fn rows(&self, name: &str) -> DataFrame {
        let path = self.at(format!("results/spec/rows/{name}.parquet"));
        let file = fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        ParquetReader::new(file).finish().expect("Parquet")
    }

    /// A table of the spec's results, as CSV.
    #[track_caller]
    pub fn table(&self, name: &str) -> String {
        self.read(format!("results/spec/tables/{name}.csv"))
    }

    /// The report of the spec's results.
    #[track_caller]
    pub fn report(&self) -> String {
        self.read("results/spec/report.md")
    }

    pub fn store(&self) -> PathBuf {
        self.at("store")
    }

    /// The files of all entries of the store.
    pub fn entries(&self) -> Vec<PathBuf> {
        files_below(&self.store().join("entries"))
    }

    /// The finished blocks in the store.
    pub fn blocks(&self) -> Vec<PathBuf> {
        let mut found = files_below(&self.store().join("blocks"));
        found.retain(|path| path.extension().is_some_and(|ending| ending == "block"));
        found
    }

    /// Every file below a folder but those that say when and where they were made, with its bytes.
    pub fn results(&self, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let root = self.at(folder);
        let mut found = files_below(&root);
        let about = ["report", "manifest", "index"];
        found.retain(|path| !path.file_stem().is_some_and(|stem| about.iter().any(|name| stem == *name)));
        let below = |path: &Path| path.strip_prefix(&root).expect("below it").to_path_buf();
        found.iter().map(|path| (below(path), fs::read(path).expect("a file"))).collect()
    }
}

/// How a command ended.
pub struct Ran {
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Both.
    pub text: String,
}

impl Ran {
    /// Runs it to its end.
    #[track_caller]
    pub fn of(command: &mut Command) -> Self {
        command.output().expect("the program runs").into()
    }

    /// It must have ended with this code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.text);
        self
    }

    /// It must have ended well.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.ends(0)
    }

    /// It must have been refused; why.
    #[track_caller]
    pub fn refused(self) -> String {
        self.ends(2).err
    }

    /// It must have failed; why.
    #[track_caller]
    pub fn failed(self) -> String {
        self.ends(1).err
    }

    /// What it printed.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The steps that were taken from the store.
    pub fn recalled(&self) -> Vec<&str> {
        let step = |line: &str| line.starts_with("step '") && line.contains("': from the store, computed 20");
        self.text.lines().filter(|line| step(line)).filter_map(|line| line.split('\'').nth(1)).collect()
    }
}

impl From<std::process::Output> for Ran {
    fn from(output: std::process::Output) -> Self {
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Self { code: output.status.code(), text: format!("{out}{err}"), out, err }
    }
}

/// The files below a folder, in order of their paths.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect();
    found.sort();
    found
}
