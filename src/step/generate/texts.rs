//! Texts as they are written: the tokens of a model, where they end, and what they say.

use crate::intervene::TextEnd;
use crate::model::tokenizer::Tokenizer;
use crate::spec::step::Generate;
use serde::{Deserialize, Serialize};

/// One text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrittenText {
    /// Its tokens, the one that ends it included.
    pub tokens: Vec<u32>,
    /// Why there are no more.
    pub end: TextEnd,
    /// Mean of the logarithms of its tokens' probabilities under the run that wrote it.
    pub own: f64,
    /// The same for the model as it is.
    pub clean: f64,
}

/// Why texts end, as rows say it.
pub const ENDS: [&str; 4] = ["stop", "length", "positions", "not-a-number"];

/// As [`ENDS`] has it.
pub fn end_name(end: TextEnd) -> &'static str {
    match end {
        TextEnd::Stopped => ENDS[0],
        TextEnd::Length => ENDS[1],
        TextEnd::Positions => ENDS[2],
        TextEnd::NotANumber => ENDS[3],
    }
}

/// What texts are read with.
pub struct TextReader<'r> {
    /// The model's tokenizer.
    pub tokenizer: &'r Tokenizer,
    /// What ends texts.
    pub step: &'r Generate,
}

impl TextReader<'_> {
    /// Whether a text ends with its last token.
    pub fn stops(&self, prompt: &[u32], tokens: &[u32]) -> bool {
        let ended = tokens.last().is_some_and(|last| self.is_end(*last));
        // A text that ends another can only be there with its last letter.
        ended || (!self.step.stop.is_empty() && self.first_stop(&self.written(prompt, tokens)).is_some())
    }

    /// What a text says: up to the token, or the text, that ends it.
    pub fn text(&self, prompt: &[u32], tokens: &[u32]) -> String {
        let said = match tokens.split_last() {
            Some((last, before)) if self.is_end(*last) => before,
            _ => tokens,
        };
        let mut text = self.written(prompt, said);
        if let Some(place) = self.first_stop(&text) {
            text.truncate(place);
        }
        text
    }

    fn is_end(&self, token: u32) -> bool {
        self.step.stop_at_end && self.tokenizer.ends().contains(&token)
    }

    /// The byte where the first of the texts that end one begins.
    fn first_stop(&self, text: &str) -> Option<usize> {
        self.step.stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str())).min()
    }

    /// The tokens after a prompt as text. Decoded with it, because some tokenizers drop a leading space from a text's first token.
    fn written(&self, prompt: &[u32], tokens: &[u32]) -> String {
        // An id beyond the tokenizer's vocabulary (rows that pad the embedding) has no text.
        let known = |ids: &[u32]| -> Vec<u32> {
            ids.iter().copied().filter(|&id| self.tokenizer.token(id).is_some()).collect()
        };
        let (prompt, tokens) = (known(prompt), known(tokens));
        let decoded = |ids: &[u32]| self.tokenizer.decode(ids).unwrap_or_default();
        let (before, whole) = (decoded(&prompt), decoded(&[prompt.as_slice(), tokens.as_slice()].concat()));
        whole.strip_prefix(&before).map_or_else(|| decoded(&tokens), str::to_string)
    }
}
