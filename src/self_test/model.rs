//! The built-in model's numbers, against those that numpy computes of the same file in double precision
//! (`tests/fixtures/make_arith_logits.py`).

use crate::experiment::Experiment;
use crate::manifest::{self, Manifest, Recomputed, SelfCheck};
use crate::model::{Lookup, Model};
use crate::spec::{self, Device, Dtype, Processing};
use polars::prelude::*;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Prompt, token, and the token's logit after the prompt.
const LOGITS: [(&str, usize, f32); 6] = [
    ("12+34=", 46, 14.7878),
    ("12+34=", 45, 5.05962),
    ("9*8=", 72, 14.05407),
    ("9*8=", 71, 2.45526),
    ("81/7=", 11, 9.26216),
    ("81/7=", 12, 9.07073),
];

/// How far single precision may be off; what was seen is below 2e-5.
const LOGIT_TOLERANCE: f32 = 1e-3;

/// Operator, right answers, prompts.
const ACCURACY: [(&str, i64, i64); 4] = [("+", 5046, 5050), ("-", 5050, 5050), ("*", 670, 672), ("/", 9683, 9900)];

/// The two best answers to one prompt are so near each other that rounding may swap them.
const ANSWERS_APART: i64 = 1;

const SPEC: &str = include_str!("experiment.toml");

/// Whether logits are those of the weights.
pub fn logits() -> Result<String, String> {
    let spec = spec::Model {
        source: "builtin:arith".into(),
        checkpoints: Vec::new(),
        device: Device::Cpu.into(),
        dtype: Dtype::F32,
        storage: spec::Storage::Dtype,
        memory_mib: None,
        processing: Processing::NONE,
        bos: None,
    };
    let lookup = Lookup { base: Path::new(""), checkpoint: None, quiet: true };
    let model = Model::open(&spec, lookup).map_err(|error| error.to_string())?;
    let mut largest = 0.0f32;
    for (prompt, token, expected) in LOGITS {
        let next = model.next_logits(prompt).map_err(|error| format!("{prompt}: {error}"))?;
        let found = next.logits.get(token).copied().unwrap_or(f32::NAN);
        let off = (found - expected).abs();
        if off.is_nan() || off > LOGIT_TOLERANCE {
            return Err(format!("the logit of {token} after '{prompt}' is {found}; it should be {expected}"));
        }
        largest = largest.max(off);
    }
    Ok(format!("{} of the built-in model, at most {largest:.0e} off", LOGITS.len()))
}

/// Results of the embedded experiment, in a temporary folder.
pub struct SelfTestRun {
    folder: TempDir,
    manifest: Manifest,
}

/// Runs the embedded experiment: computed, not taken from the store.
pub fn experiment() -> Result<SelfTestRun, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("temporary folder: {error}"))?;
    let path = folder.path().join("self-test.toml");
    fs::write(&path, SPEC).map_err(|error| format!("{}: {error}", path.display()))?;
    // As text, so that no letter of the folder's name is taken for TOML.
    let dir = toml::Value::from(folder.path().display().to_string());
    let loaded =
        spec::load(&path, &[format!("output.dir={dir}")], std::iter::empty()).map_err(|error| error.to_string())?;
    Experiment::from(loaded).without_store().run().map_err(|error| error.render(false))?;
    let text = fs::read_to_string(folder.path().join(manifest::FILE)).map_err(|error| error.to_string())?;
    let manifest = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", manifest::FILE))?;
    Ok(SelfTestRun { folder, manifest })
}

impl SelfTestRun {
    /// Whether the model answers as many prompts as it should.
    pub fn accuracy(&self) -> Result<String, String> {
        let counts = self.counts().map_err(|error| format!("rows of the step: {error}"))?;
        for (operator, expected, of) in ACCURACY {
            let (correct, n) = counts.iter().find(|(name, ..)| name == operator).map_or((-1, 0), |row| (row.1, row.2));
            if (correct - expected).abs() > ANSWERS_APART || n != of {
                return Err(format!(
                    "{correct} of {n} answers of {operator} are right; it should be {expected} of {of}"
                ));
            }
        }
        let right: i64 = counts.iter().map(|row| row.1).sum();
        let prompts: i64 = counts.iter().map(|row| row.2).sum();
        Ok(format!("{right} of {prompts} answers are right, as expected"))
    }

    /// Operator, right answers and prompts of each row.
    fn counts(&self) -> PolarsResult<Vec<(String, i64, i64)>> {
        let file = fs::File::open(self.folder.path().join("rows").join("accuracy.parquet"))?;
        let rows = ParquetReader::new(file).finish()?;
        let operators = rows.column("operator")?.cast(&DataType::String)?;
        let (correct, n) = (rows.column("correct")?.cast(&DataType::Int64)?, rows.column("n")?.cast(&DataType::Int64)?);
        let columns = operators.str()?.iter().zip(correct.i64()?.iter()).zip(n.i64()?.iter());
        Ok(columns.filter_map(|((operator, correct), n)| Some((operator?.to_string(), correct?, n?))).collect())
    }

    /// Whether patching agrees with the run from scratch.
    pub fn patching(&self) -> Result<String, String> {
        let is_patching = |check: &&SelfCheck| check.of == Recomputed::Interventions;
        let checks: Vec<&SelfCheck> = self.manifest.self_checks.iter().filter(is_patching).collect();
        match checks.as_slice() {
            [] => Err("no intervention was checked".into()),
            checks if checks.iter().all(|check| check.passed()) => {
                let rows: usize = checks.iter().map(|check| check.rows).sum();
                let largest = checks.iter().map(|check| check.largest_difference).fold(0.0, f32::max);
                Ok(format!("{rows} interventions, at most {largest:.0e} off the run from scratch"))
            }
            checks => Err(checks.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        }
    }

    /// Whether the figure was drawn, in both formats.
    pub fn figure(&self) -> Result<String, String> {
        let starts = [("svg", b"<svg".as_slice()), ("png", b"\x89PNG".as_slice())];
        let sizes = starts.map(|(format, start)| {
            let path = self.folder.path().join("figures").join(format!("accuracy.{format}"));
            let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            match bytes.windows(start.len()).take(1000).any(|window| window == start) {
                true => Ok(format!("{format} of {} kB", bytes.len().div_ceil(1000))),
                false => Err(format!("{} is not a {format}", path.display())),
            }
        });
        Ok(sizes.into_iter().collect::<Result<Vec<_>, String>>()?.join(", "))
    }
}
