//! Prompts from words: which combinations there are, and what fills the slots in each.

use super::answer_rule::AnswerRule;
use super::computed::{ComputedSlot, list_advice, words_of};
use super::dropped::Reason;
use super::error::SpecProblem;
use super::fields::{Fields, SlotColumns, SlotNames};
use super::limits::{MOST_LOOKED_AT, MOST_PROMPTS};
use super::template::Template;
use crate::spec::{AnswerSet, Cells, Prompts, Rows, SlotWords, Word, nearest, no_slot};
use indexmap::IndexMap;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// Most combinations of words that a sample is drawn from.
pub const MOST_COMBINATIONS: u128 = 1 << 40;

/// The words of `[prompts.slots]` and `rows`, checked.
#[derive(Debug, Clone, Default)]
pub struct Lexicon {
    /// Names of the slots.
    pub names: SlotNames,
    /// Slots whose words differ.
    pub different: Vec<usize>,
    /// The wrong answer that measures compare with.
    pub contrast: Option<Template>,
    /// Right answers beside the completion, or in its place.
    pub right: Option<AnswerRule>,
    /// Wrong answers.
    pub wrong: Option<AnswerRule>,
    /// The slot whose word is the first right answer's, in place of each of its words.
    answer_slot: Option<usize>,
    /// The slots as columns of rows.
    pub columns: Arc<SlotColumns>,
    /// The words of each slot.
    lists: Vec<Cells>,
    /// What each slot is chosen with: slots of rows with each other, every other slot alone; none of those whose words follow from
    /// others', which are combined with nothing.
    axes: Vec<Option<usize>>,
    /// How many there are to choose from along each axis.
    lengths: Vec<usize>,
    /// The slots whose words are computed, each after those that it reads.
    computed: Vec<ComputedSlot>,
}

/// The columns of rows that are written one by one.
fn of_list<'s>(rows: &'s [IndexMap<String, Word>], keep: &mut impl FnMut(SpecProblem)) -> Vec<(&'s String, Cells)> {
    let Some(first) = rows.first() else { return Vec::new() };
    for (number, row) in rows.iter().enumerate() {
        let missing = first.keys().find(|name| !row.contains_key(*name));
        let further = row.keys().find(|name| !first.contains_key(*name));
        if let Some(slot) = missing.or(further) {
            let has = if missing.is_some() {
                format!("has no '{slot}', which the first row has")
            } else {
                format!("has '{slot}', which the first row has not")
            };
            let text = format!("row {} {has}; give every row the same columns", number + 1);
            keep(SpecProblem::at(&["rows", &number.to_string()], text));
        }
    }
    let word = |name: &str, row: &IndexMap<String, Word>| Arc::from(row.get(name).map_or("", |word| word.0.as_str()));
    first.keys().map(|name| (name, rows.iter().map(|row| word(name, row)).collect())).collect()
}

/// Whether a word is a whole number as numbers are written: `007` and `+1` are words.
pub(super) fn is_whole(word: &Arc<str>) -> bool {
    word.parse::<i64>().is_ok_and(|number| number.to_string() == **word)
}

/// Whether a prompt ends in a letter that its answer goes on with: a space was forgotten.
pub(super) fn is_joined(prompt: &str, answer: &str) -> bool {
    prompt.ends_with(char::is_alphabetic) && answer.starts_with(char::is_alphabetic)
}

