//! Templates: text with named slots, `{a}{op}{b}=`. `{{` and `}}` stand for the braces themselves.

use crate::spec::nearest;
use std::ops::Range;

/// What a slot is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// First operand.
    A,
    /// Operator symbol.
    Op,
    /// Second operand.
    B,
    /// The answer; of completions only.
    Answer,
    /// A word.
    Word {
        /// Which slot: index into the names of the set's slots.
        slot: usize,
        /// Which of its places in the template, from 0; `None` outside templates, where a slot has one word.
        occurrence: Option<usize>,
    },
}

impl Slot {
    /// The slots of a prompt.
    pub const OF_PROMPTS: [Slot; 3] = [Slot::A, Slot::Op, Slot::B];
    /// The slot of a completion.
    pub const OF_COMPLETIONS: [Slot; 1] = [Slot::Answer];

    /// Which slot of words it is; `None` for those of arithmetic.
    pub fn word(self) -> Option<usize> {
        match self {
            Slot::Word { slot, .. } => Some(slot),
            _ => None,
        }
    }

    /// The name of a slot of arithmetic in a template, and of its position.
    pub fn name(self) -> &'static str {
        match self {
            Slot::A => "a",
            Slot::Op => "op",
            Slot::B => "b",
            Slot::Answer => "answer",
            Slot::Word { .. } => "word",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePiece {
    Text(String),
    Slot(Slot),
}

/// A parsed template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<TemplatePiece>,
}

/// What cannot be read in a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}', character {column}: {problem}")]
pub struct TemplateFault {
    /// The template.
    pub text: String,
    /// Character, from 1.
    pub column: usize,
    /// What is wrong and what to write.
    pub problem: String,
}

/// What slots are filled with.
pub trait Fill {
    /// Appends what a slot is filled with.
    fn fill(&self, slot: Slot, text: &mut String);
}

impl<F: Fill + ?Sized> Fill for &F {
    fn fill(&self, slot: Slot, text: &mut String) {
        (**self).fill(slot, text);
    }
}

impl Template {
    /// Reads a template that may use `allowed` slots, each at most once.
    ///
    /// # Errors
    /// An unknown or repeated slot, or a brace without its partner, with the column (counted in characters from 1).
    pub fn parse(text: &str, allowed: &[Slot]) -> Result<Template, TemplateFault> {
        Self::read(text, |name, before| {
            let slot = find_slot(name, allowed)?;
            match before.contains(&TemplatePiece::Slot(slot)) {
                true => Err(format!("slot {{{name}}} occurs twice; write it once")),
                false => Ok(slot),
            }
        })
    }

    /// Reads a template with slots of words by name, each as often as it likes.
    ///
    /// # Errors
    /// An unknown slot, or a brace without its partner, with the column (counted in characters from 1).
    pub fn parse_words(text: &str, names: &[String]) -> Result<Template, TemplateFault> {
        Self::read(text, |name, before| {
            let slot = find_word(name, names)?;
            let is = |piece: &&TemplatePiece| matches!(piece, TemplatePiece::Slot(Slot::Word { slot: other, .. }) if *other == slot);
            Ok(Slot::Word { slot, occurrence: Some(before.iter().filter(is).count()) })
        })
    }

    /// Reads what follows a template with slots of words.
    ///
    /// # Errors
    /// As [`Template::parse_words`].
    pub fn parse_after_words(text: &str, names: &[String]) -> Result<Template, TemplateFault> {
        Self::read(text, |name, _| Ok(Slot::Word { slot: find_word(name, names)?, occurrence: None }))
    }

