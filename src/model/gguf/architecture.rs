//! The architectures of GGUF files that are read: each is one entry of a table, which no other file here asks by name.

use super::metadata::Metadata;
use super::rotation::{self, HeadWidth, LocalBase, RotationConvention};
use super::windows::{self, LostWindow, SlidingLayers, WindowConvention};

/// An architecture that is read, by its value of `general.architecture`.
pub(super) struct Architecture {
    pub name: &'static str,
    /// `model_type` of the family that describes it.
    pub family: &'static str,
    pub settings: &'static [&'static [GgufSetting]],
    /// Whether llama.cpp's converter reorders the rows of q and k, so that pairs of rotated dimensions are neighbours.
    pub interleaved: bool,
    /// Whether an MLP without a gate of its own has it in front of the other map.
    pub fused_gate: bool,
    pub window: WindowConvention,
    /// As what a file with a window is read, where that is another family.
    pub windowed: Option<&'static Architecture>,
    /// None where positions are learned.
    pub rotation: Option<RotationConvention>,
    /// Layers of the largest model, where that scales the scores of attention by another width than the others; files do not
    /// say which, and llama.cpp knows it by these (`src/models/gemma2.cpp`, `gemma3.cpp`).
    pub largest: Option<u64>,
}

/// Name after the architecture's, the family's name for it, and whether it must be there.
pub(super) type GgufSetting = (&'static str, &'static str, bool);

/// What most have, and have in common with llama.
const USUAL: Architecture = Architecture {
    name: "llama",
    family: "llama",
    settings: &[LLAMA],
    interleaved: false,
    fused_gate: false,
    window: windows::USUAL,
    windowed: None,
    rotation: Some(rotation::USUAL),
    largest: None,
};

const ARCHITECTURES: [Architecture; 10] = [
    Architecture { interleaved: true, window: WindowConvention { lost: &[MISTRAL], ..windows::USUAL }, ..USUAL },
    Architecture { name: "qwen2", family: "qwen2", ..USUAL },
    Architecture { name: "qwen3", family: "qwen3", rotation: Some(OWN_WIDTH), ..USUAL },
    Architecture { name: "olmo2", family: "olmo2", windowed: Some(&OLMO3), ..USUAL },
    Architecture {
        name: "gemma2",
        family: "gemma2",
        settings: &[LLAMA, CAPS],
        // As llama.cpp and transformers take it.
        window: WindowConvention { silent: Some(4096), ..windows::all_but_each(2) },
        rotation: Some(OWN_WIDTH),
        largest: Some(46),
        ..USUAL
    },
    Architecture {
        name: "gemma3",
        family: "gemma3_text",
        settings: &[LLAMA, &[LOGIT_CAP]],
        window: windows::all_but_each(6),
        rotation: Some(RotationConvention { windowed: Some(LocalBase::Own(10_000.0)), ..OWN_WIDTH }),
        largest: Some(62),
        ..USUAL
    },
    Architecture {
        name: "phi3",
        family: "phi3",
        fused_gate: true,
        window: WindowConvention { layers: SlidingLayers::OfFamily, ..windows::USUAL },
        rotation: Some(RotationConvention {
            share: Some("partial_rotary_factor"),
            heads: HeadWidth::Even,
            longrope: true,
            ..rotation::USUAL
        }),
        ..USUAL
    },
    Architecture { name: "smollm3", family: "smollm3", interleaved: true, ..USUAL },
    Architecture {
        name: "gptneox",
        family: "gpt_neox",
        settings: &[NEOX],
        rotation: Some(RotationConvention {
            base: "rotary_emb_base",
            share: Some("rotary_pct"),
            heads: HeadWidth::Even,
            ..rotation::USUAL
        }),
        ..USUAL
    },
    Architecture { name: "gpt2", family: "gpt2", settings: &[GPT2], rotation: None, ..USUAL },
];

