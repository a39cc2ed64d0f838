//! Positions by name: where the slots and the fixed tokens of a template stand in its prompts of one shape.

use super::error::PromptError;
use super::set::{Prompt, PromptSet, SetTemplate, SlotTokens};
use crate::counted::counted;
use indexmap::{IndexMap, IndexSet};

/// Name of the beginning-of-text token's position.
pub const BOS: &str = "bos";
/// Name of the last position.
pub const LAST: &str = "last";

/// The positions of prompts of one shape: the same in each of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplatePositions {
    /// Tokens of each prompt, the beginning-of-text token included.
    pub length: usize,
    /// Position by name: `bos`, the slots that are one token each (`a`, `op`, `b`, or those of words, of several places each: `s`,
    /// `s.2`), `last`, and each token of fixed text (such as `=`) that occurs once after the shots, by its text without spaces around it.
    pub names: IndexMap<String, usize>,
    /// The tokens of each slot, however many.
    pub slots: IndexMap<String, SlotSpan>,
}

/// The tokens of a slot in prompts of one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotSpan {
    /// Index of the first.
    pub first: usize,
    /// How many.
    pub count: usize,
    /// Whether they hold nothing else but white space.
    pub own: bool,
    /// Why the slot's own name is no position of the template: it is not one token in each of its prompts, or shares one.
    pub several: Option<String>,
}

/// Prompts of a template that have one length and their slots at the same tokens: those that share a batch and their positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptShape {
    /// Indices into the prompts of the set, ascending.
    pub prompts: Vec<usize>,
    /// Their positions.
    pub positions: TemplatePositions,
}

impl PromptSet {
    /// The prompts of a template by shape, in the order of the first prompt of each.
    ///
    /// # Errors
    /// When the set has no such template, or no prompt of it.
    pub fn shapes(&self, template: &str) -> Result<Vec<PromptShape>, PromptError> {
        let unknown = || PromptError::NoTemplate(template.to_string());
        let index = self.templates.iter().position(|t| t.name == template).ok_or_else(unknown)?;
        let mut shapes: IndexMap<(usize, &[Option<SlotTokens>]), Vec<usize>> = IndexMap::new();
        for (number, prompt) in self.prompts.iter().enumerate().filter(|(_, prompt)| prompt.template == index) {
            shapes.entry((prompt.tokens.len(), prompt.slots.as_slice())).or_default().push(number);
        }
        if shapes.is_empty() {
            return Err(unknown());
        }
        let positions = self.positions(template, shapes.keys().copied())?;
        let of = |(prompts, positions)| PromptShape { prompts, positions };
        Ok(shapes.into_values().zip(positions).map(of).collect())
    }

    /// The positions of prompts of a template that have this number of tokens and their slots there, which the set need not have; what has
    /// a name is as in its own prompts.
    ///
    /// # Errors
    /// When the set has no such template.
    pub fn positions<'p>(
        &self,
        template: &str,
        forms: impl Iterator<Item = (usize, &'p [Option<SlotTokens>])>,
    ) -> Result<Vec<TemplatePositions>, PromptError> {
        let index = self.templates.iter().position(|t| t.name == template);
        let index = index.ok_or_else(|| PromptError::NoTemplate(template.to_string()))?;
        let own: Vec<&Prompt> = self.prompts.iter().filter(|prompt| prompt.template == index).collect();
        let named = NamedPlaces::of(&self.templates[index], &own);
        Ok(forms.map(|(length, slots)| named.positions(length, slots, self.bos.is_some())).collect())
    }
}

/// What of a template has a name, whatever the shape of a prompt.
struct NamedPlaces<'t> {
    about: &'t SetTemplate,
    /// Why each place's own name is no position, where it is none.
    several: Vec<Option<String>>,
    /// Which of the fixed tokens are the same in all prompts, and no other token of fixed text.
    fixed: Vec<bool>,
}

