//! Sources that are no model: the sentence that says what they are and what to write.

use std::path::Path;

use ablate::model::{Lookup, Model};
use ablate::spec::{self, Device, Dtype, Processing};

use super::{assert_says, copy_of};

fn card(source: &str, base: &Path) -> Result<ablate::model::Card, ablate::model::ModelError> {
    let spec = spec::Model {
        source: source.into(),
        checkpoints: Vec::new(),
        device: Device::Cpu.into(),
        dtype: Dtype::F32,
        storage: spec::Storage::Dtype,
        memory_mib: None,
        processing: Processing::NONE,
        bos: None,
    };
    Model::card(&spec, Lookup { base, checkpoint: None, quiet: true })
}

fn in_folder(folder: &Path) -> Result<ablate::model::Card, ablate::model::ModelError> {
    card(&folder.display().to_string(), Path::new(""))
}

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";

#[test]
fn a_pointer_of_git_lfs_is_told_whichever_file_it_stands_for() {
    for (model, file) in [
        ("llama-gqa", "model.safetensors"),
        ("llama-gqa", "config.json"),
        ("llama-gqa", "tokenizer.json"),
        ("llama-biases-sharded", "model.safetensors.index.json"),
        ("llama-biases-sharded", "model-00002-of-00003.safetensors"),
        ("qwen2-tied-bin", "pytorch_model.bin"),
    ] {
        let folder = copy_of(model);
        std::fs::write(folder.path().join(file), POINTER).unwrap();
        assert_says(in_folder(folder.path()), &[file, "a git-lfs pointer", "run `git lfs pull`"]);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.gguf"), POINTER).unwrap();
    assert_says(in_folder(&folder.path().join("x.gguf")), &["x.gguf: a git-lfs pointer"]);
}

#[test]
fn files_that_hold_another_format_are_told() {
    let folder = copy_of("llama-gqa");
    let weights = folder.path().join("model.safetensors");
    let gguf = b"GGUF\x03\0\0\0".to_vec();
    for (content, part) in [
        (gguf.clone(), "a GGUF file under another name: give its path as the source"),
        (b"PK\x03\x04zip".to_vec(), "a file of PyTorch's under another name: call it pytorch_model.bin"),
        (b"<!DOCTYPE html><html>".to_vec(), "a web page in place of the file"),
    ] {
        std::fs::write(&weights, content).unwrap();
        assert_says(in_folder(folder.path()), &["model.safetensors: ", part]);
    }
    let whole = copy_of("llama-gqa");
    let file = whole.path().join("model.safetensors");
    assert_says(in_folder(&file), &["neither a folder with config.json nor a GGUF file; give the folder, '"]);
    std::fs::rename(&file, whole.path().join("model.gguf")).unwrap();
    assert_says(in_folder(&whole.path().join("model.gguf")), &["a safetensors file under another name"]);
    // GGUF by its content, whatever its name
    std::fs::write(whole.path().join("blob"), gguf).unwrap();
    assert_says(in_folder(&whole.path().join("blob")), &["blob: "]);
}

#[test]
fn folders_that_are_no_model_are_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.Q4_1.gguf"), "GGUF").unwrap();
    assert_says(
        in_folder(folder.path()),
        &["this folder holds GGUF files and no config.json: give one of the files, such as '", "x.Q4_1.gguf"],
    );
    let settings = r#"{"peft_type": "LORA", "base_model_name_or_path": "owner/base"}"#;
    std::fs::write(folder.path().join("adapter_config.json"), settings).unwrap();
    let parts = ["this is an adapter (LORA) of 'owner/base' and not a model: merge it into its base model first"];
    assert_says(in_folder(folder.path()), &parts);
    // with a configuration, as some trainers write
    let whole = copy_of("llama-gqa");
    std::fs::write(whole.path().join("adapter_config.json"), settings).unwrap();
    std::fs::remove_file(whole.path().join("model.safetensors")).unwrap();
    assert_says(in_folder(whole.path()), &parts);

    let outer = tempfile::tempdir().unwrap();
    std::fs::create_dir(outer.path().join("step-10")).unwrap();
    std::fs::write(outer.path().join("step-10/config.json"), "{}").unwrap();
    assert_says(
        in_folder(outer.path()),
        &["config.json is not here, but in 1 of its subfolders: give one of them, such as '", "step-10'"],
    );
}

#[test]
fn names_of_the_hub_are_suggested() {
    let here = tempfile::tempdir().unwrap();
    for (source, part) in [
        ("gpt2", "; write hf:openai-community/gpt2"),
        ("gpt2-xl@main", "; write hf:openai-community/gpt2-xl@main"),
        ("distilgpt2", "; write hf:distilbert/distilgpt2"),
        ("openai-community/gpt2", "; for a model of that name on the Hugging Face hub, write hf:openai-community/gpt2"),
        ("arith", "; write builtin:arith"),
        ("~/no such folder/model", "no such folder/model': your home folder has no such file or folder"),
        ("~nobody/model", "; the shell replaces '~' only at the start of a word"),
    ] {
        assert_says(card(source, here.path()), &["no model at '", part]);
    }
    for (source, form) in [
        ("hf:gpt2", "; write hf:openai-community/gpt2"),
        ("hf:mistral", "; write hf:owner/name"),
        ("https://huggingface.co/openai-community/gpt2/tree/main", "; write hf:openai-community/gpt2"),
        ("https://example.org/x", "unknown kind of model source 'https:'"),
    ] {
        assert_says(card(source, here.path()), &[form]);
    }
    for source in ["models/x.gguf", "./a/b", "a/b/c"] {
        let error = card(source, here.path()).unwrap_err().to_string();
        assert!(error.ends_with("no such file or folder"), "{error}");
    }
}

#[test]
fn a_path_that_is_right_from_the_current_folder_is_given_from_the_specs() {
    // Tests run in the repository's root.
    let source = "tests/fixtures/models/llama-gqa";
    let error = card(source, Path::new("docs")).unwrap_err().to_string();
    let advice = "paths in a spec start from the spec's folder: write \"../tests/fixtures/models/llama-gqa\"";
    assert!(error.contains(advice), "{error}");
}
