//! An index and its shards.

use ablate::model::checkpoint::Checkpoint;
use ablate::model::weights::{self, Safetensors, Shards};

use super::{assert_says, copy_of, edit};

const MODEL: &str = "llama-biases-sharded";
const INDEX: &str = "model.safetensors.index.json";

#[test]
fn missing_shards_are_all_named() {
    let folder = copy_of(MODEL);
    for shard in ["model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors"] {
        std::fs::remove_file(folder.path().join(shard)).unwrap();
    }
    let parts =
        [INDEX, "2 of 3 shards are missing", "model-00001-of-00003.safetensors, model-00003-of-00003.safetensors"];
    assert_says(Checkpoint::open(folder.path()), &parts);
}

#[test]
fn a_truncated_shard_is_named() {
    let folder = copy_of(MODEL);
    let shard = folder.path().join("model-00002-of-00003.safetensors");
    let bytes = std::fs::read(&shard).unwrap();
    std::fs::write(&shard, &bytes[..bytes.len() - 100]).unwrap();
    assert_says(
        Checkpoint::open(folder.path()),
        &["model-00002-of-00003.safetensors: truncated", "100 bytes are missing"],
    );
}

#[test]
fn an_index_that_does_not_fit_its_shards_is_refused() {
    let folder = copy_of(MODEL);
    let index = folder.path().join(INDEX);
    edit(&index, "model.norm.weight", "model.normal.weight");
    assert_says(weights::open(folder.path()), &["'model.normal.weight' is not in model-0000"]);
}

#[test]
fn a_name_in_two_shards_is_refused() {
    let folder = copy_of(MODEL);
    let twin = folder.path().join("twin.safetensors");
    std::fs::copy(folder.path().join("model-00001-of-00003.safetensors"), twin).unwrap();
    let text =
        r#"{"weight_map": {"model.embed_tokens.weight": "model-00001-of-00003.safetensors", "x": "twin.safetensors"}}"#;
    std::fs::write(folder.path().join(INDEX), text).unwrap();
    assert_says(weights::open(folder.path()), &["is in two shards"]);
}

#[test]
fn an_index_cannot_point_elsewhere() {
    for shard in ["../model.safetensors", "/etc/passwd", "a/b", "", "."] {
        let folder = copy_of(MODEL);
        let text = serde_json::json!({"weight_map": {"x": shard}}).to_string();
        std::fs::write(folder.path().join(INDEX), text).unwrap();
        assert_says(weights::open(folder.path()), &["is not the name of a file beside the index"]);
    }
}

#[test]
fn an_unreadable_index_is_refused() {
    for text in ["", "{", "[]", "{}", r#"{"weight_map": 1}"#, r#"{"weight_map": {"x": 1}}"#] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(INDEX);
        std::fs::write(&path, text).unwrap();
        assert_says(Shards::open(&path, Safetensors::open), &["unreadable index"]);
    }
}