impl Lexicon {
    /// Checks the words of a spec; `keep` takes what is wrong with them.
    pub(super) fn new(spec: &Prompts, keep: &mut impl FnMut(SpecProblem)) -> Self {
        let mut words = Self::default();
        let mut names: Vec<String> = Vec::new();
        words.add_rows(spec, &mut names, keep);
        words.add_slots(spec, &mut names, keep);
        words.add_computed(spec, &mut names, keep);
        for (name, why) in names.iter().filter_map(|name| Some((name, no_slot(name)?))) {
            let path = match (spec.slots.contains_key(name), spec.computed.contains_key(name)) {
                (true, _) => vec!["slots", name],
                (false, true) => vec!["computed", name],
                (false, false) => vec!["rows"],
            };
            keep(SpecProblem::at(&path, format!("a slot cannot be called '{name}': {why}")));
        }
        words.names = names.into();
        words.different = words.named(&spec.different, "different", keep);
        if let [slot] = &spec.different[..] {
            let text = format!(
                "'different' needs two slots or more, and '{slot}' is the only one; add the slots that it must differ from"
            );
            keep(SpecProblem::at(&["different"], text));
        }
        let distinct: HashSet<&Arc<str>> = words.different.iter().flat_map(|&slot| words.lists[slot].iter()).collect();
        let filled = words.different.iter().all(|&slot| !words.lists[slot].is_empty());
        if filled && distinct.len() < words.different.len() {
            let (slots, words) = (spec.different.join(" and "), distinct.len());
            let text = format!("{slots} must differ, and have only {words} different words together; write more words");
            keep(SpecProblem::at(&["different"], text));
        }
        if let Some(text) = &spec.contrast {
            match Template::parse_after_words(text, &words.names) {
                Ok(template) => words.contrast = Some(template),
                Err(fault) => keep(SpecProblem::at(&["contrast"], fault)),
            }
            if *text == spec.completion {
                let text = format!("contrast \"{text}\" is the same as the completion; write a wrong answer");
                keep(SpecProblem::at(&["contrast"], text));
            }
            if spec.wrong.is_some() {
                let text = "'contrast' and 'wrong' exclude each other; leave out 'contrast', and write its answer into 'wrong'";
                keep(SpecProblem::at(&["contrast"], text));
            }
        }
        let slots = (&*words.names, words.lists.as_slice());
        let right = spec.right.as_ref().and_then(|set| AnswerRule::new(set, "right", slots, keep));
        let wrong = spec.wrong.as_ref().and_then(|set| AnswerRule::new(set, "wrong", slots, keep));
        (words.right, words.wrong) = (right, wrong);
        let count = words.lengths.iter().try_fold(1u128, |all, &length| all.checked_mul(length as u128));
        let limit =
            if spec.sample.is_some() { MOST_COMBINATIONS } else { MOST_PROMPTS / spec.template.0.len().max(1) as u128 };
        if count.is_none_or(|count| count > limit) {
            let or = if spec.sample.is_some() { "" } else { ", or a sample" };
            let text = format!("the words make more than {limit} combinations; write shorter lists{or}");
            keep(SpecProblem::at(&["slots"], text));
        }
        let most = MOST_LOOKED_AT;
        if count.is_some_and(|count| count > most as u128)
            && let Some(sample) = spec.sample.filter(|sample| sample.saturating_add(spec.skip) > most)
        {
            let text = format!(
                "a sample of words is drawn from {most} combinations, which is fewer than sample = {sample} and skip = {} together; \
                 write smaller numbers",
                spec.skip
            );
            keep(SpecProblem::at(&["sample"], text));
        }
        let whole: Vec<bool> = words.lists.iter().map(|list| !list.is_empty() && list.iter().all(is_whole)).collect();
        let whole_contrast = words.contrast.as_ref().and_then(Template::word).is_some_and(|slot| whole[slot]);
        let names = words.names.clone();
        words.columns = Arc::new(SlotColumns { names, whole, whole_answer: false, whole_contrast });
        words
    }

    /// The same with answers that this completion writes.
    pub(super) fn answered(self, completion: &Template) -> Self {
        let is_whole = |template: &Template| template.word().is_some_and(|slot| self.columns.whole[slot]);
        let whole_answer = is_whole(completion);
        let whole_contrast = match &self.wrong {
            Some(AnswerRule::Templates(templates)) => templates.first().is_some_and(is_whole),
            Some(AnswerRule::Words { .. }) => whole_answer,
            None => self.columns.whole_contrast,
        };
        Self { columns: Arc::new(SlotColumns { whole_answer, whole_contrast, ..(*self.columns).clone() }), ..self }
    }

    /// The same with the words of slots swapped, by their names: of answers that are then words of either, or what they were compared
    /// with, whole numbers are known only where all of these have no others.
    pub(super) fn swapped(self, slots: &[String]) -> Self {
        let of_slots = slots.iter().filter_map(|name| self.slot(name)).all(|slot| self.columns.whole[slot]);
        let all = of_slots && (slots.is_empty() || !self.has_wrong() || self.columns.whole_contrast);
        let mut columns = (*self.columns).clone();
        columns.whole_answer &= all;
        columns.whole_contrast &= all;
        Self { columns: Arc::new(columns), ..self }
    }

