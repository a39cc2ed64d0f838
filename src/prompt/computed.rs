//! Words that are computed of other words of their prompt: so many steps on in a list.

use super::error::SpecProblem;
use crate::spec::{Cells, ComputedWord, Prompts, SlotWords, Steps, nearest, number_of, word_list, word_lists};
use std::collections::HashMap;
use std::sync::Arc;

/// A slot whose word is computed.
#[derive(Debug, Clone)]
pub struct ComputedSlot {
    /// Which slot.
    pub slot: usize,
    /// The slot whose word is counted on from.
    of: usize,
    steps: StepsOf,
    /// The words that it may be, in their order.
    list: Cells,
    places: HashMap<Arc<str>, usize>,
    /// Whether the first follows the last.
    cycle: bool,
}

/// How far is counted.
#[derive(Debug, Clone, Copy)]
enum StepsOf {
    Fixed(i64),
    Slot(usize),
}

impl ComputedSlot {
    /// Its word beside the other words of a prompt; none beyond the ends of its list.
    pub fn word(&self, words: &[Arc<str>]) -> Option<Arc<str>> {
        let steps = match self.steps {
            StepsOf::Fixed(steps) => steps,
            StepsOf::Slot(slot) => number_of(&words[slot])?,
        };
        let place = i64::try_from(*self.places.get(&words[self.of])?).ok()?.checked_add(steps)?;
        let length = i64::try_from(self.list.len()).ok()?;
        let place = if self.cycle { place.checked_rem_euclid(length)? } else { place };
        self.list.get(usize::try_from(place).ok()?).cloned()
    }

    /// Whether its word may change with that of a slot.
    pub fn reads(&self, slot: usize) -> bool {
        self.of == slot || matches!(self.steps, StepsOf::Slot(steps) if steps == slot)
    }

    /// The words that it may be.
    pub fn list(&self) -> &Cells {
        &self.list
    }
}

/// The words of a slot that is no list of its own: those of another slot, or of a list that is built in.
pub(super) fn words_of(spec: &Prompts, name: &str) -> Option<Cells> {
    let list = match spec.slots.get(name) {
        Some(SlotWords::List(list)) => list.clone(),
        Some(SlotWords::Of(other)) if other != name => word_list(other)?,
        Some(SlotWords::Of(_)) | None => word_list(name)?,
    };
    Some(list.iter().map(|word| Arc::from(word.0.as_str())).collect())
}

/// What to write where no list has a name.
pub(super) fn list_advice(spec: &Prompts, name: &str) -> String {
    let lists = spec.slots.iter().filter(|(_, words)| matches!(words, SlotWords::List(_)));
    let known: Vec<String> = lists.map(|(name, _)| name.clone()).chain(word_lists().map(String::from)).collect();
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("write \"{near}\""),
        None => {
            let built_in = word_lists().collect::<Vec<_>>().join(", ");
            format!("write a list of words, the name of a slot that has a list, or a built-in list ({built_in})")
        }
    }
}

impl ComputedWord {
    /// The slot that it is after slots with these words and names; `keep` takes what is wrong.
    pub(super) fn slot(
        &self,
        name: &str,
        spec: &Prompts,
        (lists, names): (&[Cells], &[String]),
        keep: &mut impl FnMut(SpecProblem),
    ) -> Option<ComputedSlot> {
        let mut wrong = |key: &str, text: String| keep(SpecProblem::at(&["computed", name, key], text));
        let known = |slot: &str| names.iter().position(|known| known == slot);
        let unknown = |slot: &str| match nearest(slot, names.iter().map(String::as_str)) {
            Some(near) => format!("no slot '{slot}' before '{name}'; write \"{near}\""),
            None => format!("no slot '{slot}' before '{name}'; write one of {}", names.join(", ")),
        };
        let Some(of) = known(&self.of) else {
            wrong("of", unknown(&self.of));
            return None;
        };
        let steps = match &self.plus {
            Steps::Fixed(steps) => StepsOf::Fixed(*steps),
            Steps::Slot(slot) => match known(slot) {
                None => {
                    wrong("plus", unknown(slot));
                    return None;
                }
                Some(place) => {
                    if let Some(word) = lists[place].iter().find(|word| number_of(word).is_none()) {
                        let text = format!(
                            "slot '{slot}' has \"{word}\", which is not a number; write whole numbers, or zero to twenty in words"
                        );
                        wrong("plus", text);
                        return None;
                    }
                    StepsOf::Slot(place)
                }
            },
        };
        let list = match &self.list {
            None => lists[of].clone(),
            Some(SlotWords::List(list)) => list.iter().map(|word| Arc::from(word.0.as_str())).collect(),
            Some(SlotWords::Of(other)) => match words_of(spec, other) {
                Some(list) => list,
                None => {
                    wrong("list", format!("no list '{other}'; {}", list_advice(spec, other)));
                    return None;
                }
            },
        };
        let mut places: HashMap<Arc<str>, usize> = HashMap::new();
        for (place, word) in list.iter().enumerate() {
            if places.insert(word.clone(), place).is_some() {
                let text = format!(
                    "\"{word}\" is twice in the list in which steps are counted; write list = […] with each word once"
                );
                wrong(if self.list.is_some() { "list" } else { "of" }, text);
                return None;
            }
        }
        if let Some(word) = lists[of].iter().find(|word| !places.contains_key(*word)) {
            let text = format!(
                "slot '{}' has \"{word}\", which is not in the list in which steps are counted; add it to 'list'",
                self.of
            );
            wrong("list", text);
            return None;
        }
        let cycle = self.cycle;
        Some(ComputedSlot { slot: names.len(), of, steps, list, places, cycle })
    }
}
