//! Step `train`: the same weights as PyTorch's after a few steps, the same file from the same seed, and its refusals.

mod refusals;

use ablate::model::checkpoint::Checkpoint;
use ablate::model::tokenizer::{self, Tokenizer};
use ablate::model::transformer::{Tokens, Transformer};
use ablate::prompt::{self, PromptSet};
use ablate::resume::Blocks;
use ablate::spec;
use ablate::step::train::{TrainError, Trained, train};
use ablate::system::progress::Progress;
use burn::tensor::{DType, Device};
use safetensors::SafeTensors;
use serde_json::{Value, json};
use std::path::Path;

/// Prompts whose operands and answer are in one range.
fn prompts(tokenizer: &Tokenizer, operators: &[&str], operands: &str) -> PromptSet {
    let spec = json!({ "operators": operators, "operands": { "a": operands, "b": operands }, "answers": operands });
    let spec: spec::Prompts = serde_json::from_value(spec).expect("a prompt set");
    prompt::build(&spec, tokenizer, None, None).expect("prompts")
}

/// A small recipe with some of its keys changed.
fn recipe(changes: Value) -> spec::step::Train {
    let mut recipe = json!({
        "name": "tiny", "numbers": 8, "layers": 2, "d_model": 8, "heads": 2, "d_mlp": 12, "steps": 6, "batch": 72,
        "held_out": 0.0, "seed": 3, "log_every": 3,
        "optimizer": { "lr": 0.02, "weight_decay": 0.5, "warmup": 2, "clip": 1.0 },
    });
    let recipe_keys = recipe.as_object_mut().expect("an object");
    recipe_keys.extend(changes.as_object().expect("an object").clone());
    serde_json::from_value(recipe).expect("a recipe")
}

fn run(changes: Value, operators: &[&str], folder: &Path) -> Result<Trained, TrainError> {
    let tokenizer = tokenizer::arithmetic(8);
    train(
        &recipe(changes),
        &prompts(&tokenizer, operators, "0..8"),
        &tokenizer,
        folder,
        (&Progress::quiet(), &Blocks::off()),
    )
}

fn weights(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("model.safetensors")).expect("weights")
}

/// Every weight, in the order of their names.
fn tensors(bytes: &[u8]) -> Vec<(String, Vec<f32>)> {
    let file = SafeTensors::deserialize(bytes).expect("safetensors");
    let values = |data: &[u8]| data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let mut tensors: Vec<_> = file.tensors().into_iter().map(|(name, tensor)| (name, values(tensor.data()))).collect();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    tensors
}

/// `fixtures/pytorch.py` starts from the same step 0 and takes the same six steps, over all prompts at once.
#[test]
fn six_steps_equal_pytorchs() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/train/fixtures");
    // Kept for the script, which starts from its step 0.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("train-six-steps");
    run(json!({ "checkpoints": [0] }), &["+", "-"], &folder).expect("trained");
    for (ours, theirs) in [(folder.join("step00000"), "step0.safetensors"), (folder, "step6.safetensors")] {
        let (ours, theirs) =
            (tensors(&weights(&ours)), tensors(&std::fs::read(fixtures.join(theirs)).expect("fixture")));
        for ((name, ours), (other, theirs)) in ours.iter().zip(&theirs) {
            assert_eq!((name, ours.len()), (other, theirs.len()));
            let worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-5, "{name} is off by {worst}");
        }
        assert_eq!(ours.len(), theirs.len());
    }
}

#[test]
fn the_same_seed_writes_the_same_file_whatever_the_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let train_with = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let folder = folder.path().join(format!("{threads}-{seed}"));
        pool.install(|| {
            run(json!({ "seed": seed, "held_out": 0.25, "batch": 30, "d_model": 64 }), &["+", "-", "*"], &folder)
        })
        .expect("trained");
        weights(&folder)
    };
    let first = train_with(1, 5);
    assert_eq!(first, train_with(2, 5));
    assert_ne!(first, train_with(1, 6));
}

#[test]
fn it_learns_and_says_how_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let changes = json!({ "steps": 150, "log_every": 50, "checkpoints": [50], "d_model": 16, "d_mlp": 32 });
    let trained = run(changes, &["+", "-"], folder.path()).expect("trained");
    let column = |name: &str| trained.rows.column(name).expect("a column").clone();
    let losses: Vec<f64> = column("training_loss").f64().expect("floats").into_no_null_iter().collect();
    assert_eq!(trained.rows.height(), 6);
    assert!(losses[5] < 0.5 * losses[0], "{losses:?}");
    let accuracies: Vec<f64> = column("accuracy").f64().expect("floats").into_no_null_iter().collect();
    assert!(accuracies[4] > 0.8 && accuracies[5] > 0.8, "{accuracies:?}");
    let steps: Vec<usize> = trained.checkpoints.iter().map(|saved| saved.step).collect();
    assert_eq!(steps, [50, 150]);
    assert_ne!(weights(&folder.path().join("step00050")), weights(folder.path()));
}

/// The rows' accuracy is what the written model, read back, gives.
#[test]
fn the_written_model_is_the_trained_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let trained = run(json!({ "steps": 40, "d_model": 16 }), &["+", "-"], folder.path()).expect("trained");
    let weights = Checkpoint::open(folder.path()).expect("a model");
    let model = Transformer::load(&weights, &Device::flex(), DType::F32).expect("weights");
    let tokenizer = Tokenizer::from_dir(folder.path()).expect("a tokenizer");
    let set = prompts(&tokenizer, &["+", "-"], "0..8");
    let rows: Vec<&[u32]> = set.prompts.iter().map(|prompt| prompt.tokens.as_slice()).collect();
    let logits = model.last_logits(&Tokens::from_rows(&rows).expect("one length"));
    let logits: Vec<f32> = logits.into_data().try_into_vec().expect("f32");
    let right = |index: usize| {
        let row = &logits[index * 13..][..13];
        let best = (0..13).max_by(|a, b| row[*a].total_cmp(&row[*b])).expect("thirteen logits");
        best == set.prompts[index].answer_token() as usize
    };
    let last = trained.rows.tail(Some(2));
    let accuracies: Vec<f64> =
        last.column("accuracy").and_then(|c| c.f64().cloned()).expect("floats").into_no_null_iter().collect();
    for (operator, accuracy) in ["+", "-"].iter().zip(accuracies) {
        let own: Vec<usize> =
            (0..set.prompts.len()).filter(|index| set.prompts[*index].group.label() == *operator).collect();
        let correct = own.iter().filter(|index| right(**index)).count();
        assert_eq!(correct as f64 / own.len() as f64, accuracy);
    }
}

#[test]
fn held_out_pairs_are_the_same_for_every_operator_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let trained =
        run(json!({ "held_out": 0.25, "batch": 24, "steps": 3 }), &["+", "-"], folder.path()).expect("trained");
    let counts: Vec<i64> =
        trained.rows.column("count").and_then(|c| c.i64().cloned()).expect("counts").into_no_null_iter().collect();
    // Of the 64 pairs 16 are held out; each operator is legal on 36 of them, so 16 - 28 at least and 16 at most.
    assert!(counts.iter().all(|count| (1..=16).contains(count)), "{counts:?}");
    let splits = trained.rows.column("split").and_then(|c| c.str().cloned()).expect("names");
    assert!(splits.iter().all(|split| split == Some("held-out")));
}
