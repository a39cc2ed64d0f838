//! A model's own run, without any edit, whose logits are not finite: the first hook where such values stand, and the weights there
//! that hold them already. A run that is finite costs one look at its logits; only one that is not is made again to find the place.

use super::hook::{Hook, HookValue, Hooks, Site};
use super::transformer::{Tokens, Transformer};
use crate::kernel;
use crate::kernel::to_f32;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor};
use std::fmt;

/// Where a model's own run is not finite.
#[derive(Debug, Clone, PartialEq)]
pub struct NotFinite {
    /// The first hook with such values; none where they stand in the logits alone.
    hook: Option<Hook>,
    /// The first of the values: not a number, or infinite.
    value: f32,
    /// The tokens of the first prompt whose run it is.
    tokens: Vec<u32>,
    /// The first weights of that layer that are not finite themselves, and how many of them.
    weights: Option<(String, usize)>,
    /// What the model runs in.
    dtype: DType,
    /// Why a layer that is read while the model runs could not be read.
    unread: Option<String>,
}

impl std::error::Error for NotFinite {}

impl NotFinite {
    /// Looks at the logits `[prompt, n_vocab]` of the own run of some prompts.
    ///
    /// # Errors
    /// Logits that are not finite.
    pub fn check(transformer: &Transformer, tokens: &Tokens, logits: &Tensor<2>) -> Result<(), Self> {
        Self::check_read(transformer)?;
        if kernel::all_finite(logits) {
            return Ok(());
        }
        let n_vocab = logits.dims()[1].max(1);
        let values = to_f32(logits.clone());
        let (index, value) = first(&values).unwrap_or((0, f32::NAN));
        Err(Self::find(transformer, tokens.part(index / n_vocab..index / n_vocab + 1), value))
    }

    /// Looks whether every layer could be read that is not in memory: what was computed without one is not numbers.
    ///
    /// # Errors
    /// A layer that could not.
    pub fn check_read(transformer: &Transformer) -> Result<(), Self> {
        let Some(unread) = transformer.unread() else { return Ok(()) };
        let dtype = transformer.dtype();
        let unread = Some(unread.to_string());
        Err(Self { hook: None, value: f32::NAN, tokens: Vec::new(), weights: None, dtype, unread })
    }

    /// The same of logits in main memory.
    ///
    /// # Errors
    /// Logits that are not finite.
    pub(crate) fn check_values(transformer: &Transformer, tokens: &Tokens, logits: &[f32]) -> Result<(), Self> {
        Self::check_read(transformer)?;
        let n_vocab = (logits.len() / tokens.batch.max(1)).max(1);
        match first(logits) {
            None => Ok(()),
            Some((index, value)) => {
                Err(Self::find(transformer, tokens.part(index / n_vocab..index / n_vocab + 1), value))
            }
        }
    }

    /// Runs a prompt once more and looks at every hook.
    fn find(transformer: &Transformer, prompt: Tokens, logit: f32) -> Self {
        let mut finder = Finder { found: None };
        transformer.forward_last(&prompt, &mut finder);
        let (hook, value) = finder.found.map_or((None, logit), |(hook, value)| (Some(hook), value));
        let mut search = Search { within: prefix(hook), path: Vec::new(), found: None };
        transformer.visit(&mut search);
        if let Some(Hook::Block(layer, _)) = hook
            && layer >= transformer.blocks.len()
        {
            search.path = vec!["blocks".into(), layer.to_string()];
            transformer.layer(layer).visit(&mut search);
        }
        let dtype = transformer.dtype();
        Self { hook, value, tokens: prompt.ids, weights: search.found, dtype, unread: None }
    }
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(unread) = &self.unread {
            return write!(
                f,
                "a layer could not be read while the model ran (memory_mib of the model reads layers then), and what was computed since \
                 is not kept: {unread}"
            );
        }
        let value = match self.value {
            value if value.is_nan() => "values that are not numbers (NaN)",
            _ => "infinite values",
        };
        let place = match self.hook {
            Some(hook @ Hook::Block(layer, _)) => format!("appear first at {hook}, in layer {layer}"),
            Some(hook) => format!("appear first at {hook}"),
            None => "appear in its logits".to_string(),
        };
        let tokens = match self.tokens.as_slice() {
            [first @ .., _] if first.len() >= 32 => format!("{:?} and {} more", &first[..32], self.tokens.len() - 32),
            tokens => format!("{tokens:?}"),
        };
        write!(f, "the model's own run, without any edit, is not finite: {value} {place}, after tokens {tokens}; ")?;
        let half = self.dtype == DType::F16;
        match &self.weights {
            Some((name, count)) => {
                let (is, are) = if *count == 1 { ("value", "is") } else { ("values", "are") };
                write!(f, "{count} {is} of the weights {name} {are} not finite: ")?;
                match half {
                    true => f.write_str(
                        "the largest number of f16 is 65504; write dtype = \"bf16\" or \"f32\", and if that does not help, the file is damaged",
                    ),
                    false => f.write_str("the file is damaged, or was saved after its training diverged; get it again"),
                }
            }
            None if half => f.write_str(
                "its weights are finite, and values computed from them are beyond 65504, the largest number of f16; write \
                 dtype = \"bf16\" or \"f32\"",
            ),
            None => f.write_str(
                "its weights are finite, and values computed from them are not; check the numbers in its configuration, such as \
                 the norm's epsilon",
            ),
        }
    }
}

