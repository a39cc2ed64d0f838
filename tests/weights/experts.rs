//! Mixtures of experts: a tensor for each expert, as files have them, or one for all of a layer, as the models of transformers 5 do; what
//! a configuration may say of them.

use ablate::model::checkpoint::Checkpoint;
use ablate::model::facts::Experts;
use ablate::model::family;
use ablate::model::host::HostModel;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::parity::reference::folder;

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A fixture's tensors, which are f32 in one file.
fn tensors(model: &str) -> Tensors {
    let bytes = std::fs::read(folder(model).join("model.safetensors")).unwrap();
    let read = |(name, view): (String, TensorView)| {
        let floats = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        (name, (view.shape().to_vec(), floats.collect()))
    };
    SafeTensors::deserialize(&bytes).unwrap().tensors().into_iter().map(read).collect()
}

/// The same with the experts of each layer in one tensor, `[expert, 2 * width, d_model]` of gates and the other maps, and
/// `[expert, d_model, width]`: `state_dict()` of transformers 5.
fn stacked(mut tensors: Tensors, holder: &str, [gate, up, down]: [&str; 3], layers: usize) -> Tensors {
    for layer in 0..layers {
        let (from, to) = (format!("model.layers.{layer}.{holder}"), format!("model.layers.{layer}.mlp"));
        let Some(router) = tensors.remove(&format!("{from}.gate.weight")) else { continue };
        tensors.insert(format!("{to}.gate.weight"), router);
        let (mut both, mut downs, mut count) = (Vec::new(), Vec::new(), 0);
        let mut shapes = (Vec::new(), Vec::new());
        while let Some((shape, values)) = tensors.remove(&format!("{from}.experts.{count}.{gate}.weight")) {
            shapes.0 = vec![2 * shape[0], shape[1]];
            both.extend(values);
            both.extend(tensors.remove(&format!("{from}.experts.{count}.{up}.weight")).unwrap().1);
            let (shape, values) = tensors.remove(&format!("{from}.experts.{count}.{down}.weight")).unwrap();
            shapes.1 = shape;
            downs.extend(values);
            count += 1;
        }
        assert!(count > 1, "{from}");
        tensors.insert(format!("{to}.experts.gate_up_proj"), ([vec![count], shapes.0].concat(), both));
        tensors.insert(format!("{to}.experts.down_proj"), ([vec![count], shapes.1].concat(), downs));
    }
    tensors
}

fn written(model: &str, tensors: &Tensors) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    std::fs::copy(folder(model).join("config.json"), to.path().join("config.json")).unwrap();
    let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect()))
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, data)| (name.as_str(), TensorView::new(Dtype::F32, (*shape).clone(), data).unwrap()));
    std::fs::write(to.path().join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    to
}

#[test]
fn both_ways_to_store_them_are_the_same_model() {
    let projections = ["gate_proj", "up_proj", "down_proj"];
    for (model, holder, parts) in [
        ("mixtral", "block_sparse_moe", ["w1", "w3", "w2"]),
        ("qwen3-moe", "mlp", projections),
        ("qwen3-moe-dense-blocks", "mlp", projections),
        ("olmoe", "mlp", projections),
    ] {
        let original = Checkpoint::open(&folder(model)).unwrap();
        let layers = original.facts().n_layers;
        let each = tensors(model);
        let stacked = stacked(each.clone(), holder, parts, layers);
        assert!(stacked.len() < each.len(), "{model}");
        let folder = written(model, &stacked);
        let found = Checkpoint::open(folder.path()).unwrap_or_else(|error| panic!("{model}: {error}"));
        assert_eq!(found.parameters(), original.parameters(), "{model}");
        for layer in 0..layers {
            assert!(found.block(layer).unwrap() == original.block(layer).unwrap(), "{model}: layer {layer}");
        }
    }
}

#[test]
fn a_missing_expert_is_named() {
    let mut tensors = tensors("mixtral");
    let name = "model.layers.1.block_sparse_moe.experts.2.w3.weight";
    tensors.remove(name).unwrap();
    let folder = written("mixtral", &tensors);
    let error = Checkpoint::open(folder.path()).err().expect("a weight is missing").to_string();
    assert!(error.contains(name), "{error}");
}

fn config(model: &str, changes: Value) -> Result<family::Description, String> {
    let text = std::fs::read_to_string(folder(model).join("config.json")).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    config.as_object_mut().unwrap().extend(changes.as_object().cloned().unwrap());
    family::from_config(&config).map_err(|error| error.to_string())
}

#[test]
fn layers_with_experts() {
    let layers =
        |changes| config("qwen3-moe-dense-blocks", changes).unwrap().facts.experts.map(|experts| experts.layers);
    assert_eq!(layers(json!({ "num_hidden_layers": 5, "mlp_only_layers": [] })), Some(vec![0, 1, 2, 3, 4]));
    assert_eq!(layers(json!({ "num_hidden_layers": 5, "mlp_only_layers": null })), Some(vec![0, 1, 2, 3, 4]));
    assert_eq!(layers(json!({ "num_hidden_layers": 5, "mlp_only_layers": [1, 4] })), Some(vec![0, 2, 3]));
    let second = json!({ "num_hidden_layers": 6, "mlp_only_layers": [3], "decoder_sparse_step": 2 });
    assert_eq!(layers(second), Some(vec![1, 5]));
    assert_eq!(layers(json!({ "mlp_only_layers": [0, 1, 2] })), None);
}

#[test]
fn what_is_chosen() {
    let of = |model, changes| config(model, changes).unwrap().facts.experts.unwrap();
    let all = |n_layers| (0..n_layers).collect();
    let mixtral = Experts { count: 4, chosen: 2, width: 6, normalised: true, layers: all(2) };
    assert_eq!(of("mixtral", json!({})), mixtral);
    // Its classes have both names for the number.
    assert_eq!(of("mixtral", json!({ "num_local_experts": null, "num_experts": 5 })).count, 5);
    assert_eq!(of("olmoe", json!({ "num_experts": null, "num_local_experts": 7 })).count, 7);
    let qwen = of("qwen3-moe", json!({ "moe_intermediate_size": 3, "norm_topk_prob": false }));
    assert_eq!(qwen, Experts { count: 6, chosen: 2, width: 3, normalised: false, layers: all(2) });
}

#[test]
fn refused() {
    for (model, changes, said) in [
        ("mixtral", json!({ "num_experts_per_tok": 5 }), "'num_experts_per_tok' is 5: more than there are experts"),
        ("qwen3-moe", json!({ "shared_expert_intermediate_size": 8 }), "a shared expert is not supported"),
        ("qwen3-moe", json!({ "mlp_only_layers": 1 }), "'mlp_only_layers' must be a list of layers"),
        ("olmoe", json!({ "head_dim": 6 }), "the width's share of a head, 4"),
    ] {
        let error = config(model, changes.clone()).err().unwrap_or_else(|| panic!("{model} {changes} is not refused"));
        assert!(error.contains(said), "{model} {changes}: {error}");
    }
}
