//! Weights and configuration together: everything that does not fit is listed before anything is read.

use ablate::model::checkpoint::Checkpoint;
use ablate::model::host::HostModel;

use super::{assert_says, copy_of, edit, fixture};

#[test]
fn differences_are_listed_with_names_and_shapes() {
    let folder = copy_of("llama-gqa");
    edit(&folder.path().join("config.json"), "\"intermediate_size\": 40", "\"intermediate_size\": 41");
    edit(&folder.path().join("config.json"), "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    let parts = [
        "model.safetensors: the weights do not fit the configuration:\n",
        "wrong shape: 'model.layers.1.mlp.up_proj.weight' is [40, 24], should be [41, 24]\n",
        "missing: 'model.layers.2.input_layernorm.weight' [24]\n",
    ];
    assert_says(Checkpoint::open(folder.path()), &parts);

    let folder = copy_of("llama-gqa");
    edit(&folder.path().join("config.json"), "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
    assert_says(Checkpoint::open(folder.path()), &["unexpected: 'model.layers.1.self_attn.o_proj.weight' [24, 30]"]);
}

#[test]
fn a_long_list_is_cut() {
    let folder = copy_of("llama-gqa");
    edit(&folder.path().join("config.json"), "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 900");
    assert_says(Checkpoint::open(folder.path()), &["missing: … and 8072 more"]);
}

#[test]
fn a_config_of_another_family_is_refused() {
    let folder = copy_of("gpt2-untied");
    std::fs::copy(fixture("ablate").join("config.json"), folder.path().join("config.json")).unwrap();
    let parts = [
        "unknown names: no tensor is called as a weight of ablate is, such as 'embed.weight'; the file has 'lm_head.weight'",
    ];
    assert_says(Checkpoint::open(folder.path()), &parts);
}

#[test]
fn missing_files_are_named() {
    let folder = copy_of("ablate");
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let parts = ["no weights here", "model.safetensors, model.safetensors.index.json, pytorch_model.bin"];
    assert_says(Checkpoint::open(folder.path()), &parts);
    std::fs::write(folder.path().join("consolidated.00.pth"), "").unwrap();
    assert_says(
        Checkpoint::open(folder.path()),
        &["; found consolidated.00.pth, ", "which would have to have one of these names"],
    );
    std::fs::write(folder.path().join("x.gguf"), "").unwrap();
    assert_says(Checkpoint::open(folder.path()), &["; for the GGUF file give its path, '", "x.gguf'"]);
    std::fs::remove_file(folder.path().join("config.json")).unwrap();
    assert_says(Checkpoint::open(folder.path()), &["config.json: ", "No such file"]);
}

#[test]
fn a_config_that_is_not_json_is_refused() {
    for text in [&b""[..], b"{", b"\xff\xfe", b"[1, 2]", b"3"] {
        let folder = copy_of("ablate");
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        assert_says(Checkpoint::open(folder.path()), &["config.json: "]);
    }
}

/// Rewrites a `.safetensors` file with other names, and more tensors.
fn rename(path: &std::path::Path, name: impl Fn(&str) -> String, more: &[&str]) {
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<_> = file.tensors().into_iter().map(|(old, view)| (name(&old), view)).collect();
    let mask = safetensors::tensor::TensorView::new(safetensors::Dtype::BOOL, vec![18], &[1; 18]).unwrap();
    tensors.extend(more.iter().map(|name| (name.to_string(), mask.clone())));
    let bytes = safetensors::serialize(tensors, None).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn masks_of_old_versions_and_a_missing_prefix_make_no_difference() {
    let cases: [(&str, &str, &[&str]); 3] = [
        ("neox-parallel", "gpt_neox.", &["layers.0.attention.bias", "layers.1.attention.rotary_emb.inv_freq"]),
        ("gpt2-untied", "transformer.", &["h.0.attn.bias", "h.0.attn.masked_bias"]),
        ("llama-tied-bf16", "model.", &["layers.0.self_attn.rotary_emb.inv_freq"]),
    ];
    for (model, prefix, buffers) in cases {
        let folder = copy_of(model);
        rename(&folder.path().join("model.safetensors"), |name| name.replacen(prefix, "", 1), buffers);
        let (changed, plain) = (Checkpoint::open(folder.path()).unwrap(), Checkpoint::open(&fixture(model)).unwrap());
        assert_eq!(changed.block(1).unwrap(), plain.block(1).unwrap());
        assert_eq!(changed.head().unwrap(), plain.head().unwrap());
        assert_eq!(changed.embedding().unwrap(), plain.embedding().unwrap());
    }
}

#[test]
fn weights_that_are_not_floats_are_refused() {
    let folder = copy_of("ablate");
    rename(
        &folder.path().join("model.safetensors"),
        |name| name.replace("ln_final", "ln_initial"),
        &["ln_final.weight"],
    );
    let parts = [
        "wrong type: 'ln_final.weight' does not hold floating-point numbers but BOOL",
        "unexpected: 'ln_initial.weight' [18]",
    ];
    assert_says(Checkpoint::open(folder.path()), &parts);
}

#[test]
fn sizes_and_formats_are_told() {
    let model = Checkpoint::open(&fixture("llama-tied-bf16")).unwrap();
    let blocks = 2 * (2 * 24 + 24 * 24 * 2 + 2 * 24 * 12 + 3 * 24 * 40);
    assert_eq!(model.parameters(), 61 * 24 + blocks + 24);
    assert_eq!(model.stored_dtype(), "bf16");
    assert_eq!(Checkpoint::open(&fixture("gptj")).unwrap().stored_dtype(), "f32");
}
