//! The store: keys that have everything in them, results that come back as they were, and what happens when something is wrong.

mod difference;
mod faults;
mod keys;
mod parameters;
mod plan;
mod recall;
mod tend;

use crate::cli::process;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Steps of several kinds, some of which read others' rows, on the built-in model; takes a moment.
const SPEC: &str = r#"
title = "stored"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..20", b = "1..20" }
operators = ["+", "*"]
keep = "correct"
sample = 4
seeds = [42, 412]

[prompt_sets.few]
sample = 2

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["z[head]"]
per_prompt = true

[[step]]
name = "circuits"
kind = "ablation"
mode = "keep"
components = ["L*MLP"]
ranked = { from = "effects", k = [0, 2] }

[[step]]
name = "neurons"
kind = "neuron-patching"
layers = "3"

[[step]]
name = "gradients"
kind = "attribution-patching"
sites = ["3.mlp_post[neuron]"]
prompts = "few"
compare = "neurons"
top = [5]

[[step]]
name = "acts"
kind = "capture"
sites = ["0.resid_post"]

[[step]]
name = "answers"
kind = "accuracy"
per_prompt = true

[[table]]
name = "heads"
from = "effects"
group_by = ["layer", "head"]
aggregate = { effect = "mean(mean)" }

[[table]]
name = "agreement"
from = "gradients.agreement"

[[figure]]
name = "heads"
kind = "heatmap"
from = "heads"
x = "head"
y = "layer"
value = "log1p(effect)"
"#;

/// Two steps of them, for what takes many runs.
const SHORT: &str = r#"
title = "stored"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..20", b = "1..20" }
operators = ["+"]
sample = 4

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["z[head]"]

[[step]]
name = "acts"
kind = "capture"
sites = ["0.resid_post"]
"#;

/// The steps of [`SPEC`].
const STEPS: [&str; 6] = ["effects", "circuits", "neurons", "gradients", "acts", "answers"];

/// A folder with a spec and a store.
pub struct Place {
    folder: tempfile::TempDir,
}

/// What a command left.
pub struct Ran {
    pub code: Option<i32>,
    pub text: String,
}

impl Place {
    pub fn new() -> Self {
        Self::with(SPEC)
    }

    pub fn with(spec: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        place.write("spec.toml", spec);
        place
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).expect("writing");
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = process(env!("CARGO_BIN_EXE_ablate"), self.path());
        command.env("ABLATE_CACHE", self.store()).args(args);
        command
    }

    pub fn ablate(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().expect("the binary runs");
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        Ran { code: output.status.code(), text }
    }

    /// Runs the spec into a results folder; it must end well.
    pub fn run(&self, results: &str, args: &[&str]) -> Ran {
        let dir = format!("output.dir={results}");
        let ran = self.ablate(&[&["run", "spec.toml", "--set", &dir], args].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.text);
        ran
    }

    pub fn store(&self) -> PathBuf {
        self.path().join("store")
    }

    /// The files of all entries.
    fn entries(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        files(&self.store().join("entries"), &mut found);
        found
    }

    /// Rows, tables, figures and activations by their path, with their bytes.
    pub fn results(&self, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let folder = self.path().join(folder);
        let mut found = Vec::new();
        files(&folder, &mut found);
        let results = found.into_iter().filter(|path| {
            let relative = path.strip_prefix(&folder).expect("below it");
            relative.components().count() > 1
        });
        results
            .map(|path| (path.strip_prefix(&folder).expect("below it").to_path_buf(), fs::read(&path).expect("a file")))
            .collect()
    }
}

impl Ran {
    /// The steps that were taken from the store.
    pub fn recalled(&self) -> Vec<&str> {
        let step = |line: &'_ str| -> Option<usize> {
            line.starts_with("step '").then_some(())?;
            line.contains("': from the store, computed 20").then_some(6)
        };
        let lines = self.text.lines().filter_map(|line| Some(&line[step(line)?..]));
        lines.filter_map(|rest| rest.split('\'').next()).collect()
    }
}

pub fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}
