//! The words that a tokenizer splits a text into, and whether where they are depends on which digits the text has.

use super::Tokenizer;
use super::part::{json, kind};
use super::skipped::skipped;
use serde_json::Value;
use std::cell::RefCell;
use std::ops::Range;
use tokenizers::normalizer::Range as Of;
use tokenizers::{Model as _, NormalizedString, OffsetReferential, OffsetType, PreTokenizer as _};

/// A piece of a text that is tokenised without looking at the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pretoken {
    /// The bytes of the text that it is of.
    pub bytes: Range<usize>,
    /// What is tokenised of it, normalised.
    pub text: String,
    /// For each byte of `text` the bytes of the whole text that it stands for; empty where it is a token by its name.
    pub aligned: Vec<(usize, usize)>,
    /// The token that it is by its name.
    pub named: Option<u32>,
}

impl Pretoken {
    /// Whether it is of any of these bytes.
    pub fn touches(&self, bytes: &Range<usize>) -> bool {
        self.bytes.start < bytes.end && self.bytes.end > bytes.start
    }
}

impl Tokenizer {
    /// The words of a text, in order; `None` where it cannot be split.
    pub(crate) fn words(&self, text: &str) -> Option<Vec<Pretoken>> {
        let mut split = self.inner.get_added_vocabulary().extract_and_normalize(self.inner.get_normalizer(), text);
        if let Some(rule) = self.inner.get_pre_tokenizer() {
            rule.pre_tokenize(&mut split).ok()?;
        }
        let places: Vec<(String, Range<usize>, Option<u32>)> = split
            .get_splits(OffsetReferential::Original, OffsetType::Byte)
            .into_iter()
            .map(|(word, (start, end), tokens)| {
                let named = tokens.as_ref().and_then(|tokens| tokens.first()).map(|token| token.id);
                (word.to_string(), start..end, named)
            })
            .collect();
        let unnamed: RefCell<Vec<NormalizedString>> = RefCell::default();
        let note = |word: &NormalizedString| {
            unnamed.borrow_mut().push(word.clone());
            Ok(Vec::new())
        };
        split.tokenize(note).ok()?;
        let mut unnamed = unnamed.into_inner().into_iter();
        let mut words = Vec::with_capacity(places.len());
        for (text, bytes, named) in places {
            let mut aligned = Vec::new();
            if named.is_none() {
                let normalized = unnamed.next()?;
                for byte in 0..text.len() {
                    let of = normalized.convert_offsets(Of::Normalized(byte..byte + 1))?;
                    aligned.push((bytes.start + of.start, bytes.start + of.end));
                }
            }
            words.push(Pretoken { bytes, text, aligned, named });
        }
        Some(words)
    }

    /// The tokens of what is in a word, each with its bytes there; `None` where it, or a letter of it, has none.
    pub(crate) fn of_word(&self, word: &str) -> Option<Vec<(u32, (usize, usize))>> {
        let tokens = self.inner.get_model().tokenize(word).ok()?;
        // A letter that is skipped has no length either: the last token then ends too early.
        let end = tokens.last().map_or(0, |token| token.offsets.1);
        (end >= word.len()).then(|| tokens.into_iter().map(|token| (token.id, token.offsets)).collect())
    }

    /// The characters of a text that would be skipped, each once; none where the tokenizer skips none.
    pub(super) fn skipped(&self, text: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        if !self.may_skip {
            return found;
        }
        let words = self.words(text).unwrap_or_default();
        for word in words.iter().filter(|word| word.named.is_none() && self.of_word(&word.text).is_none()) {
            // Of a word that has all its letters and no tokens all the same, the tokenizer says itself what is wrong.
            for letter in skipped(self.inner.get_model(), &word.text) {
                let (from, to) = (word.aligned.get(letter.start), word.aligned.get(letter.end - 1));
                let bytes = from.zip(to).map_or(word.bytes.clone(), |(from, to)| from.0..to.1);
                let own = text.get(bytes).filter(|own| !own.is_empty()).unwrap_or(&word.text).to_string();
                if !found.contains(&own) {
                    found.push(own);
                }
            }
        }
        found
    }

    /// Whether a token stands for text that is not in the vocabulary.
    pub(crate) fn is_unknown(&self, id: u32) -> bool {
        Some(id) == self.unknown
    }