    fn add_rows(&mut self, spec: &Prompts, names: &mut Vec<String>, keep: &mut impl FnMut(SpecProblem)) {
        let columns: Vec<(&String, Cells)> = match &spec.rows {
            Rows::List(rows) => of_list(rows, keep),
            Rows::File(file) => file.columns.iter().map(|(name, words)| (name, words.clone())).collect(),
        };
        if columns.is_empty() {
            return;
        }
        for (name, words) in columns {
            names.push(name.clone());
            self.axes.push(Some(0));
            self.lists.push(words);
            if spec.slots.contains_key(name) {
                let text = format!("slot '{name}' is also a column of 'rows'; leave it out of one of them");
                keep(SpecProblem::at(&["slots", name], text));
            }
        }
        self.lengths.push(spec.rows.len());
    }

    fn add_slots(&mut self, spec: &Prompts, names: &mut Vec<String>, keep: &mut impl FnMut(SpecProblem)) {
        for (name, own) in &spec.slots {
            let list: Cells = match own {
                SlotWords::List(list) => list.iter().map(|word| Arc::from(word.0.as_str())).collect(),
                SlotWords::Of(other) => words_of(spec, other).unwrap_or_else(|| {
                    let advice = list_advice(spec, other);
                    let text = format!("slot '{name}' takes the words of '{other}', which has no list; {advice}");
                    keep(SpecProblem::at(&["slots", name], text));
                    Cells::default()
                }),
            };
            let key = || format!("slots.{name}");
            if let (SlotWords::List(_), true) = (own, list.is_empty()) {
                keep(SpecProblem::empty(&key()));
            }
            let mut seen = HashSet::new();
            if let (SlotWords::List(_), Some(word)) = (own, list.iter().find(|word| !seen.insert(*word))) {
                keep(SpecProblem::twice(&key(), format!("\"{word}\"")));
            }
            let is_answer = matches!(&spec.right, Some(AnswerSet::Words(words)) if words.slot == *name);
            if is_answer {
                self.answer_slot = Some(names.len());
            }
            names.push(name.clone());
            self.axes.push((!is_answer).then_some(self.lengths.len()));
            self.lengths.extend((!is_answer).then_some(list.len()));
            self.lists.push(list);
        }
    }

    fn add_computed(&mut self, spec: &Prompts, names: &mut Vec<String>, keep: &mut impl FnMut(SpecProblem)) {
        for (name, word) in &spec.computed {
            if names.contains(name) {
                let text = format!("'{name}' is already a slot with words of its own; write another name");
                keep(SpecProblem::at(&["computed", name], text));
                continue;
            }
            let slot = word.slot(name, spec, (&self.lists, names), keep);
            names.push(name.clone());
            self.axes.push(None);
            self.lists.push(slot.as_ref().map(|slot| slot.list().clone()).unwrap_or_default());
            self.computed.extend(slot);
        }
    }

    /// Computes the words that are computed of the others; the slots of those that cannot be, which are left empty.
    fn compute(&self, words: &mut [Arc<str>]) -> Vec<usize> {
        let mut missing = Vec::new();
        for computed in &self.computed {
            let word = computed.word(words);
            missing.extend(word.is_none().then_some(computed.slot));
            words[computed.slot] = word.unwrap_or_default();
        }
        missing
    }

    /// Adds to slots that are used those that others of them are computed of.
    pub(super) fn add_read(&self, used: &mut BTreeSet<usize>) {
        for computed in self.computed.iter().rev() {
            if used.contains(&computed.slot) {
                used.extend((0..self.axes.len()).filter(|&slot| computed.reads(slot)));
            }
        }
    }

