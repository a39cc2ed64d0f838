//! Models in several files.

use std::path::{Path, PathBuf};

use ablate::model::gguf::{Gguf, files};
use ablate::model::host::HostModel;

use super::edited::{Edited, Setting};
use super::fixture;

/// Writes a fixture in parts, tensor by tensor in turn.
fn parts(folder: &Path, count: u32) -> Vec<PathBuf> {
    let whole = Edited::of("llama.gguf");
    let write = |number: u32| {
        let part = whole.clone().only(|tensor| tensor % count as usize == number as usize).with(&[
            ("split.no", Setting::Count(number)),
            ("split.count", Setting::Count(count)),
            ("split.tensors.count", Setting::Count(whole.n_tensors() as u32)),
        ]);
        let path = folder.join(format!("m-{:05}-of-{count:05}.gguf", number + 1));
        std::fs::write(&path, part.bytes()).unwrap();
        path
    };
    (0..count).map(write).collect()
}

fn refusal(path: &Path) -> String {
    Gguf::open(path).unwrap_err().to_string()
}

#[test]
fn all_parts_are_read_by_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let whole = Gguf::open(&fixture("llama.gguf")).unwrap().model().unwrap();
    for count in [2, 3] {
        let parts = parts(folder.path(), count);
        let model = Gguf::open(&parts[0]).unwrap().model().unwrap();
        assert_eq!(model.facts(), whole.facts());
        assert_eq!(model.embedding().unwrap(), whole.embedding().unwrap());
        assert_eq!(model.head().unwrap(), whole.head().unwrap());
        for layer in 0..whole.facts().n_layers {
            assert_eq!(model.block(layer).unwrap(), whole.block(layer).unwrap());
        }
        // What decides whether a model is still the same is all of it.
        assert_eq!(files(&parts[0]), parts);
    }
}

#[test]
fn a_part_alone_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let parts = parts(folder.path(), 3);
    let error = refusal(&parts[1]);
    assert!(error.ends_with("part 2 of a model in 3 parts: give 'm-00001-of-00003.gguf' as the source"), "{error}");
    std::fs::remove_file(&parts[2]).unwrap();
    let error = refusal(&parts[0]);
    assert!(error.ends_with("the first of a model's 3 parts; missing beside it: 'm-00003-of-00003.gguf'"), "{error}");
    std::fs::copy(&parts[1], &parts[2]).unwrap();
    let error = refusal(&parts[0]);
    assert!(error.contains("should be part 3 of 3, but its header has split.no 1 and split.count 3"), "{error}");
    let renamed = folder.path().join("model.gguf");
    std::fs::rename(&parts[0], &renamed).unwrap();
    let error = refusal(&renamed);
    assert!(error.contains("whose names must end in -00001-of-00003.gguf"), "{error}");
    std::fs::rename(&parts[1], folder.path().join("other.gguf")).unwrap();
    let error = refusal(&folder.path().join("other.gguf"));
    assert!(error.ends_with("part 2 of a model in 3 parts: give its first part as the source"), "{error}");
}

#[test]
fn parts_hold_each_tensor_once_and_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let paths = parts(folder.path(), 2);
    let second = Edited::of("llama.gguf").with(&[("split.no", Setting::Count(1)), ("split.count", Setting::Count(2))]);
    std::fs::write(&paths[1], second.bytes()).unwrap();
    assert!(refusal(&paths[0]).contains("is in an earlier part too"));
    std::fs::write(&paths[1], second.only(|tensor| tensor == 1).bytes()).unwrap();
    assert!(
        refusal(&paths[0]).contains("2 parts with 20 tensors are announced, but they hold 11"),
        "{}",
        refusal(&paths[0])
    );
}