    /// Whether an ASCII text's words are at the same places whatever its digits are, as long as they are where they are. `fixed` has
    /// every other character that the text may have.
    ///
    /// That is so where no rule of the tokenizer tells one digit from another, and where no token that is found by its name has digits
    /// in it and could be in the text. What is not known to be so is said not to be.
    pub(crate) fn splits_digits_alike(&self, fixed: &str) -> bool {
        let is_there = |letter: char| fixed.chars().any(|other| other.eq_ignore_ascii_case(&letter));
        let is_elsewhere = |letter: char| letter.is_ascii_graphic() && !letter.is_ascii_digit() && !is_there(letter);
        let has_digits = |name: &str| name.chars().any(|letter| letter.is_ascii_digit());
        let is_apart = |name: &str| name.chars().any(is_elsewhere);
        let unknown = self.unknown.and_then(|id| self.inner.id_to_token(id));
        fixed.is_ascii()
            && normalizes_alike(&json(self.inner.get_normalizer()))
            && splits_alike(&json(self.inner.get_pre_tokenizer()))
            && unknown.is_none_or(|name| is_apart(&name))
            && self
                .inner
                .get_added_tokens_decoder()
                .values()
                .all(|token| !has_digits(&token.content) || is_apart(&token.content))
    }
}

fn all(parts: &Value, alike: fn(&Value) -> bool) -> bool {
    parts.as_array().is_some_and(|parts| parts.iter().all(alike))
}

/// Whether a normaliser leaves the digits of ASCII texts as they are, and puts nothing in that a token's name could have.
fn normalizes_alike(part: &Value) -> bool {
    let is_space = |text: &Value| text.as_str().is_some_and(|text| text.chars().all(|c| c == ' ' || !c.is_ascii()));
    match kind(part) {
        // They change what is not ASCII.
        "NFC" | "NFD" | "NFKC" | "NFKD" => true,
        "Sequence" => all(&part["normalizers"], normalizes_alike),
        "Prepend" => is_space(&part["prepend"]),
        "Replace" => is_space(&part["pattern"]["String"]) && is_space(&part["content"]),
        _ => part.is_null(),
    }
}

/// Whether a rule that splits texts does not tell digits apart.
fn splits_alike(part: &Value) -> bool {
    let has_digits = |text: &Value| text.as_str().is_none_or(|text| text.chars().any(|c| c.is_ascii_digit()));
    match kind(part) {
        "Sequence" => all(&part["pretokenizers"], splits_alike),
        "ByteLevel" | "Digits" | "Metaspace" | "Whitespace" | "WhitespaceSplit" | "Punctuation" => true,
        "Split" => match part["pattern"]["Regex"].as_str() {
            Some(pattern) => matches_alike(pattern),
            None => !has_digits(&part["pattern"]["String"]),
        },
        _ => part.is_null(),
    }
}

/// Whether a regular expression matches a text whatever its digits are: they are in it only as the class of all of them, and in how
/// often something is repeated.
fn matches_alike(pattern: &str) -> bool {
    let mut rest = pattern;
    let (mut depth, mut before) = (0_usize, ' ');
    // Where a class begins with its own end, what is inside it is not as it seems.
    if pattern.contains("[]") || pattern.contains("[^]") {
        return false;
    }
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        rest = match letter {
            '\\' => {
                let Some(escaped) = after.chars().next() else { return false };
                // Characters by their numbers, and what was matched before.
                if "xuocCMkg".contains(escaped) || escaped.is_ascii_digit() {
                    return false;
                }
                &after[escaped.len_utf8()..]
            }
            '[' => {
                depth += 1;
                after
            }
            ']' => {
                depth = depth.saturating_sub(1);
                after
            }
            '{' if depth == 0 => match after.split_once('}') {
                Some((times, after)) if is_count(times) => after,
                _ => after,
            },
            '0'..='9' if depth > 0 && before != '-' && rest.starts_with("0-9") => &rest["0-9".len()..],
            '0'..='9' => return false,
            _ => after,
        };
        before = letter;
    }
    true
}

/// Whether what is in braces says how often: `3`, `1,3`, `1,`.
fn is_count(times: &str) -> bool {
    let is_number = |text: &str| text.chars().all(|letter| letter.is_ascii_digit());
    let (least, most) = times.split_once(',').unwrap_or((times, ""));
    !times.is_empty() && is_number(least) && is_number(most)
}