    /// What a slot's word is where it follows from others', for messages; `None` where it is chosen.
    pub(super) fn follows(&self, slot: usize) -> Option<&'static str> {
        match self.computed.iter().any(|computed| computed.slot == slot) {
            true => Some("computed from other slots"),
            false => (self.answer_slot == Some(slot)).then_some("the right answer, which follows from other slots"),
        }
    }

    /// These slots, and those whose words are computed of them.
    pub(super) fn with_computed(&self, slots: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut all: Vec<usize> = slots.collect();
        for computed in &self.computed {
            if all.iter().any(|&slot| computed.reads(slot)) {
                all.push(computed.slot);
            }
        }
        all
    }

    /// The slots of these names.
    fn named(&self, names: &[String], key: &'static str, keep: &mut impl FnMut(SpecProblem)) -> Vec<usize> {
        let mut found = Vec::new();
        for (index, name) in names.iter().enumerate() {
            match self.slot(name) {
                Some(slot) if found.contains(&slot) => {
                    keep(SpecProblem::twice(key, format!("\"{name}\"")));
                }
                Some(slot) => found.push(slot),
                None => {
                    let advice = match nearest(name, self.names.iter().map(String::as_str)) {
                        Some(near) => format!("write \"{near}\""),
                        None => format!("write one of {}", self.names.join(", ")),
                    };
                    let text = format!("no slot '{name}'; {advice}");
                    keep(SpecProblem::at(&[key, &index.to_string()], text));
                }
            }
        }
        found
    }

    /// The slot of a name.
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// How many combinations there are, those without different words where they must differ included.
    pub fn count(&self) -> usize {
        self.lengths.iter().product()
    }

    /// A combination.
    ///
    /// # Errors
    /// As [`Lexicon::complete`].
    pub fn combination(&self, index: usize) -> Result<Fields, Reason> {
        let mut words = self.chosen(index);
        self.complete(&mut words)?;
        Ok(self.fields(words))
    }

    /// A combination with nothing in place of what does not follow; `None` where words are the same that must differ.
    pub(super) fn unsolved(&self, index: usize) -> Option<Fields> {
        let mut words = self.chosen(index);
        let fault = self.complete(&mut words).err();
        (fault != Some(Reason::Alike)).then(|| self.fields(words))
    }

    fn fields(&self, words: Vec<Arc<str>>) -> Fields {
        Fields::Words { columns: self.columns.clone(), words }
    }

    /// The words of a combination; nothing in place of those that follow from others.
    fn chosen(&self, index: usize) -> Vec<Arc<str>> {
        // The last slot is the fastest, as b is of operands.
        let mut rest = index;
        let mut chosen = vec![0; self.lengths.len()];
        for (axis, &length) in self.lengths.iter().enumerate().rev() {
            chosen[axis] = rest % length.max(1);
            rest /= length.max(1);
        }
        let of =
            |(list, axis): (&Cells, &Option<usize>)| axis.map(|axis| list[chosen[axis]].clone()).unwrap_or_default();
        self.lists.iter().zip(&self.axes).map(of).collect()
    }

    /// Writes the words that follow from others: those that are computed, and the first right answer into the slot that takes it.
    ///
    /// # Errors
    /// Computed words beyond the ends of their lists, words that are the same and must differ, and no word that is a right answer.
    pub(super) fn complete(&self, words: &mut [Arc<str>]) -> Result<(), Reason> {
        // The right answer may be compared with words that are computed. Those that are computed of it wait for it.
        let waiting = self.with_computed(self.answer_slot.into_iter());
        if self.compute(words).iter().any(|slot| !waiting.contains(slot)) {
            return Err(Reason::BeyondList);
        }
        if !self.differ(words, &waiting) {
            return Err(Reason::Alike);
        }
        if waiting.is_empty() {
            return Ok(());
        }
        if !self.settle(words) {
            return Err(Reason::NoRight);
        }
        if !self.compute(words).is_empty() {
            return Err(Reason::BeyondList);
        }
        if self.differ(words, &[]) { Ok(()) } else { Err(Reason::Alike) }
    }

    /// The slot whose word is the first right answer's.
    pub fn answer_slot(&self) -> Option<usize> {
        self.answer_slot
    }

    /// Whether the spec says wrong answers.
    pub fn has_wrong(&self) -> bool {
        self.contrast.is_some() || self.wrong.is_some()
    }

    /// Writes the first right word into the slot that takes it, where one does; false where no word is right.
    fn settle(&self, words: &mut [Arc<str>]) -> bool {
        let (Some(slot), Some(right)) = (self.answer_slot, &self.right) else { return true };
        match right.words(&self.lists, words).next() {
            Some(word) => {
                words[slot] = word.clone();
                true
            }
            None => false,
        }
    }

    /// Whether the words differ that must, those of some slots left out.
    fn differ(&self, words: &[Arc<str>], but: &[usize]) -> bool {
        let mut seen = HashSet::new();
        self.different.iter().filter(|slot| !but.contains(slot)).all(|&slot| seen.insert(&words[slot]))
    }

    /// The words of a slot.
    pub fn list(&self, slot: usize) -> &[Arc<str>] {
        &self.lists[slot]
    }

    /// The words of every slot.
    pub(super) fn lists(&self) -> &[Cells] {
        &self.lists
    }

    /// The slots that are chosen with a slot, itself included.
    pub fn together(&self, slot: usize) -> impl Iterator<Item = usize> + '_ {
        let axis = self.axes[slot];
        (0..self.axes.len()).filter(move |&other| other == slot || (axis.is_some() && self.axes[other] == axis))
    }
}
