use super::accuracy::Labels;
use polars::prelude::*;
use std::path::PathBuf;

/// What a step makes.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Its rows: under its own name, and `NAME.PART` for more than one kind of row.
    pub frames: Vec<(String, DataFrame)>,
    /// Files it wrote into the results folder, besides its rows.
    pub files: Vec<PathBuf>,
    /// What a reader of the results should know.
    pub notes: Vec<String>,
}

impl Outcome {
    /// Adds rows to the frame `name`, with the columns `model` and `checkpoint` before them.
    pub(super) fn add_rows(&mut self, name: &str, labels: Labels, rows: PolarsResult<DataFrame>) -> PolarsResult<()> {
        let rows = rows?;
        let repeat = |value: &str| vec![value.to_string(); rows.height()];
        let mut labelled = df!("model" => repeat(labels.model), "checkpoint" => repeat(labels.checkpoint))?;
        labelled = labelled.hstack(rows.columns())?;
        match self.frames.iter_mut().find(|(frame, _)| frame == name) {
            Some((_, frame)) => frame.vstack_mut(&labelled).map(|_| ()),
            None => {
                self.frames.push((name.to_string(), labelled));
                Ok(())
            }
        }
    }
}
