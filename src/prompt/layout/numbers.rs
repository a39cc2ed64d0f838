//! The tokens of a number among what is around it, of each number once.

use crate::model::tokenizer::{Pretoken, Tokenizer};
use indexmap::{IndexMap, IndexSet};
use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

/// Numbers from 0 to here are found by their place in a list, others by a hash.
const LISTED: usize = 1 << 17;

/// What stands for any digit.
const DIGIT: char = '0';

/// Words that a number is in, whatever its digits are. Of numbers of one length, those with the same have the same tokens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Surroundings {
    /// The text of the words.
    text: String,
    /// Where in it the number is.
    number: (usize, usize),
    words: Vec<Masked>,
}

/// One of the words: what is tokenised, and for each byte of that the bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Masked {
    text: String,
    aligned: Vec<(usize, usize)>,
}

/// The tokens of a number's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NumberPiece {
    /// Ids.
    pub ids: Vec<u32>,
    /// The largest.
    pub largest: u32,
    /// The first that is of the number, how many are, and whether they are of nothing else but white space.
    pub first: usize,
    pub count: usize,
    pub own: bool,
    /// Whether the first of all ends before the number begins.
    pub apart: bool,
    /// The number of those that differ in their tokens alone.
    pub form: u32,
}

/// What is known of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberReading {
    /// Its [`NumberPiece`], by number.
    Piece(u32),
    /// It has no tokens.
    None,
    /// Its tokens depend on more than its words.
    Unsure,
}

/// Numbers that were read among the same surroundings.
#[derive(Default)]
struct KnownNumbers {
    listed: Vec<Option<NumberReading>>,
    others: HashMap<i64, NumberReading>,
}

/// Numbers in their surroundings.
pub(super) struct NumberTokens<'t> {
    tokenizer: &'t Tokenizer,
    known: IndexMap<Surroundings, KnownNumbers>,
    pieces: Vec<NumberPiece>,
    /// Number of tokens, and those of the number.
    forms: IndexSet<(usize, usize, usize, bool)>,
}

impl Surroundings {
    /// The words of a text that a number is in: of `text` these bytes. `None` where a word is not the number's digit by digit.
    pub fn of(words: &[Pretoken], text: &str, number: &Range<usize>) -> Option<Self> {
        let start = words.first()?.bytes.start.min(number.start);
        let end = words.last()?.bytes.end.max(number.end);
        let mut digits = 0;
        let mut masked = Vec::with_capacity(words.len());
        for word in words {
            if word.named.is_some() {
                return None;
            }
            let mut letters = word.text.clone().into_bytes();
            let mut aligned = Vec::with_capacity(letters.len());
            for (letter, &(from, to)) in letters.iter_mut().zip(&word.aligned) {
                aligned.push((from.checked_sub(start)?, to.checked_sub(start)?));
                if from >= number.end || to <= number.start {
                    continue;
                }
                if to != from + 1 || text.as_bytes().get(from) != Some(letter) {
                    return None;
                }
                if letter.is_ascii_digit() {
                    digits += 1;
                    *letter = DIGIT as u8;
                }
            }
            masked.push(Masked { text: String::from_utf8(letters).ok()?, aligned });
        }
        let (before, own, after) =
            (text.get(start..number.start)?, text.get(number.clone())?, text.get(number.end..end)?);
        if digits != own.chars().filter(char::is_ascii_digit).count() {
            return None;
        }
        let own: String = own.chars().map(|letter| if letter.is_ascii_digit() { DIGIT } else { letter }).collect();
        let number = (number.start - start, number.end - start);
        Some(Self { text: format!("{before}{own}{after}"), number, words: masked })
    }

    /// The tokens of a number in them.
    fn read(&self, number: &str, tokenizer: &Tokenizer, mut piece: impl FnMut(NumberPiece) -> u32) -> NumberReading {
        let (start, end) = self.number;
        if number.len() != end - start {
            return NumberReading::Unsure;
        }
        let mut tokens: Vec<(u32, (usize, usize))> = Vec::new();
        for word in &self.words {
            let mut letters = word.text.clone().into_bytes();
            for (letter, &(from, to)) in letters.iter_mut().zip(&word.aligned) {
                if from >= start && to <= end && letter.is_ascii_digit() {
                    *letter = number.as_bytes()[from - start];
                }
            }
            let Ok(letters) = String::from_utf8(letters) else { return NumberReading::Unsure };
            let Some(own) = tokenizer.of_word(&letters) else { return NumberReading::None };
            for (id, (from, to)) in own {
                let place =
                    (from < to && to <= word.aligned.len()).then(|| (word.aligned[from].0, word.aligned[to - 1].1));
                // Whether text is unknown is asked of the text itself.
                match place.filter(|_| !tokenizer.is_unknown(id)) {
                    Some(place) => tokens.push((id, place)),
                    None => return NumberReading::Unsure,
                }
            }
        }
        let overlaps = |&&(_, (from, to)): &&(u32, (usize, usize))| from < end && to > start;
        let first = tokens.iter().position(|token| overlaps(&token)).unwrap_or(0);
        let of_number: Vec<_> = tokens[first..].iter().take_while(overlaps).collect();
        let blank = |bytes: Range<usize>| self.text.get(bytes).is_some_and(|outside| outside.trim().is_empty());
        let is_own =
            |&&(_, (from, to)): &&(u32, (usize, usize))| blank(from..start.max(from)) && blank(end.min(to)..to);
        let (count, own) = (of_number.len(), of_number.iter().all(is_own) && !of_number.is_empty());
        NumberReading::Piece(piece(NumberPiece {
            largest: tokens.iter().map(|(id, _)| *id).max().unwrap_or(0),
            apart: tokens.first().is_some_and(|(_, (_, to))| *to <= start),
            ids: tokens.into_iter().map(|(id, _)| id).collect(),
            first,
            count,
            own,
            form: 0,
        }))
    }
}

impl<'t> NumberTokens<'t> {
    pub fn new(tokenizer: &'t Tokenizer) -> Self {
        Self { tokenizer, known: IndexMap::new(), pieces: Vec::new(), forms: IndexSet::new() }
    }

    /// The number of some surroundings.
    pub fn among(&mut self, surroundings: Surroundings) -> usize {
        let entry = self.known.entry(surroundings);
        let index = entry.index();
        entry.or_default();
        index
    }

    /// A number among surroundings of its length.
    pub fn read(&mut self, among: usize, number: i64) -> NumberReading {
        let Some((surroundings, known)) = self.known.get_index_mut(among) else { return NumberReading::Unsure };
        let place = usize::try_from(number).ok().filter(|place| *place < LISTED);
        let found = match place {
            Some(place) => known.listed.get(place).copied().flatten(),
            None => known.others.get(&number).copied(),
        };
        if let Some(found) = found {
            return found;
        }
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = write!(text, "{number}");
        let (pieces, forms) = (&mut self.pieces, &mut self.forms);
        let read = surroundings.read(&text, self.tokenizer, |piece| {
            let (form, _) = forms.insert_full((piece.ids.len(), piece.first, piece.count, piece.own));
            pieces.push(NumberPiece { form: form as u32, ..piece });
            pieces.len() as u32 - 1
        });
        match place {
            Some(place) => {
                if known.listed.len() <= place {
                    known.listed.resize(place + 1, None);
                }
                known.listed[place] = Some(read);
            }
            None => {
                known.others.insert(number, read);
            }
        }
        read
    }

    /// A piece that was read.
    pub fn piece(&self, number: u32) -> &NumberPiece {
        &self.pieces[number as usize]
    }
}
