//! What was seen of models, remembered: of a model whose files are as they were, no file is opened to say which it is.

use super::Store;
use crate::model::ModelSummary;
use crate::system::atomic::write_atomic;
use crate::system::digests::of_bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// So many are remembered; when there are more, they are forgotten and seen again.
const MOST: usize = 500;

/// A model as it was seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SeenModel {
    /// SHA-256 of the summary as JSON, in hex: what was changed since is not believed.
    sha256: String,
    summary: ModelSummary,
}

impl Store {
    /// What was seen of a model; nothing where it was not, or where that cannot be read. The key must be of everything that the summary
    /// depends on: the program, the settings and the content of the model's files.
    pub fn seen_model(&self, key: &str) -> Option<ModelSummary> {
        let SeenModel { sha256, summary } = self.seen_models().remove(key)?;
        (checksum(&summary)? == sha256).then_some(summary)
    }

    /// Remembers what was seen of models. That it cannot be written is no loss but of time.
    pub fn remember_models(&self, seen: impl IntoIterator<Item = (String, ModelSummary)>) {
        let seen = seen
            .into_iter()
            .filter_map(|(key, summary)| Some((key, SeenModel { sha256: checksum(&summary)?, summary })));
        let new: BTreeMap<String, SeenModel> = seen.collect();
        if new.is_empty() || self.is_temporary() {
            return;
        }
        let mut all = self.seen_models();
        if all.len() >= MOST {
            all.clear();
        }
        all.extend(new);
        if let Ok(text) = serde_json::to_vec_pretty(&all) {
            let _ = write_atomic(&self.models_file(), |out| out.write_all(&text));
        }
    }

    fn seen_models(&self) -> BTreeMap<String, SeenModel> {
        let text = fs::read(self.models_file()).ok();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    fn models_file(&self) -> PathBuf {
        self.root.join("models.json")
    }
}

fn checksum(summary: &ModelSummary) -> Option<String> {
    serde_json::to_vec(summary).ok().map(|text| of_bytes(&text))
}
