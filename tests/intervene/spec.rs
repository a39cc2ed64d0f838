//! Specs run as a user's are, and their rows read back.

use ablate::prelude::Experiment;
use ablate::spec::{Loaded, parse};
use ablate::table::Frames;
use ablate::{Error, step};
use polars::prelude::*;

/// A spec that has run.
pub struct Ran {
    loaded: Loaded,
    folder: tempfile::TempDir,
}

/// Runs a spec on the built-in model; every row that a step keeps must be as it said before.
pub fn ran(spec: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let loaded = parse("spec.toml", &with_output(spec, folder.path())).unwrap();
    Experiment::from(loaded.clone()).without_store().run().unwrap();
    let ran = Ran { loaded, folder };
    let (mut frames, mut said) = (Frames::default(), 0);
    // The columns of some are those of a step that may stand after them.
    for _ in 0..2 {
        let all = ran.loaded.spec.steps.iter().flat_map(|step| step::empty_frames(step, &ran.loaded, &frames).unwrap());
        all.collect::<Vec<_>>().into_iter().for_each(|(name, empty)| frames.insert(name, empty));
    }
    for step in &ran.loaded.spec.steps {
        for (name, empty) in step::empty_frames(step, &ran.loaded, &frames).unwrap() {
            assert_eq!(empty.height(), 0, "{name}");
            assert_eq!(ran.rows(&name).schema(), empty.schema(), "{name}");
            said += 1;
        }
    }
    let kept = std::fs::read_dir(ran.folder.path().join("rows")).unwrap().count();
    assert_eq!(kept, said, "files of rows");
    ran
}

/// Why a spec is refused, when it is read or before any work.
pub fn refused(spec: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let loaded = match parse("spec.toml", &with_output(spec, folder.path())) {
        Ok(loaded) => loaded,
        Err(errors) => return errors.to_string(),
    };
    match Experiment::from(loaded).without_store().run() {
        Err(Error::Spec(errors)) => errors.to_string(),
        Err(error) => error.to_string(),
        Ok(_) => panic!("not refused:\n{spec}"),
    }
}

fn with_output(spec: &str, folder: &std::path::Path) -> String {
    let prompts = "[prompts]\noperators = [\"+\", \"*\"]\noperands = { a = \"2..9\", b = \"2..9\" }\n";
    format!(
        "title = \"a test\"\n{spec}\n[model]\nsource = \"builtin:arith\"\n{prompts}[output]\ndir = {:?}\n",
        folder.to_string_lossy()
    )
}

impl Ran {
    /// The rows of that name.
    pub fn rows(&self, name: &str) -> DataFrame {
        let path = self.folder.path().join("rows").join(format!("{name}.parquet"));
        ParquetReader::new(std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
            .finish()
            .unwrap()
    }

    /// A column of numbers.
    pub fn numbers(&self, rows: &str, column: &str) -> Vec<Option<f64>> {
        self.rows(rows).column(column).unwrap().cast(&DataType::Float64).unwrap().f64().unwrap().to_vec()
    }

    /// A column of texts.
    pub fn texts(&self, rows: &str, column: &str) -> Vec<Option<String>> {
        let rows = self.rows(rows);
        rows.column(column).unwrap().str().unwrap().iter().map(|text| text.map(str::to_string)).collect()
    }

    /// The results folder.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The report.
    pub fn report(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("report.md")).unwrap()
    }
}
