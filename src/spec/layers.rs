//! Layers, as a spec writes them: numbers, or `{probes}`, those that the step `probes` finds.

use super::numbers::Numbers;
use std::fmt;
use std::ops::Range;

/// A set of layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layers {
    /// Written out: `*`, `15`, `16..32`, `{0,3}`.
    Written(Numbers),
    /// `{NAME}`: the answer-writing layers that the step of that name, of kind `probe`, finds in the model at hand. Before it
    /// has run they stand for all layers.
    Probed(String),
}

impl Layers {
    /// Reads layers.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match probe_in(text) {
            Some(name) if name == (1..text.len() - 1) => Ok(Layers::Probed(text[name].to_string())),
            _ => Numbers::parse(text).map(Layers::Written).map_err(|problem| match text.starts_with('{') {
                true => format!("{problem}; or '{{NAME}}' for the layers that the step NAME of kind \"probe\" finds"),
                false => problem,
            }),
        }
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layers::Written(numbers) => numbers.fmt(f),
            Layers::Probed(name) => write!(f, "{{{name}}}"),
        }
    }
}

/// Where a text that says layers, sites, components or receivers has the name of a step that finds the layers: the bytes
/// between the braces. Braces around numbers have none.
pub fn probe_in(text: &str) -> Option<Range<usize>> {
    let open = text.find('{')?;
    let close = open + text.get(open..)?.find('}')?;
    let name = text.get(open + 1..close)?;
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let is_name = !name.is_empty() && name.chars().all(fits) && name.parse::<usize>().is_err();
    is_name.then_some(open + 1..close)
}
