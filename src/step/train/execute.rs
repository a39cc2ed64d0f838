//! From a spec's step to a training and its outcome.

use super::log::LogColumns;
use super::{TrainError, Trained, train};
use crate::context::Context;
use crate::cost::Workload;
use crate::model::{ModelName, tokenizer};
use crate::spec::step;
use crate::step::kind::Kind;
use crate::step::{Outcome, RowsInfo};
use crate::table::Frames;
use crate::{Error, prompt};
use std::path::{Path, PathBuf};

impl Kind for step::Train {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        let spec = context.prompts(self.prompts.as_deref(), &self.name)?;
        let tokenizer = tokenizer::arithmetic(self.numbers);
        let name = ModelName { name: self.name.clone(), checkpoint: None };
        let set = prompt::build(spec, &tokenizer, Some(false), None)
            .map_err(|error| context.refuse_prompts(self.prompts.as_deref(), &name, error))?;
        context.ran_on(self.prompts.as_deref(), &name, &set);
        let trained = train(self, &set, &tokenizer, &context.dir.join(&self.save), (context.progress, context.blocks));
        let Trained { rows, checkpoints } = trained.map_err(|error| match error {
            TrainError::Data(_) | TrainError::Shape(_) => {
                context.loaded.refuse(&["step", &self.name], error.to_string(), None).into()
            }
            TrainError::Interrupted(interrupted) => interrupted.into(),
            error => Error::failed(format!("step '{}'", self.name))(error),
        })?;
        let files = checkpoints.iter().flat_map(|saved| saved_files(&saved.folder)).collect();
        let notes = set.notes.iter().map(ToString::to_string).collect();
        Ok(Outcome { frames: vec![(self.name.clone(), rows)], files, notes, ..Outcome::default() })
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        vec![RowsInfo::alone::<LogColumns>("")]
    }

    fn workload_alone(&self, context: &Context) -> Result<Option<Workload>, Error> {
        super::estimate::workload(self, context)
    }
}

fn saved_files(folder: &Path) -> [PathBuf; 3] {
    ["config.json", "tokenizer.json", "model.safetensors"].map(|name| folder.join(name))
}
