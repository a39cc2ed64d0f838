//! What the hub's cache has: `models--OWNER--NAME/{refs/REVISION, snapshots/COMMIT/…}`, as Python's `huggingface_hub`
//! lays it out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Files beside the weights that are read where they are there.
pub(super) const SMALL_FILES: [&str; 9] = [
    "config.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    "generation_config.json",
];

/// Forms of weights, the preferred first.
pub(super) const WEIGHTS: [&str; 4] =
    ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"];

/// A model's folder in the cache.
pub(super) fn model_folder(cache: &Path, repo: &str) -> PathBuf {
    cache.join(format!("models--{}", repo.replace('/', "--")))
}

/// The folder of a revision's files, if the cache knows the revision: a branch or tag by its ref, a commit by itself.
pub(super) fn snapshot(folder: &Path, revision: &str) -> Option<PathBuf> {
    let commit = fs::read_to_string(folder.join("refs").join(revision)).ok();
    let commit = commit.as_deref().map_or(revision, str::trim);
    let snapshot = folder.join("snapshots").join(commit);
    (is_name(commit) && snapshot.is_dir()).then_some(snapshot)
}

/// The first file that a model in this folder would need and has not; `None` when it is complete.
pub(super) fn missing(snapshot: &Path) -> Option<String> {
    let has = |name: &str| snapshot.join(name).is_file();
    if !has("config.json") {
        return Some("config.json".into());
    }
    if !(has("tokenizer.json") || has("vocab.json") && has("merges.txt")) {
        return Some("tokenizer.json".into());
    }
    let Some(weights) = WEIGHTS.iter().find(|name| has(name)) else { return Some(WEIGHTS[0].into()) };
    if !weights.ends_with(".index.json") {
        return None;
    }
    match shards(&snapshot.join(weights)) {
        Some(shards) => shards.into_iter().find(|shard| !has(shard)),
        None => Some((*weights).into()),
    }
}

/// The files that an index of shards names.
pub(super) fn shards(index: &Path) -> Option<BTreeSet<String>> {
    let index: Value = serde_json::from_slice(&fs::read(index).ok()?).ok()?;
    let names = index.get("weight_map")?.as_object()?.values();
    let shards = names.map(|name| name.as_str().filter(|name| is_name(name)).map(String::from));
    shards.collect::<Option<_>>().filter(|shards: &BTreeSet<_>| !shards.is_empty())
}

/// Whether a name stays within the folder it is looked up in.
pub(super) fn is_name(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part != "." && part != "..";
    name.split('/').all(part) && !name.contains(['\\', ':', '\0'])
}
