//! Which answers of a prompt from words are right and which are wrong, where there are several of them.

use super::error::SpecProblem;
use super::template::{Fill, Slot, Template};
use crate::spec::{AnswerSet, AnswerWords, Cells, NumberBound, Word, nearest};
use std::sync::Arc;

/// Answers beside the completion, or in its place.
#[derive(Debug, Clone)]
pub enum AnswerRule {
    /// Each of these.
    Templates(Vec<Template>),
    /// The completion with words of a slot.
    Words {
        /// The slot.
        slot: usize,
        /// What these words compare with.
        bounds: Vec<(NumberBound, BoundNumber)>,
    },
}

/// What a word is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundNumber {
    /// The number of another slot.
    Slot(usize),
    /// This number.
    Given(i64),
}

impl AnswerRule {
    /// Reads what a spec says under `key` of slots with these names and words; `keep` takes what is wrong with it.
    pub(super) fn new(
        set: &AnswerSet,
        key: &'static str,
        slots: (&[String], &[Cells]),
        keep: &mut impl FnMut(SpecProblem),
    ) -> Option<Self> {
        match set {
            AnswerSet::Templates(texts) => {
                let mut templates = Vec::new();
                for (index, text) in texts.iter().enumerate() {
                    match Template::parse_after_words(text, slots.0) {
                        Ok(template) => templates.push(template),
                        Err(fault) => keep(SpecProblem::at(&[key, &index.to_string()], fault)),
                    }
                }
                Some(AnswerRule::Templates(templates))
            }
            AnswerSet::Words(written) => Self::of_words(written, key, slots, keep),
        }
    }

    fn of_words(
        written: &AnswerWords,
        key: &'static str,
        (names, lists): (&[String], &[Cells]),
        keep: &mut impl FnMut(SpecProblem),
    ) -> Option<Self> {
        let find = |name: &str| names.iter().position(|known| known == name);
        let advice = |name: &str| match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("write \"{near}\""),
            None => format!("write one of {}", names.join(", ")),
        };
        let Some(slot) = find(&written.slot) else {
            let text = format!("no slot '{}'; {}", written.slot, advice(&written.slot));
            keep(SpecProblem::at(&[key, "slot"], text));
            return None;
        };
        let mut bounds = Vec::new();
        let mut compared = Vec::new();
        for (name, bound, Word(of)) in written.bounds() {
            match (find(of), of.parse::<i64>()) {
                (Some(other), _) => {
                    compared.push(other);
                    bounds.push((bound, BoundNumber::Slot(other)));
                }
                (None, Ok(number)) => bounds.push((bound, BoundNumber::Given(number))),
                (None, Err(_)) => {
                    let text = format!("'{of}' is neither a slot nor a whole number; {}", advice(of));
                    keep(SpecProblem::at(&[key, name], text));
                }
            }
        }
        let all = if bounds.is_empty() { &[][..] } else { &[slot][..] };
        for &slot in all.iter().chain(&compared) {
            if let Some(word) = lists[slot].iter().find(|word| word.parse::<i64>().is_err()) {
                let name = &names[slot];
                let text = format!(
                    "slot '{name}' has the word \"{word}\", and only whole numbers can be compared; write whole numbers, or leave out the comparison"
                );
                keep(SpecProblem::at(&[key], text));
            }
        }
        Some(AnswerRule::Words { slot, bounds })
    }

    /// The slots that it reads or writes.
    pub fn slots(&self) -> Vec<usize> {
        match self {
            AnswerRule::Templates(templates) => {
                let slots = templates.iter().flat_map(Template::slots);
                slots.filter_map(Slot::word).collect()
            }
            AnswerRule::Words { slot, .. } => std::iter::once(*slot).chain(self.compared()).collect(),
        }
    }

    /// The slots that words are compared with.
    pub fn compared(&self) -> Vec<usize> {
        match self {
            AnswerRule::Templates(_) => Vec::new(),
            AnswerRule::Words { bounds, .. } => {
                let slot = |(_, of): &(NumberBound, BoundNumber)| match of {
                    BoundNumber::Slot(slot) => Some(*slot),
                    BoundNumber::Given(_) => None,
                };
                bounds.iter().filter_map(slot).collect()
            }
        }
    }

    /// The words of its slot's list that fit a prompt whose slots have these, in their order: as often as they are there, which of a
    /// column of rows may be several times.
    pub fn words<'l>(&self, lists: &'l [Cells], own: &[Arc<str>]) -> impl Iterator<Item = &'l Arc<str>> + use<'l> {
        let (slot, bounds) = match self {
            AnswerRule::Words { slot, bounds } => (Some(*slot), bounds.as_slice()),
            AnswerRule::Templates(_) => (None, &[][..]),
        };
        let of = |of: &BoundNumber| match of {
            BoundNumber::Slot(slot) => own.get(*slot).and_then(|word| word.parse().ok()),
            BoundNumber::Given(number) => Some(*number),
        };
        let bounds: Vec<(NumberBound, Option<i64>)> =
            bounds.iter().map(|(bound, number)| (*bound, of(number))).collect();
        let fits = move |word: &&Arc<str>| {
            bounds.is_empty()
                || word
                    .parse::<i64>()
                    .is_ok_and(|number| bounds.iter().all(|(bound, of)| of.is_some_and(|of| bound.holds(number, of))))
        };
        slot.into_iter().flat_map(move |slot| lists[slot].iter()).filter(fits)
    }
}

/// What fills a completion, with another word in one slot.
pub(super) struct WithWord<'w, F> {
    pub with: &'w F,
    pub slot: usize,
    pub word: &'w str,
}

impl<F: Fill> Fill for WithWord<'_, F> {
    fn fill(&self, slot: Slot, text: &mut String) {
        match slot.word() == Some(self.slot) {
            true => text.push_str(self.word),
            false => self.with.fill(slot, text),
        }
    }
}
