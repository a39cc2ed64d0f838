//! Which tensor of a file is which weight: the names of the file beside those that a family calls for.

use std::collections::{HashMap, HashSet};

use super::family::names::ModelNames;
use super::weights::{NumberFormat, TensorInfo, WeightSource};

/// Segments that trainers and compilers put into names around a module (`torch.compile`, data parallel, FSDP, checkpointing).
const WRAPPERS: [&str; 5] =
    ["_orig_mod", "module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"];
/// What holds a model that was saved as a part of something else.
const HOLDERS: [&str; 4] = ["model.", "base_model.", "pretrained_model.", "language_model."];
/// What stands beside the language model in models that also see or hear.
const OTHER_PARTS: [&str; 6] =
    ["vision_tower", "vision_model", "visual", "multi_modal_projector", "audio_tower", "embed_vision"];

/// The tensors of a file, told apart.
#[derive(Debug, Default)]
pub(super) struct Matching {
    /// Name in the file of each weight, by the family's name.
    stored: HashMap<String, String>,
    /// Masks and rotary tables that some versions store.
    pub buffers: Vec<String>,
    /// Tensors of other parts beside the model: a value head, a classifier.
    pub beside: Vec<String>,
    /// Tensors within the model that are none of its weights.
    pub unexpected: Vec<String>,
    /// Tensors of an adapter that is not merged into the weights.
    pub adapter: Vec<String>,
    /// Scales and codes of quantised weights.
    pub quantised: Vec<String>,
    /// Weights that are there twice: the family's name, and both names in the file.
    pub twice: Vec<(String, String, String)>,
}

impl Matching {
    /// Tells apart the tensors of `source`; `wanted` are the family's names of weights.
    pub fn new(names: &ModelNames, wanted: &HashSet<&str>, source: &dyn WeightSource) -> Self {
        let mut matching = Self::default();
        let roots: HashSet<&str> =
            wanted.iter().map(|name| root(name.strip_prefix(names.prefix).unwrap_or(name))).collect();
        for (name, info) in source.tensors() {
            let plain = unwrapped(name);
            if let Some(weight) = weight(&plain, names, wanted) {
                if let Some(other) = matching.stored.insert(weight.clone(), name.clone()) {
                    matching.twice.push((weight, other, name.clone()));
                }
                continue;
            }
            let inner = held(&plain, names.prefix);
            let within = inner.strip_prefix(names.prefix).filter(|_| !names.prefix.is_empty());
            let of_model = within.is_some_and(|within| !OTHER_PARTS.contains(&root(within)));
            let kind = if is_buffer(&plain, info, names.buffers) {
                &mut matching.buffers
            } else if is_adapter(&plain) {
                &mut matching.adapter
            } else if is_quantised(&plain) {
                &mut matching.quantised
            } else if names.prefix.is_empty() || of_model || roots.contains(root(inner)) {
                &mut matching.unexpected
            } else {
                &mut matching.beside
            };
            kind.push(name.clone());
        }
        matching
    }

    /// The file's name of a weight; the family's where the file has none.
    pub fn stored<'a>(&'a self, weight: &'a str) -> &'a str {
        self.stored.get(weight).map_or(weight, String::as_str)
    }

    /// Whether the file has a weight.
    pub fn has(&self, weight: &str) -> bool {
        self.stored.contains_key(weight)
    }

    /// Whether the file has none of the weights at all.
    pub fn is_empty(&self) -> bool {
        self.stored.is_empty()
    }
}

/// The weight of this name: as it is, without what holds the model, with the family's prefix, or by another name.
fn weight(plain: &str, names: &ModelNames, wanted: &HashSet<&str>) -> Option<String> {
    let known = |name: &str| {
        let alias = names.aliases.iter().find(|(alias, _)| *alias == name).map(|(_, name)| *name);
        let name = alias.unwrap_or(name);
        let prefixed = format!("{}{name}", names.prefix);
        if wanted.contains(name) {
            Some(name.to_owned())
        } else {
            wanted.contains(prefixed.as_str()).then_some(prefixed)
        }
    };
    known(plain).or_else(|| {
        let inner = HOLDERS.iter().find_map(|holder| plain.strip_prefix(holder))?;
        weight(inner, names, wanted)
    })
}

/// A name without the segments of wrappers.
fn unwrapped(name: &str) -> String {
    name.split('.').filter(|segment| !WRAPPERS.contains(segment)).collect::<Vec<_>>().join(".")
}

/// A name without what holds the model.
fn held<'a>(plain: &'a str, prefix: &str) -> &'a str {
    let inner = HOLDERS.iter().find_map(|holder| plain.strip_prefix(holder));
    match inner.filter(|_| prefix.is_empty() || !plain.starts_with(prefix)) {
        Some(inner) => held(inner, prefix),
        None => plain,
    }
}

/// The part of a model that a name is of.
fn root(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// A mask or a table by its name. A vector of floats may be a bias of that name, which is none of the family's.
fn is_buffer(plain: &str, info: &TensorInfo, endings: &[&str]) -> bool {
    let floats = !matches!(info.stored, NumberFormat::Other(_));
    let vector = floats && info.shape.len() == 1 && info.shape[0] > 1;
    endings.iter().any(|ending| plain.ends_with(ending)) && (!vector || plain.ends_with("inv_freq"))
}

fn is_adapter(plain: &str) -> bool {
    [".lora_", ".base_layer.", ".ia3_", "prompt_embeddings", ".oft_", ".hada_"].iter().any(|part| plain.contains(part))
}

/// What GPTQ, AWQ, bitsandbytes and the 8-bit formats put beside or in place of a weight.
fn is_quantised(plain: &str) -> bool {
    const ENDINGS: [&str; 10] = [
        ".qweight",
        ".qzeros",
        ".scales",
        ".g_idx",
        ".absmax",
        ".quant_map",
        ".SCB",
        ".weight_scale",
        ".weight_scale_inv",
        ".input_scale",
    ];
    ENDINGS.iter().any(|ending| plain.ends_with(ending)) || plain.contains(".weight.quant_state")
}

/// A list of names for a sentence, the first few of many.
pub(super) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = names.iter().take(SHOWN).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}
