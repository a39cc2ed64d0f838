//! Checkpoints of a training, as folders that are read as models.

use crate::model::transformer::{Linear, Norm, Transformer};
use crate::spec;
use crate::system::atomic::{WriteError, remove_parts, write_atomic};
use burn::module::Param;
use burn::tensor::Tensor;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A model that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The operating system refused.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The weights do not make a file.
    #[error("{}: {reason}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// A model on disk: a folder with `config.json`, `tokenizer.json` and `model.safetensors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedModel {
    /// Optimiser steps taken.
    pub step: usize,
    /// The folder.
    pub folder: PathBuf,
}

/// Writes the model after `step` steps into `step00100` and so on where the spec's `checkpoints` name it; the last also
/// into `folder` itself.
pub(super) fn checkpoint(
    folder: &Path,
    model: &Transformer,
    tokenizer: &str,
    step: usize,
    spec: &spec::step::Train,
) -> Result<Vec<SavedModel>, SaveError> {
    let named = spec.checkpoints.contains(&step).then(|| folder.join(format!("step{step:05}")));
    let last = (step == spec.steps).then(|| folder.to_path_buf());
    let mut saved = Vec::new();
    for folder in named.into_iter().chain(last) {
        write(&folder, model, tokenizer, step, spec.seed)?;
        saved.push(SavedModel { step, folder });
    }
    Ok(saved)
}

/// Writes a folder as Hugging Face lays it out. Each file appears whole or not at all, `config.json` last: a folder that
/// has it is complete.
fn write(folder: &Path, model: &Transformer, tokenizer: &str, step: usize, seed: u64) -> Result<(), SaveError> {
    remove_parts(folder);
    let path = folder.join("model.safetensors");
    let weights = serialize(model, step, seed).map_err(|reason| SaveError::Format { path: path.clone(), reason })?;
    write_bytes(&path, &weights)?;
    write_bytes(&folder.join("tokenizer.json"), tokenizer.as_bytes())?;
    write_bytes(&folder.join("config.json"), config(model, step).as_bytes())
}

fn config(model: &Transformer, step: usize) -> String {
    let facts = model.facts();
    let config = serde_json::json!({
        "model_type": "ablate",
        "n_layers": facts.n_layers,
        "n_heads": facts.n_heads,
        "d_model": facts.d_model,
        "d_head": facts.d_head,
        "d_mlp": facts.d_mlp,
        "vocab_size": facts.n_vocab,
        "n_ctx": facts.n_ctx,
        "norm_eps": facts.norm.eps,
        "dtype": "float32",
        "training_steps": step,
    });
    format!("{config:#}\n")
}

fn serialize(model: &Transformer, step: usize, seed: u64) -> Result<Vec<u8>, String> {
    let tensors = tensors(model);
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(|error| error.to_string())?;
            Ok((name.as_str(), view))
        })
        .collect::<Result<Vec<_>, String>>()?;
    // One entry only: several would be written in an order that differs from run to run.
    let metadata = HashMap::from([("training".to_string(), format!("step {step}, seed {seed}"))]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
}

type NamedTensor = (String, Vec<usize>, Vec<u8>);

/// Every weight under its canonical name, matrices as they are multiplied, `[d_in, d_out]`.
fn tensors(model: &Transformer) -> Vec<NamedTensor> {
    let mut all = Vec::new();
    all.extend(model.embed.as_ref().map(|table| named("embed.weight".into(), table)));
    all.extend(model.pos_embed.as_ref().map(|table| named("pos_embed.weight".into(), table)));
    for (layer, block) in model.blocks.iter().enumerate() {
        let at = |name: &str| format!("blocks.{layer}.{name}");
        let attention = &block.attention;
        let linears = [("q", &attention.q), ("k", &attention.k), ("v", &attention.v), ("o", &attention.o)];
        // What is trained has one MLP for all tokens.
        let mlp = block.mlp.dense().into_iter().flat_map(|mlp| {
            let gate = mlp.gate.as_ref().map(|gate| ("gate", gate));
            gate.into_iter().chain([("up", &mlp.up), ("down", &mlp.down)])
        });
        all.extend(linears.into_iter().chain(mlp).map(|(name, linear)| linear_weight(at(name), linear)));
        all.extend(block.ln1.as_ref().and_then(|ln1| norm_weight(at("ln1"), ln1)));
        all.extend(block.ln2.as_ref().and_then(|ln2| norm_weight(at("ln2"), ln2)));
    }
    all.extend(norm_weight("ln_final".into(), &model.ln_final));
    all.push(linear_weight("unembed".into(), &model.unembed));
    all
}

fn linear_weight(name: String, linear: &Linear) -> NamedTensor {
    named(format!("{name}.weight"), &linear.weight)
}

fn norm_weight(name: String, norm: &Norm) -> Option<NamedTensor> {
    norm.scale.as_ref().map(|scale| named(format!("{name}.weight"), scale))
}

fn named<const D: usize>(name: String, weight: &Param<Tensor<D>>) -> NamedTensor {
    let weight = weight.val();
    let shape = weight.dims().to_vec();
    let values: Vec<f32> = weight.into_data().try_into_vec().expect("training is in f32");
    (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), SaveError> {
    Ok(write_atomic(path, |out| out.write_all(bytes))?)
}