/// llama.cpp has OLMo 3 as an OLMo 2 with a window; the class of OLMo 2 has none.
const OLMO3: Architecture = Architecture {
    name: "olmo2",
    family: "olmo3",
    window: windows::all_but_each(4),
    rotation: Some(RotationConvention { windowed: Some(LocalBase::OfAll), ..rotation::USUAL }),
    ..USUAL
};

/// Of families whose class has a width of a head of its own.
const OWN_WIDTH: RotationConvention = RotationConvention { heads: HeadWidth::Written, ..rotation::USUAL };

const MISTRAL: LostWindow = LostWindow {
    model: "Mistral 7B v0.1",
    tokens: 4096,
    base: 10_000.0,
    shape: &[
        ("context_length", 32_768),
        ("embedding_length", 4096),
        ("feed_forward_length", 14_336),
        ("block_count", 32),
        ("attention.head_count_kv", 8),
    ],
};

/// Names of the architectures that are read.
pub fn architectures() -> impl Iterator<Item = &'static str> {
    ARCHITECTURES.iter().map(|architecture| architecture.name)
}

const LLAMA: &[GgufSetting] = &[
    ("block_count", "num_hidden_layers", true),
    ("embedding_length", "hidden_size", true),
    ("feed_forward_length", "intermediate_size", true),
    ("context_length", "max_position_embeddings", true),
    ("attention.head_count", "num_attention_heads", true),
    ("attention.head_count_kv", "num_key_value_heads", false),
    ("attention.key_length", "head_dim", false),
    ("attention.layer_norm_rms_epsilon", "rms_norm_eps", true),
];

const LOGIT_CAP: GgufSetting = ("final_logit_softcapping", "final_logit_softcapping", false);
const CAPS: &[GgufSetting] = &[("attn_logit_softcapping", "attn_logit_softcapping", false), LOGIT_CAP];

const NEOX: &[GgufSetting] = &[
    ("block_count", "num_hidden_layers", true),
    ("embedding_length", "hidden_size", true),
    ("feed_forward_length", "intermediate_size", true),
    ("context_length", "max_position_embeddings", true),
    ("attention.head_count", "num_attention_heads", true),
    ("attention.layer_norm_epsilon", "layer_norm_eps", true),
    ("use_parallel_residual", "use_parallel_residual", false),
];

const GPT2: &[GgufSetting] = &[
    ("block_count", "n_layer", true),
    ("embedding_length", "n_embd", true),
    ("feed_forward_length", "n_inner", true),
    ("context_length", "n_positions", true),
    ("attention.head_count", "n_head", true),
    ("attention.layer_norm_epsilon", "layer_norm_epsilon", true),
];

/// What other kinds of files the format is used for, by `general.type`.
const OTHER_KINDS: [(&str, &str); 4] = [
    ("adapter", "an adapter (LoRA), not a model: merge it into its base model and convert that"),
    ("mmproj", "the image part of a model: give the file of its language model"),
    ("imatrix", "statistics for quantising, not a model"),
    ("vocab", "a vocabulary without a model"),
];

impl Architecture {
    /// Of the file with these metadata.
    pub fn of(metadata: &Metadata) -> Result<&'static Self, String> {
        let kind = metadata.text("general.type")?.unwrap_or("model");
        if let Some((_, what)) = OTHER_KINDS.iter().find(|(other, _)| *other == kind) {
            return Err(format!("metadata 'general.type' is '{kind}': {what}"));
        }
        let name = metadata.text("general.architecture")?;
        let name = name.ok_or("metadata 'general.architecture' is missing")?;
        ARCHITECTURES.iter().find(|known| known.name == name).ok_or_else(|| {
            let known = architectures().collect::<Vec<_>>().join(", ");
            format!("architecture '{name}' is not supported in GGUF files; supported: {known}")
        })
    }

    /// The name of a setting of this architecture.
    pub fn key(&self, setting: &str) -> String {
        format!("{}.{setting}", self.name)
    }

    /// Whether it has divisors of the rotary frequencies, of short and of long prompts.
    pub fn has_long_factors(&self) -> bool {
        self.rotation.as_ref().is_some_and(|rotation| rotation.longrope)
    }
}
