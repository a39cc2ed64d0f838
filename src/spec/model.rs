//! `[model]` and `[models.NAME]`: which weights, where they run, and how they are processed first.

use super::device::Devices;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A model: where its weights come from, the device and precision it runs in, and the processing of its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// `builtin:arith`, a Hugging Face directory, a `.gguf` file, `hf:owner/name@revision`, or
    /// `random:CONFIG.json#SEED`. A path is taken relative to the spec that names it.
    #[schemars(length(min = 1))]
    pub source: String,
    /// Checkpoints of the source, each run in turn: revisions of `hf:`, or subfolders of a directory; no other
    /// source has any. Left out: the source itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checkpoints: Vec<String>,
    /// `cpu`, `cuda:0`, `gpu:0`; or a list of several of one kind (`["cuda:0", "cuda:1"]`), which share the rows of interventions. Each
    /// holds the model, or, where it does not fit, a part of its layers, which it lends to the others.
    #[serde(default)]
    pub device: Devices,
    /// Precision the weights are held and multiplied in.
    #[serde(default)]
    pub dtype: Dtype,
    /// How weights are held in memory.
    #[serde(default, skip_serializing_if = "Storage::is_dtype")]
    pub storage: Storage,
    /// The most memory that the weights may take, in MiB. If they need more, the embedding, the unembedding and as many
    /// of the first layers as fit stay in memory. Each other layer is read from its file whenever it is used
    /// (docs/larger-than-memory.md). Of several devices, it is the budget of each. Changes no number. Left out: all weights stay in
    /// memory.
    #[schemars(range(min = 1))]
    pub memory_mib: Option<usize>,
    /// Rewriting of the weights before use; leaves every probability as it is.
    #[serde(default)]
    pub processing: Processing,
    /// Whether a beginning-of-text token is put before each prompt. Left out: as the model's tokenizer says.
    pub bos: Option<bool>,
}

impl Model {
    /// The model of a source, all else as where a spec says no more.
    pub fn of(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            checkpoints: Vec::new(),
            device: Devices::default(),
            dtype: Dtype::default(),
            storage: Storage::default(),
            memory_mib: None,
            processing: Processing::default(),
            bos: None,
        }
    }

    /// What becomes of the weights: of those that are held as they are stored, nothing.
    pub fn processed(&self) -> Processing {
        match self.storage {
            Storage::Dtype => self.processing,
            Storage::AsStored => Processing::NONE,
        }
    }
}

/// Weight processing (paper §2, appendix; `HookedTransformer`'s `fold_ln`, `center_unembed`, `center_writing_weights`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Processing {
    /// Fold each norm's scale (and shift) into the linear map that reads it.
    pub fold_norm: bool,
    /// Subtract from the unembedding its mean over the vocabulary: shifts the logits of a position by a constant.
    pub center_unembed: bool,
    /// Subtract from every weight that writes to the residual stream its mean over `d_model`. For layer-norm models
    /// only; left out for models with RMS norms, whose outputs it would change.
    pub center_writing: bool,
}

impl Default for Processing {
    /// As the paper loads its models.
    fn default() -> Self {
        Self { fold_norm: true, center_unembed: true, center_writing: true }
    }
}

impl Processing {
    /// The weights as they are stored.
    pub const NONE: Self = Self { fold_norm: false, center_unembed: false, center_writing: false };
}

/// Precision of weights and activations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 32-bit IEEE float.
    #[default]
    F32,
    /// 16-bit brain float.
    Bf16,
    /// 16-bit IEEE float.
    F16,
}

/// How weights are held in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// In `dtype`.
    #[default]
    Dtype,
    /// As the file has them, with `dtype = "f32"` only. A matrix whose values are all exact in `bf16`, or all in `f16`,
    /// is held in that type and widened as it is used; most published models are like that. This takes half the memory
    /// and gives, to the bit, the numbers of the same weights held in `f32`. Weights are not processed, whatever
    /// `processing` says, because folded or centred values are of neither type.
    AsStored,
}

impl Storage {
    /// Whether it is the default, which is not written down.
    fn is_dtype(&self) -> bool {
        *self == Storage::Dtype
    }
}
