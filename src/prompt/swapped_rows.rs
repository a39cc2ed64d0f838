//! What a swap of words means for answers that are in `rows`: where it puts another word into a column, the answer is that of the row
//! which has this word there.

use super::resolved::ResolvedPrompts;
use super::template::{Slot, Template};
use super::words::Lexicon;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The columns of rows that a swap changes, and those that the answers read and that follow from them.
#[derive(Debug, Clone, Default)]
pub(super) struct SwappedRows {
    /// Slots that are swapped and are columns.
    changed: Vec<usize>,
    /// Columns that answers read, without those.
    follow: Vec<usize>,
    /// Columns that only wrong answers read.
    wrong: Vec<usize>,
}

/// Why the answer of a swapped prompt is not in the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnknownRow {
    /// No row has the new words.
    None,
    /// Several have them, and differ in what the answers read.
    Several,
}

impl SwappedRows {
    /// What the swap of two slots changes.
    pub fn new(words: &Lexicon, resolved: &ResolvedPrompts, slots: [usize; 2]) -> Self {
        let changed: Vec<usize> = slots.into_iter().filter(|&slot| words.together(slot).count() > 1).collect();
        let columns: BTreeSet<usize> = changed.iter().flat_map(|&slot| words.together(slot)).collect();
        let mut read: BTreeSet<usize> = resolved.completion.slots().filter_map(Slot::word).collect();
        read.extend(words.right.iter().flat_map(|rule| rule.slots()));
        words.add_read(&mut read);
        let mut wrong: BTreeSet<usize> =
            words.contrast.iter().flat_map(Template::slots).filter_map(Slot::word).collect();
        wrong.extend(words.wrong.iter().flat_map(|rule| rule.slots()));
        words.add_read(&mut wrong);
        let is_other = |slot: &usize| columns.contains(slot) && !slots.contains(slot);
        let wrong = wrong.difference(&read).copied().filter(is_other).collect();
        Self { changed, follow: read.into_iter().filter(is_other).collect(), wrong }
    }

    /// The columns that follow.
    pub fn follow(&self) -> &[usize] {
        &self.follow
    }

    /// Writes the words of the columns that follow beside swapped ones.
    ///
    /// # Errors
    /// No row has these, or several have and do not agree.
    pub fn write(&self, words: &Lexicon, own: &mut [Arc<str>]) -> Result<(), UnknownRow> {
        let Some(&first) = self.changed.first().filter(|_| !self.follow.is_empty()) else { return Ok(()) };
        let has_words = |row: &usize| self.changed.iter().all(|&slot| words.list(slot)[*row] == own[slot]);
        let mut rows = (0..words.list(first).len()).filter(has_words);
        let row = rows.next().ok_or(UnknownRow::None)?;
        let agrees = |other: usize| self.follow.iter().all(|&slot| words.list(slot)[other] == words.list(slot)[row]);
        if !rows.all(agrees) {
            return Err(UnknownRow::Several);
        }
        self.follow.iter().chain(&self.wrong).for_each(|&slot| own[slot] = words.list(slot)[row].clone());
        Ok(())
    }

    /// Whether the answers of some swapped prompts can be in the rows: a row has the words the other way round, or a word of the slot
    /// that is swapped with a column is in the column.
    pub fn may_be_known(&self, words: &Lexicon, [one, other]: [usize; 2]) -> bool {
        let (one, other) = (words.list(one), words.list(other));
        match self.changed.len() {
            _ if self.follow.is_empty() => true,
            2 => {
                let rows: BTreeSet<(&Arc<str>, &Arc<str>)> = one.iter().zip(other).collect();
                rows.iter().any(|&(one, other)| rows.contains(&(other, one)))
            }
            _ => {
                let one: BTreeSet<&Arc<str>> = one.iter().collect();
                other.iter().any(|word| one.contains(word))
            }
        }
    }
}
