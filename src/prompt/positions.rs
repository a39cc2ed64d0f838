//! Positions by name: where the slots and the fixed tokens of a template stand.

use super::error::PromptError;
use super::set::{Prompt, PromptSet};
use indexmap::IndexMap;

/// Name of the beginning-of-text token's position.
pub const BOS: &str = "bos";
/// Name of the last position.
pub const LAST: &str = "last";

/// The positions of one template, the same in each of its prompts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplatePositions {
    /// Tokens of each prompt, the beginning-of-text token included.
    pub length: usize,
    /// Position by name: `bos`, the slots (`a`, `op`, `b`, or those of words, of several places each: `s`, `s.2`), `last`, and each token of fixed text (such as `=`) that occurs
    /// once after the shots, by its text without spaces around it.
    pub names: IndexMap<String, usize>,
}

impl PromptSet {
    /// The positions of a template.
    ///
    /// # Errors
    /// When a slot is more than one token or shares one, with the tokens; when prompts differ in length; when the set
    /// has no such template.
    pub fn positions(&self, template: &str) -> Result<TemplatePositions, PromptError> {
        let unknown = || PromptError::NoTemplate(template.to_string());
        let index = self.templates.iter().position(|t| t.name == template).ok_or_else(unknown)?;
        let about = &self.templates[index];
        let prompts: Vec<&Prompt> = self.prompts.iter().filter(|prompt| prompt.template == index).collect();
        let first = *prompts.first().ok_or_else(unknown)?;
        let refused = |slot: &str, why: String| PromptError::NoPosition {
            slot: slot.to_string(),
            template: template.to_string(),
            why,
        };

        let mut names = IndexMap::new();
        if self.bos.is_some() {
            names.insert(BOS.to_string(), 0);
        }
        for (index, slot) in about.places.iter().enumerate() {
            let of = |prompt: &Prompt| prompt.slots.get(index).copied().flatten();
            let Some(place) = of(first) else { continue };
            let single = |prompt: &&&Prompt| of(prompt).is_some_and(|tokens| tokens.count == 1 && tokens.own);
            if let Some(bad) = prompts.iter().find(|prompt| !single(prompt)) {
                let shown = about.unplaced.as_ref().filter(|(other, _)| *other == index);
                let example =
                    shown.map_or(format!("in {:?} it is not one token", bad.text), |(_, tokens)| tokens.clone());
                let what = if first.calculation().is_some() { "operands" } else { "words" };
                let fix = format!("write {what} that are one token each, or a model whose tokenizer has them so");
                return Err(refused(slot, format!("{example}; {fix}")));
            }
            if let Some(other) = prompts.iter().find(|prompt| of(prompt).map(|s| s.first) != Some(place.first)) {
                let why = format!("its place in {:?} differs from that in {:?}", other.text, first.text);
                return Err(refused(slot, why));
            }
            names.insert(slot.clone(), place.first);
        }
        let length = first.tokens.len();
        if let Some(other) = prompts.iter().find(|prompt| prompt.tokens.len() != length) {
            let why = format!("{:?} and {:?} differ in their number of tokens", first.text, other.text);
            return Err(refused(about.places.last().map_or(LAST, String::as_str), why));
        }
        for (position, text) in &about.literals {
            let once = about.literals.iter().filter(|(_, other)| other == text).count() == 1;
            let fixed = prompts.iter().all(|prompt| prompt.tokens.get(*position) == first.tokens.get(*position));
            if once && fixed && !names.contains_key(text) {
                names.insert(text.clone(), *position);
            }
        }
        names.insert(LAST.to_string(), length - 1);
        Ok(TemplatePositions { length, names })
    }
}