fn first(values: &[f32]) -> Option<(usize, f32)> {
    values.iter().copied().enumerate().find(|(_, value)| !value.is_finite())
}

/// Keeps the first hook with a value that is not finite.
struct Finder {
    found: Option<(Hook, f32)>,
}

impl Hooks for Finder {
    fn wants(&self, hook: Hook) -> bool {
        // Heads' results are large, and their sum is the next hook.
        self.found.is_none() && !matches!(hook, Hook::Block(_, Site::Result))
    }

    fn visit(&mut self, hook: Hook, value: HookValue) -> HookValue {
        let values = match &value {
            HookValue::Stream(tensor) => to_f32(tensor.clone()),
            HookValue::Heads(tensor) => to_f32(tensor.clone()),
        };
        // Where a key comes after the query its score is minus infinity.
        let masked = |value: f32| matches!(hook, Hook::Block(_, Site::AttnScores)) && value == f32::NEG_INFINITY;
        let found = values.into_iter().find(|&value| !value.is_finite() && !masked(value));
        self.found = self.found.or(found.map(|value| (hook, value)));
        value
    }
}

/// What the names of weights begin with that a hook is computed with.
fn prefix(hook: Option<Hook>) -> String {
    match hook {
        Some(Hook::Block(layer, _)) => format!("blocks.{layer}."),
        Some(Hook::Embed) => "embed.".into(),
        Some(Hook::PosEmbed) => "pos_embed.".into(),
        Some(Hook::LnFinalScale | Hook::LnFinalStandardized | Hook::LnFinalNormalized | Hook::LnFinalOut) => {
            "ln_final.".into()
        }
        None => "unembed.".into(),
    }
}

/// Looks for weights that are not finite, below one part of the model.
struct Search {
    within: String,
    path: Vec<String>,
    found: Option<(String, usize)>,
}

impl ModuleVisitor for Search {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        if self.found.is_some() || !format!("{name}.").starts_with(&self.within) {
            return;
        }
        let count = to_f32(param.val()).into_iter().filter(|value| !value.is_finite()).count();
        self.found = (count > 0).then(|| (named(&name), count));
    }

    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
}

/// The field's names of weights: `blocks.0.mlp.W_in`.
fn named(path: &str) -> String {
    let names = [
        ("attention.q.weight", "attn.W_Q"),
        ("attention.k.weight", "attn.W_K"),
        ("attention.v.weight", "attn.W_V"),
        ("attention.o.weight", "attn.W_O"),
        ("gate.weight", "W_gate"),
        ("up.weight", "W_in"),
        ("down.weight", "W_out"),
        ("router.weight", "W_router"),
        ("unembed.weight", "W_U"),
        ("pos_embed", "W_pos"),
        ("embed", "W_E"),
    ];
    // Which kind of MLP it is says the name itself: `mlp.W_in`, `mlp.experts.3.W_in`.
    let path = path.replace(".mlp.Dense.", ".mlp.").replace(".mlp.Mixture.", ".mlp.");
    let found = names.iter().find_map(|(own, name)| Some(format!("{}{name}", path.strip_suffix(own)?)));
    found.unwrap_or(path)
}
