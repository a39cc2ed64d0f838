//! Windows of attention from a GGUF file's metadata, and the layers that have them.

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

/// What was found.
pub(super) struct FoundWindow {
    pub tokens: Option<usize>,
    pub notes: Vec<String>,
}

/// Gemma 2's window where the file has none, as llama.cpp and transformers take it.
const GEMMA2: u64 = 4096;

/// Beyond any number of layers that a family takes.
const MOST_LAYERS: u64 = 1 << 16;

/// Writes the window into `config`, with the kind of every layer where the family has more than one.
pub(super) fn read(
    metadata: &Metadata,
    architecture: &str,
    sliding: SlidingLayers,
    config: &mut Map<String, Value>,
) -> Result<FoundWindow, String> {
    let key = format!("{architecture}.attention.sliding_window");
    let silent = (architecture == "gemma2").then_some(GEMMA2);
    let tokens = metadata.count(&key)?.or(silent).filter(|&tokens| tokens > 0);
    let mut notes = Vec::new();
    match (sliding, tokens) {
        (SlidingLayers::All, None) => notes.extend(lost(metadata, architecture)?),
        (SlidingLayers::All, Some(_)) => {}
        (SlidingLayers::OfFamily, None) => drop(config.insert("sliding_window".into(), Value::Null)),
        (SlidingLayers::OfFamily, Some(tokens)) => {
            notes.push(format!(
                "attention sees {tokens} tokens ('{key}'), as in transformers; llama.cpp has it see all in {architecture}"
            ));
            config.insert("sliding_window".into(), tokens.into());
        }
        // Without a window it is OLMo 2, whose class has neither key.
        (SlidingLayers::AllButEach(_), None) if architecture == "olmo2" => {}
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
            false => Err(format!("metadata '{key}' has {} values for {layers} layers", listed.len())),
        };
    }
    let period = metadata.count(key)?.unwrap_or(period);
    // Nought is llama.cpp's word for a window in every layer.
    Ok((0..layers).map(|layer| layer % period.max(1) + 1 < period || period == 0).collect())
}

/// What to say of a file that seems to have been a model with a window, which llama.cpp's converter does not write in llama.
fn lost(metadata: &Metadata, architecture: &str) -> Result<Option<String>, String> {
    let is = |setting: &str, expected: u64| {
        Ok::<_, String>(metadata.uniform(&format!("{architecture}.{setting}"))?.is_some_and(|found| found == expected))
    };
    let base = metadata.number(&format!("{architecture}.rope.freq_base"))?.unwrap_or(10_000.0);
    let mistral = architecture == "llama"
        && base == 10_000.0
        && is("context_length", 32_768)?
        && is("embedding_length", 4096)?
        && is("feed_forward_length", 14_336)?
        && is("block_count", 32)?
        && is("attention.head_count_kv", 8)?;
    Ok(mistral.then(|| {
        "this is the shape of Mistral 7B v0.1, whose attention sees 4096 tokens; llama.cpp's converter does not write that, and \
         longer prompts are computed without it, as by llama.cpp"
            .into()
    }))
}
