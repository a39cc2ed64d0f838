//! Windows of attention from a GGUF file's metadata, and the layers that have them.

use crate::counted::counted;
use serde_json::{Map, Value};

use super::metadata::Metadata;

/// Which layers a window is for, where the file does not say it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlidingLayers {
    /// All; the family's configuration has no word for it.
    All,
    /// As the family has it.
    OfFamily,
    /// All but each nth: llama.cpp's pattern for the architecture.
    AllButEach(u64),
}

/// What an architecture has of windows.
pub(super) struct WindowConvention {
    /// The layers that a window is for.
    pub layers: SlidingLayers,
    /// The window where the file has none.
    pub silent: Option<u64>,
    /// Models with a window that llama.cpp's converter does not write.
    pub lost: &'static [LostWindow],
}

/// A model whose files have lost its window, by the base of its rotation and its shape.
pub(super) struct LostWindow {
    pub model: &'static str,
    pub tokens: u64,
    pub base: f64,
    /// Names after the architecture's, with the values.
    pub shape: &'static [(&'static str, u64)],
}

/// What most have.
pub(super) const USUAL: WindowConvention = WindowConvention { layers: SlidingLayers::All, silent: None, lost: &[] };

/// A window in all layers but each nth.
pub(super) const fn all_but_each(period: u64) -> WindowConvention {
    WindowConvention { layers: SlidingLayers::AllButEach(period), ..USUAL }
}

/// What was found.
pub(super) struct FoundWindow {
    pub tokens: Option<usize>,
    pub notes: Vec<String>,
}

/// Beyond any number of layers that a family takes.
const MOST_LAYERS: u64 = 1 << 16;

/// The window of a file, in tokens.
pub(super) fn tokens(
    metadata: &Metadata,
    architecture: &str,
    convention: &WindowConvention,
) -> Result<Option<u64>, String> {
    let tokens = metadata.count(&key(architecture))?.or(convention.silent);
    Ok(tokens.filter(|&tokens| tokens > 0))
}

fn key(architecture: &str) -> String {
    format!("{architecture}.attention.sliding_window")
}

/// Writes the window into `config`, with the kind of every layer where the family has more than one.
pub(super) fn read(
    metadata: &Metadata,
    architecture: &str,
    convention: &WindowConvention,
    tokens: Option<u64>,
    config: &mut Map<String, Value>,
) -> Result<FoundWindow, String> {
    let key = key(architecture);
    let mut notes = Vec::new();
    match (convention.layers, tokens) {
        (SlidingLayers::All, None) => notes.extend(lost(metadata, architecture, convention.lost)?),
        (SlidingLayers::All, Some(_)) => {}
        (SlidingLayers::OfFamily, None) => drop(config.insert("sliding_window".into(), Value::Null)),
        (SlidingLayers::OfFamily, Some(tokens)) => {
            notes.push(format!(
                "attention sees {tokens} tokens ('{key}'), as in transformers; llama.cpp has it see all in {architecture}"
            ));
            config.insert("sliding_window".into(), tokens.into());
        }
        (SlidingLayers::AllButEach(period), tokens) => {
            let layers = metadata.count(&format!("{architecture}.block_count"))?.unwrap_or_default().min(MOST_LAYERS);
            let slides = slides(metadata, &format!("{key}_pattern"), period, layers)?;
            let kind = |slides| if slides && tokens.is_some() { "sliding_attention" } else { "full_attention" };
            config.insert("layer_types".into(), slides.into_iter().map(kind).collect());
            config.insert("sliding_window".into(), tokens.map_or(Value::Null, Into::into));
        }
    }
    let tokens = tokens.map(|tokens| usize::try_from(tokens).map_err(|_| format!("metadata '{key}' is {tokens}")));
    Ok(FoundWindow { tokens: tokens.transpose()?, notes })
}

/// Whether each layer has the window: by a list of one truth value for each, or by a number n, so that all have but each nth.
fn slides(metadata: &Metadata, key: &str, period: u64, layers: u64) -> Result<Vec<bool>, String> {
    if let Some(listed) = metadata.flags(key)? {
        return match listed.len() as u64 == layers {
            true => Ok(listed),
            false => {
                Err(format!("metadata '{key}' has {} for {}", counted(listed.len(), "value"), counted(layers, "layer")))
            }
        };
    }
    let period = metadata.count(key)?.unwrap_or(period);
    // Nought is llama.cpp's word for a window in every layer.
    Ok((0..layers).map(|layer| layer % period.max(1) + 1 < period || period == 0).collect())
}

/// What to say of a file that seems to be of one of these models.
fn lost(metadata: &Metadata, architecture: &str, models: &[LostWindow]) -> Result<Option<String>, String> {
    let base = metadata.number(&format!("{architecture}.rope.freq_base"))?.unwrap_or(10_000.0);
    for LostWindow { model, tokens, shape, .. } in models.iter().filter(|model| model.base == base) {
        let mut alike = true;
        for (setting, expected) in *shape {
            alike = alike && metadata.uniform(&format!("{architecture}.{setting}"))? == Some(*expected);
        }
        if alike {
            return Ok(Some(format!(
                "the file has the shape of {model}, whose attention has a window of {tokens} tokens; llama.cpp's converter does not \
                 write the window, so that longer prompts are computed without it, as in llama.cpp"
            )));
        }
    }
    Ok(None)
}
