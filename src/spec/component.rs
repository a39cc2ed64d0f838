//! Components of a model, as a spec writes them: `L15H13`, `L3MLP`, `L3N17`; with sets: `L*H*`, `L0..4MLP`, `L3N0,7,20..30`,
//! `L{probes}N*`.

use super::layers::Layers;
use super::numbers::Numbers;

/// Components of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentPattern {
    /// In these layers.
    pub layers: Layers,
    /// Which.
    pub kind: ComponentKind,
}

/// Kinds of component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComponentKind {
    /// Attention heads (query heads), at `attn.hook_z`.
    Heads(Numbers),
    /// The whole MLP, at `mlp.hook_post`.
    Mlp,
    /// Neurons of the MLP, at `mlp.hook_post`.
    Neurons(Numbers),
}

impl ComponentPattern {
    /// Reads components.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is not a component; write 'L15H13' (a head), 'L3MLP', 'L3N17' (a neuron), or sets: 'L*H*', 'L0..4MLP'"
            )
        };
        let rest = text.trim().strip_prefix('L').ok_or_else(wrong)?;
        // The name of a step within braces may have any letters.
        let named = if rest.starts_with('{') { rest.find('}').ok_or_else(wrong)? } else { 0 };
        let after = rest.get(named..).unwrap_or_default();
        let at = named + after.find(|letter: char| letter.is_ascii_uppercase()).ok_or_else(wrong)?;
        let (layers, kind) = rest.split_at(at);
        let layers = Layers::parse(layers).map_err(|_| wrong())?;
        let kind = match kind {
            "MLP" => ComponentKind::Mlp,
            _ => match kind.split_at(1) {
                ("H", heads) => ComponentKind::Heads(Numbers::parse(heads).map_err(|_| wrong())?),
                ("N", neurons) => ComponentKind::Neurons(Numbers::parse(neurons).map_err(|_| wrong())?),
                _ => return Err(wrong()),
            },
        };
        Ok(Self { layers, kind })
    }
}

/// What a path ends in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiverPattern {
    /// An input of heads: `L15H13.q`, `.k` or `.v`; the heads are query heads, those that share a key/value head share its
    /// keys and values.
    Head {
        /// In these layers.
        layers: Layers,
        /// Which heads.
        heads: Numbers,
        /// Which input.
        input: HeadInput,
    },
    /// The input of MLPs: `L3MLP`.
    Mlp(Layers),
    /// The final norm's input: `logits`.
    Logits,
}

/// Inputs of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeadInput {
    /// Queries.
    Q,
    /// Keys.
    K,
    /// Values.
    V,
}

impl ReceiverPattern {
    /// Reads receivers.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a receiver; write 'L15H13.q' (or .k, .v), 'L3MLP' or 'logits'");
        if text.trim() == "logits" {
            return Ok(ReceiverPattern::Logits);
        }
        let (component, input) = match text.trim().rsplit_once('.') {
            Some((component, "q")) => (component, Some(HeadInput::Q)),
            Some((component, "k")) => (component, Some(HeadInput::K)),
            Some((component, "v")) => (component, Some(HeadInput::V)),
            _ => (text.trim(), None),
        };
        match (ComponentPattern::parse(component).map_err(|_| wrong())?, input) {
            (ComponentPattern { layers, kind: ComponentKind::Heads(heads) }, Some(input)) => {
                Ok(ReceiverPattern::Head { layers, heads, input })
            }
            (ComponentPattern { layers, kind: ComponentKind::Mlp }, None) => Ok(ReceiverPattern::Mlp(layers)),
            _ => Err(wrong()),
        }
    }
}
