//! From a spec's step to a training and its outcome.

use super::log::log_frame;
use super::{TrainError, Trained, train};
use crate::context::Context;
use crate::cost::Workload;
use crate::model::{ModelName, tokenizer};
use crate::spec::step;
use crate::step::Outcome;
use crate::step::kind::Kind;
use crate::table::Frames;
use crate::{Error, prompt};
use polars::prelude::{DataFrame, PolarsResult};
use std::path::{Path, PathBuf};

impl Kind for step::Train {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        run(self, context)
    }

    fn empty_frames(&self, _frames: &Frames) -> PolarsResult<Vec<(String, DataFrame)>> {
        empty_frames(self)
    }

    fn workload_alone(&self, context: &Context) -> Result<Option<Workload>, Error> {
        super::estimate::workload(self, context)
    }

    fn words(&self, column: &str) -> Option<Vec<&'static str>> {
        (column == "split").then(|| vec![super::HELD_OUT, super::TRAIN])
    }
}

/// Runs the step.
fn run(step: &step::Train, context: &Context) -> Result<Outcome, Error> {
    let spec = context.prompts(step.prompts.as_deref(), &step.name)?;
    let tokenizer = tokenizer::arithmetic(step.numbers);
    let name = ModelName { name: step.name.clone(), checkpoint: None };
    let set = prompt::build(spec, &tokenizer, Some(false), None)
        .map_err(|error| context.refuse_prompts(step.prompts.as_deref(), &name, error))?;
    context.ran_on(step.prompts.as_deref(), &name, &set);
    let trained = train(step, &set, &tokenizer, &context.dir.join(&step.save), (context.progress, context.blocks));
    let Trained { rows, checkpoints } = trained.map_err(|error| match error {
        TrainError::Data(_) | TrainError::Shape(_) => {
            context.loaded.refuse(&["step", &step.name], error.to_string(), None).into()
        }
        TrainError::Interrupted(interrupted) => interrupted.into(),
        error => Error::failed(format!("step '{}'", step.name))(error),
    })?;
    let files = checkpoints.iter().flat_map(|saved| saved_files(&saved.folder)).collect();
    let notes = set.notes.iter().map(ToString::to_string).collect();
    Ok(Outcome { frames: vec![(step.name.clone(), rows)], files, notes, ..Outcome::default() })
}

/// Its frames without rows.
fn empty_frames(step: &step::Train) -> PolarsResult<Vec<(String, DataFrame)>> {
    Ok(vec![(step.name.clone(), log_frame(&[])?)])
}

fn saved_files(folder: &Path) -> [PathBuf; 3] {
    ["config.json", "tokenizer.json", "model.safetensors"].map(|name| folder.join(name))
}