    fn read(
        text: &str,
        mut find: impl FnMut(&str, &[TemplatePiece]) -> Result<Slot, String>,
    ) -> Result<Template, TemplateFault> {
        let broken = |column: usize, problem: String| TemplateFault { text: text.to_string(), column, problem };
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut chars = text.chars().enumerate().map(|(index, c)| (index + 1, c)).peekable();
        while let Some((column, c)) = chars.next() {
            match (c, chars.peek().map(|(_, next)| *next)) {
                ('{', Some('{')) | ('}', Some('}')) => {
                    chars.next();
                    literal.push(c);
                }
                ('}', _) => return Err(broken(column, "'}' has no '{' before it; write '}}' for a brace".into())),
                ('{', _) => {
                    let mut name = String::new();
                    loop {
                        match chars.next() {
                            Some((_, '}')) => break,
                            Some((_, inner)) => name.push(inner),
                            None => return Err(broken(column, "'{' is not closed; write '{{' for a brace".into())),
                        }
                    }
                    let slot = find(&name, &pieces).map_err(|problem| broken(column, problem))?;
                    if !literal.is_empty() {
                        pieces.push(TemplatePiece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(TemplatePiece::Slot(slot));
                }
                _ => literal.push(c),
            }
        }
        if !literal.is_empty() {
            pieces.push(TemplatePiece::Text(literal));
        }
        Ok(Template { pieces })
    }

    /// The template without spaces and line breaks at its end, and where `start` says so at its start.
    pub fn trimmed(&self, start: bool) -> Template {
        let mut pieces = self.pieces.clone();
        while start && let Some(TemplatePiece::Text(text)) = pieces.first_mut() {
            *text = text.trim_start().to_string();
            if !text.is_empty() {
                break;
            }
            pieces.remove(0);
        }
        while let Some(TemplatePiece::Text(text)) = pieces.last_mut() {
            *text = text.trim_end().to_string();
            if !text.is_empty() {
                break;
            }
            pieces.pop();
        }
        Template { pieces }
    }

    /// Whether a slot occurs.
    pub fn has(&self, slot: Slot) -> bool {
        self.pieces.contains(&TemplatePiece::Slot(slot))
    }

    /// Whether the last thing in it is this slot.
    pub fn ends_in(&self, slot: Slot) -> bool {
        self.pieces.last() == Some(&TemplatePiece::Slot(slot))
    }

    /// Its slots, in order.
    pub fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.pieces.iter().filter_map(|piece| match piece {
            TemplatePiece::Slot(slot) => Some(*slot),
            TemplatePiece::Text(_) => None,
        })
    }

    /// Its fixed texts, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            TemplatePiece::Text(text) => Some(text.as_str()),
            TemplatePiece::Slot(_) => None,
        })
    }

    /// The slot of a word that it is, but for spaces around it.
    pub fn word(&self) -> Option<usize> {
        let written = |piece: &&TemplatePiece| !matches!(piece, TemplatePiece::Text(text) if text.trim().is_empty());
        let mut pieces = self.pieces.iter().filter(written);
        match (pieces.next(), pieces.next()) {
            (Some(TemplatePiece::Slot(Slot::Word { slot, .. })), None) => Some(*slot),
            _ => None,
        }
    }

    /// Appends the template, filled in, to `text`.
    pub fn write(&self, with: impl Fill, text: &mut String) {
        for piece in &self.pieces {
            match piece {
                TemplatePiece::Text(literal) => text.push_str(literal),
                TemplatePiece::Slot(slot) => with.fill(*slot, text),
            }
        }
    }

    /// Appends the template, filled in, to `text`, and returns the bytes of `text` that each slot takes, in template order.
    pub fn render(&self, with: impl Fill, text: &mut String) -> Vec<(Slot, Range<usize>)> {
        let mut spans = Vec::with_capacity(3);
        for piece in &self.pieces {
            let start = text.len();
            match piece {
                TemplatePiece::Text(literal) => text.push_str(literal),
                TemplatePiece::Slot(slot) => {
                    with.fill(*slot, text);
                    spans.push((*slot, start..text.len()));
                }
            }
        }
        spans
    }
}

fn find_word(name: &str, names: &[String]) -> Result<usize, String> {
    names.iter().position(|known| known == name).ok_or_else(|| {
        let advice = match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("write {{{near}}}"),
            None => format!("write words for it: slots.{name} = [\"…\"], or '{{{{' for a brace"),
        };
        format!("no slot {{{name}}}; {advice}")
    })
}

fn find_slot(name: &str, allowed: &[Slot]) -> Result<Slot, String> {
    allowed.iter().find(|slot| slot.name() == name).copied().ok_or_else(|| {
        let names: Vec<String> = allowed.iter().map(|slot| format!("{{{}}}", slot.name())).collect();
        format!("no slot {{{name}}}; write {}, or '{{{{' for a brace", names.join(", "))
    })
}
