//! Which tensors of a file are read, which are left out with a note, and which are refused.

use std::path::Path;

use ablate::model::checkpoint::Checkpoint;
use ablate::model::host::HostModel;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{assert_says, copy_of, fixture};
use crate::parity::MODELS;

/// A tensor of a file.
struct Stored {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
}

/// Changes the tensors of a `.safetensors` file.
fn rewrite(path: &Path, change: impl FnOnce(&mut Vec<Stored>)) {
    let bytes = std::fs::read(path).unwrap();
    let stored = |(name, view): (String, TensorView)| Stored {
        name,
        dtype: view.dtype(),
        shape: view.shape().to_vec(),
        data: view.data().to_vec(),
    };
    let mut tensors: Vec<Stored> =
        SafeTensors::deserialize(&bytes).unwrap().tensors().into_iter().map(stored).collect();
    change(&mut tensors);
    let views: Vec<(&str, TensorView)> = tensors
        .iter()
        .map(|t| (t.name.as_str(), TensorView::new(t.dtype, t.shape.clone(), &t.data).unwrap()))
        .collect();
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn floats(name: &str, shape: &[usize], value: f32) -> Stored {
    let data = (0..shape.iter().product()).flat_map(|_: usize| value.to_le_bytes()).collect();
    Stored { name: name.into(), dtype: Dtype::F32, shape: shape.to_vec(), data }
}

/// A copy of a fixture of one safetensors file, with other tensors.
fn changed(model: &str, change: impl FnOnce(&mut Vec<Stored>)) -> tempfile::TempDir {
    let folder = copy_of(model);
    rewrite(&folder.path().join("model.safetensors"), change);
    folder
}

fn set(folder: &Path, key: &str, value: serde_json::Value) {
    let path = folder.join("config.json");
    let mut config: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    config[key] = value;
    std::fs::write(path, config.to_string()).unwrap();
}

fn open(folder: &Path) -> Checkpoint {
    Checkpoint::open(folder).unwrap()
}

fn equal(a: &Checkpoint, b: &Checkpoint) {
    assert_eq!(a.embedding().unwrap(), b.embedding().unwrap());
    for layer in 0..b.facts().n_layers {
        assert_eq!(a.block(layer).unwrap(), b.block(layer).unwrap());
    }
    assert_eq!(a.head().unwrap(), b.head().unwrap());
}

#[test]
fn an_unembedding_of_its_own_is_used_whatever_the_configuration_says() {
    let mut seen = 0;
    for model in MODELS.into_iter().filter(|model| *model != "ablate") {
        let plain = open(&fixture(model));
        if plain.facts().tied {
            continue;
        }
        let folder = copy_of(model);
        set(folder.path(), "tie_word_embeddings", true.into());
        let found = open(folder.path());
        assert!(!found.facts().tied, "{model}");
        assert_eq!(found.notes().len(), 1, "{model}");
        assert!(found.notes()[0].contains("and the file has a different one, '"), "{model}: {:?}", found.notes());
        equal(&found, &plain);
        seen += 1;
    }
    assert!(seen >= 7);
}

#[test]
fn an_unembedding_that_is_the_embedding_is_tied_without_a_word() {
    // of torch.save, which stores both names
    let both = open(&fixture("qwen2-tied-bin"));
    assert!(both.facts().tied && both.notes().is_empty());
    let plain = open(&fixture("llama-tied-bf16"));
    let copied = |tensors: &mut Vec<Stored>| {
        let tokens = tensors.iter().find(|tensor| tensor.name == "model.embed_tokens.weight").unwrap();
        let (dtype, shape, data) = (tokens.dtype, tokens.shape.clone(), tokens.data.clone());
        tensors.push(Stored { name: "lm_head.weight".into(), dtype, shape, data });
    };
    let folder = changed("llama-tied-bf16", copied);
    let found = open(folder.path());
    assert!(found.facts().tied && found.notes().is_empty());
    assert_eq!(found.parameters(), plain.parameters());
    equal(&found, &plain);

    // one value apart
    let folder = changed("llama-tied-bf16", |tensors| {
        copied(tensors);
        tensors.last_mut().unwrap().data[1000] ^= 1;
    });
    assert!(!open(folder.path()).facts().tied);
    // alone, it is both
    let folder = changed("llama-tied-bf16", |tensors| {
        tensors.iter_mut().filter(|t| t.name.contains("embed_tokens")).for_each(|t| t.name = "lm_head.weight".into());
    });
    equal(&open(folder.path()), &plain);
    // of another shape
    let folder = changed("llama-tied-bf16", |tensors| tensors.push(floats("lm_head.weight", &[62, 24], 0.0)));
    assert_says(Checkpoint::open(folder.path()), &["wrong shape: 'lm_head.weight' is [62, 24], should be [61, 24]"]);
}

#[test]
fn a_bias_of_the_unembedding_that_is_not_there_is_zero() {
    let folder = changed("gptj-whole-head", |tensors| tensors.retain(|tensor| tensor.name != "lm_head.bias"));
    let found = open(folder.path());
    assert_eq!(found.notes(), ["the file has no 'lm_head.bias', which is taken as 0, as in transformers"]);
    assert_eq!(found.head().unwrap().unembed.bias, None);
    assert_eq!(found.head().unwrap().unembed.weight, open(&fixture("gptj-whole-head")).head().unwrap().unembed.weight);
}

#[test]
fn wrappers_of_trainers_and_other_versions_names_make_no_difference() {
    type Renamed = dyn Fn(&str) -> String;
    let cases: [(&str, &Renamed); 8] = [
        ("llama-gqa", &|name| format!("_orig_mod.{name}")),
        ("llama-gqa", &|name| format!("module._orig_mod.{name}")),
        ("llama-gqa", &|name| format!("model.{name}")),
        ("gpt2-untied", &|name| format!("model.{name}")),
        ("gpt2-bare-names", &|name| format!("module.{name}")),
        ("llama-gqa", &|name| name.replace(".self_attn", "._checkpoint_wrapped_module.self_attn")),
        ("neox-parallel", &|name| name.replace("embed_out", "lm_head")),
        ("neox-parallel", &|name| format!("_orig_mod.{}", name.replace("embed_out", "lm_head"))),
    ];
    for (model, name) in cases {
        let folder = changed(model, |tensors| tensors.iter_mut().for_each(|tensor| tensor.name = name(&tensor.name)));
        let found = open(folder.path());
        assert!(found.notes().is_empty());
        equal(&found, &open(&fixture(model)));
    }
}

#[test]
fn names_that_are_no_familys_are_one_sentence() {
    let folder = changed("llama-gqa", |tensors| tensors.iter_mut().for_each(|t| t.name = format!("net.{}", t.name)));
    let parts = ["unknown names: no tensor is called as a weight of llama is", "and 17 more"];
    assert_says(Checkpoint::open(folder.path()), &parts);

    let twice = changed("llama-gqa", |tensors| tensors.push(floats("_orig_mod.model.norm.weight", &[24], 1.0)));
    assert_says(Checkpoint::open(twice.path()), &["are both 'model.norm.weight'"]);
}

#[test]
fn heads_beside_a_whole_model_are_left_out_by_name() {
    for (model, extra) in [
        ("llama-gqa", "v_head.summary.weight"),
        ("llama-gqa", "score.weight"),
        ("gpt2-untied", "multiple_choice_head.summary.weight"),
        ("gpt2-bare-names", "v_head.summary.bias"),
        ("neox-parallel", "_orig_mod.classifier.weight"),
    ] {
        let folder = changed(model, |tensors| tensors.push(floats(extra, &[24], 1.0)));
        let found = open(folder.path());
        let told = "these weights are left out, because they do not belong to the language model: ";
        assert_eq!(found.notes(), [format!("{told}'{extra}'")]);
        equal(&found, &open(&fixture(model)));
    }
    // With a weight missing, the other may be it under a wrong name.
    let folder = changed("llama-gqa", |tensors| {
        tensors.iter_mut().filter(|t| t.name == "lm_head.weight").for_each(|t| t.name = "score.weight".into());
    });
    assert_says(Checkpoint::open(folder.path()), &["missing: 'lm_head.weight'", "unexpected: 'score.weight'"]);
}

#[test]
fn what_is_within_the_model_and_none_of_its_weights_is_refused() {
    for (model, extra) in [
        ("llama-gqa", "model.layers.0.self_attn.q_norm.weight"),
        ("llama-gqa", "lm_head.bias"),
        ("gpt2-untied", "transformer.h.0.attn.scale"),
        ("gpt2-untied", "model.transformer.extra.weight"),
        ("gpt2-bare-names", "h.0.attn.scale"),
        ("gpt2-untied", "transformer.h.0.attn.bias"), // a vector of floats is no mask
    ] {
        let folder = changed(model, |tensors| tensors.push(floats(extra, &[24], 1.0)));
        assert_says(Checkpoint::open(folder.path()), &[&format!("unexpected: '{extra}' [24]")]);
    }
    for extra in ["model.layers.0.self_attn.q_proj.qweight", "model.layers.0.mlp.up_proj.weight_scale_inv"] {
        let folder = changed("llama-gqa", |tensors| tensors.push(floats(extra, &[24], 1.0)));
        assert_says(
            Checkpoint::open(folder.path()),
            &["quantised weights cannot be read: 'model.layers.0", "use the original model"],
        );
    }
    let adapter = "model.layers.0.self_attn.q_proj.lora_A.default.weight";
    let folder = changed("llama-gqa", |tensors| tensors.push(floats(adapter, &[4, 24], 1.0)));
    assert_says(
        Checkpoint::open(folder.path()),
        &["an adapter that is not merged: 'model.layers.0", "merge_and_unload"],
    );
}

#[test]
fn a_rotary_table_that_is_another_is_noted() {
    let name = "model.layers.0.self_attn.rotary_emb.inv_freq";
    let plain = open(&fixture("llama-gqa"));
    let ablate::model::facts::PositionEncoding::Rotary(rotary) = plain.facts().positions.clone() else {
        panic!("no rotation")
    };
    let with = |values: Vec<f32>| {
        changed("llama-gqa", |tensors| {
            let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.push(Stored { name: name.into(), dtype: Dtype::F32, shape: vec![values.len()], data });
        })
    };
    assert!(open(with(rotary.table.inv_freq.clone()).path()).notes().is_empty());
    for other in [rotary.table.inv_freq.iter().map(|frequency| frequency / 2.0).collect(), vec![1.0]] {
        let folder = with(other);
        let found = open(folder.path());
        assert!(
            found.notes()[0].starts_with("the rotary frequencies in the file ('model.layers.0"),
            "{:?}",
            found.notes()
        );
        equal(&found, &plain);
    }
}

#[test]
fn types_that_are_not_read_are_named_where_they_are_wanted() {
    let to_float8 = |tensors: &mut Vec<Stored>| {
        for tensor in tensors.iter_mut().filter(|tensor| tensor.shape.len() == 2) {
            tensor.data.truncate(tensor.shape.iter().product());
            tensor.dtype = Dtype::F8_E4M3;
        }
    };
    let folder = changed("llama-gqa", to_float8);
    let parts = ["and 12 more hold F8_E4M3: floats of so few bits are not read; write the model in bfloat16"];
    assert_says(Checkpoint::open(folder.path()), &parts);

    let folder = changed("llama-gqa", |tensors| {
        to_float8(tensors);
        tensors.push(floats("model.layers.0.mlp.up_proj.weight_scale_inv", &[1], 1.0));
    });
    assert_says(
        Checkpoint::open(folder.path()),
        &["quantised weights in F8_E4M3 cannot be read: 'model.layers.0.mlp.up_proj"],
    );

    // A type that no version of the format has yet, of a tensor that nobody wants.
    let folder = changed("llama-gqa", |tensors| tensors.push(floats("v_head.weight", &[6], 1.0)));
    let path = folder.path().join("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let from = b"\"v_head.weight\":{\"dtype\":\"F32\"";
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + from.len()].copy_from_slice(b"\"v_head.weight\":{\"dtype\":\"F3X\"");
    std::fs::write(&path, bytes).unwrap();
    equal(&open(folder.path()), &open(&fixture("llama-gqa")));
}