impl<'t> NamedPlaces<'t> {
    fn of(about: &'t SetTemplate, prompts: &[&Prompt]) -> Self {
        let several = |place: usize| {
            let of = |prompt: &Prompt| prompt.slots.get(place).copied().flatten();
            let bad = prompts.iter().find(|p| of(p).is_some_and(|tokens| tokens.count != 1 || !tokens.own))?;
            let shown = about.unplaced.as_ref().filter(|(other, _)| *other == place);
            let count = of(bad).map_or(0, |tokens| tokens.count);
            Some(match shown {
                Some((_, tokens)) => tokens.clone(),
                None if count == 1 => format!("in {:?}, it shares its token with other text", bad.text),
                None => format!("in {:?}, it is {}", bad.text, counted(count, "token")),
            })
        };
        let several = (0..about.places.len()).map(several).collect();
        let first = prompts.first();
        let token = |number: usize, prompt: &Prompt| {
            let position = about.literals.get(number)?.position(&prompt.slots)?;
            prompt.tokens.get(position).copied()
        };
        let texts: Vec<&str> = about.literals.iter().map(|literal| literal.text.as_str()).collect();
        let fixed = |number: usize| {
            let once = texts.iter().filter(|other| **other == texts[number]).count() == 1;
            let expected = first.and_then(|first| token(number, first));
            once && prompts.iter().all(|prompt| token(number, prompt) == expected)
        };
        let fixed = (0..texts.len()).map(fixed).collect();
        Self { about, several, fixed }
    }

    /// The positions of a shape.
    fn positions(&self, length: usize, tokens: &[Option<SlotTokens>], bos: bool) -> TemplatePositions {
        let mut names = IndexMap::new();
        if bos {
            names.insert(BOS.to_string(), 0);
        }
        let mut slots = IndexMap::new();
        for ((name, several), tokens) in self.about.places.iter().zip(&self.several).zip(tokens) {
            let Some(SlotTokens { first, count, own }) = *tokens else { continue };
            // A prompt of another set may have several tokens where the set's own have one.
            if several.is_none() && count == 1 && own {
                names.insert(name.clone(), first);
            }
            slots.insert(name.clone(), SlotSpan { first, count, own, several: several.clone() });
        }
        for (literal, _) in self.about.literals.iter().zip(&self.fixed).filter(|(_, fixed)| **fixed) {
            if let Some(position) = literal.position(tokens)
                && !names.contains_key(&literal.text)
                && !slots.contains_key(&literal.text)
            {
                names.insert(literal.text.clone(), position);
            }
        }
        names.insert(LAST.to_string(), length - 1);
        TemplatePositions { length, names, slots }
    }
}

/// From which end positions without a name are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountedFrom {
    /// From 0 at the first token.
    Start,
    /// From -1 at the last token.
    End,
}

impl CountedFrom {
    /// The number of one of `count` things.
    fn number(self, index: usize, count: usize) -> i64 {
        match self {
            CountedFrom::Start => index as i64,
            CountedFrom::End => index as i64 - count as i64,
        }
    }
}

impl TemplatePositions {
    /// What a position is called: by its own name before `last`, by its place in a slot of several tokens (`subject[0]`), by its number
    /// where it has neither.
    pub fn label(&self, index: usize, from: CountedFrom) -> String {
        let named = |last: bool| {
            let mut named = self.names.iter().filter(|(name, _)| (*name == LAST) == last);
            named.find(|(_, position)| **position == index).map(|(name, _)| name.clone())
        };
        let in_slot = || {
            let holds = |span: &SlotSpan| span.several.is_some() && span.own && span.positions().contains(&index);
            let (name, span) = self.slots.iter().find(|(_, span)| holds(span))?;
            Some(span.label(name, index - span.first, from))
        };
        let number = || from.number(index, self.length).to_string();
        named(false).or_else(in_slot).or_else(|| named(true)).unwrap_or_else(number)
    }

    /// The labels of all positions.
    pub fn labels(&self) -> Vec<String> {
        (0..self.length).map(|index| self.label(index, CountedFrom::Start)).collect()
    }

    /// What may be written for positions of these prompts.
    pub fn choices(&self) -> IndexSet<String> {
        let of_slots = self.slots.iter().filter(|(_, span)| span.several.is_some() && span.own);
        let parts =
            of_slots.flat_map(|(name, _)| ["first", "last", "all", "each"].map(|part| format!("{name}.{part}")));
        self.names.keys().cloned().chain(parts).collect()
    }
}

impl SlotSpan {
    /// Its positions.
    pub fn positions(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.count
    }

    /// What the token of a slot is called that has this number in it, from 0: `subject[0]`, from the end `subject[-1]`.
    pub fn label(&self, name: &str, number: usize, from: CountedFrom) -> String {
        format!("{name}[{}]", from.number(number, self.count))
    }
}
