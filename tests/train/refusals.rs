use super::run;
use ablate::step::train::TrainError;
use serde_json::{Value, json};

fn refused(changes: Value, operators: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let error = run(changes, operators, folder.path()).expect_err("refused");
    assert!(!matches!(error, TrainError::Save(_)));
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "nothing is written");
    error.to_string()
}

#[test]
fn shapes_and_batches_that_cannot_be() {
    assert_eq!(
        refused(json!({ "heads": 3 }), &["+"]),
        "train: 3 heads do not divide d_model = 8; write a number that divides 8"
    );
    assert_eq!(
        refused(json!({ "batch": 31 }), &["+", "-"]),
        "train: batch = 31 cannot be shared out evenly among 2 operators; write a multiple of 2"
    );
    assert_eq!(refused(json!({ "checkpoints": [7] }), &["+"]), "train: checkpoint 7 is after the last of 6 steps");
}

#[test]
fn a_loss_that_is_no_number() {
    let optimizer = json!({ "lr": 1e38, "weight_decay": 0.0, "warmup": 0 });
    let message = refused(json!({ "optimizer": optimizer, "steps": 50 }), &["+"]);
    assert!(message.starts_with("train: the loss is not a number after step "), "{message}");
}

#[test]
fn a_folder_that_cannot_be_made() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = run(json!({}), &["+", "-"], &file.path().join("model")).expect_err("refused");
    assert!(matches!(error, TrainError::Save(_)));
    assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
}
