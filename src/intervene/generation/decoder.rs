//! The decoder: prompts are read once, then every row writes a token at a time, all of them together.

use super::cache::{self, LayerCache, Shared};
use super::choice::Choice;
use super::pass::{self, PassRow};
use super::token_edit::TokenEdits;
use crate::intervene::activation::Activations;
use crate::intervene::edit::Edit;
use crate::kernel::to_f32;
use crate::model::transformer::Transformer;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What tells passes apart: the text in tokens, where its edits lie, and the run that they read.
type PassKey = (Vec<u32>, usize, Option<usize>);

/// Continues prompts.
pub struct Decoder<'a> {
    /// The model.
    pub transformer: &'a Transformer,
    /// What edits by another run's values read, at positions of the prompt.
    pub sources: &'a Activations,
    /// Most rows of a batch. No text depends on it but by rounding.
    pub batch: usize,
}

/// A prompt to be continued.
#[derive(Debug, Clone)]
pub struct Opening<'p> {
    /// Its tokens, at least one.
    pub prompt: &'p [u32],
    /// What is changed.
    pub edits: &'p TokenEdits,
    /// The run that edits by another run's values read.
    pub source: Option<usize>,
    /// How its tokens are chosen.
    pub choice: Choice,
}

/// What a model wrote after a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrittenTokens {
    /// The tokens, the one that ends the text included.
    pub tokens: Vec<u32>,
    /// Why there are no more.
    pub end: TextEnd,
    /// Natural logarithm of the probability of each token, under the run that wrote it, at temperature 1.
    pub log_probabilities: Vec<f32>,
    /// The largest absolute logit that it was chosen from.
    pub largest_logit: f32,
}

/// Why a text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextEnd {
    /// The model, or a text that was asked for, ended it.
    Stopped,
    /// It has as many tokens as were asked for.
    Length,
    /// The model has no more positions.
    Positions,
    /// Edits have made logits that are not numbers.
    NotANumber,
}

/// A row that is not done.
struct Live<'o, 'p> {
    number: usize,
    opening: &'o Opening<'p>,
    choice: Choice,
    tokens: Vec<u32>,
    log_probabilities: Vec<f32>,
    largest_logit: f32,
}

impl Live<'_, '_> {
    fn ended(self, end: TextEnd) -> WrittenTokens {
        let Live { tokens, log_probabilities, largest_logit, .. } = self;
        WrittenTokens { tokens, end, log_probabilities, largest_logit }
    }
}

/// What is read in one pass: a text with its edits.
struct TextPass {
    text: Vec<u32>,
    edits: Arc<[Edit]>,
    source: Option<usize>,
}

/// What rows have read, and the logits of what comes next: `[row, n_vocab]`.
struct ReadSoFar {
    shared: Shared,
    own: Vec<LayerCache>,
    logits: Vec<f32>,
}

impl Decoder<'_> {
    /// Writes up to `most` tokens after each prompt; `stops` is asked after each token whether the text of an opening, by its number,
    /// ends there; `pause` is called before each pass with the number of tokens that were written since.
    ///
    /// # Errors
    /// What `pause` returns.
    pub fn write<E>(
        &self,
        openings: &[Opening],
        most: usize,
        stops: &dyn Fn(usize, &[u32]) -> bool,
        pause: &mut dyn FnMut(usize) -> Result<(), E>,
    ) -> Result<Vec<WrittenTokens>, E> {
        let mut written: Vec<Option<WrittenTokens>> = vec![None; openings.len()];
        // Rows that end at different positions go together only where nothing is asked of the keys' places.
        let ragged = self.transformer.is_fast() && !openings.iter().any(|opening| opening.edits.reads_edges());
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, opening) in openings.iter().enumerate() {
            groups.entry(if ragged { 0 } else { opening.prompt.len() }).or_default().push(number);
        }
        for group in groups.values() {
            for numbers in group.chunks(self.batch.max(1)) {
                for (number, one) in self.write_together(openings, numbers, most, stops, pause)? {
                    written[number] = Some(one);
                }
            }
        }
        Ok(written.into_iter().flatten().collect())
    }

    fn write_together<E>(
        &self,
        openings: &[Opening],
        numbers: &[usize],
        most: usize,
        stops: &dyn Fn(usize, &[u32]) -> bool,
        pause: &mut dyn FnMut(usize) -> Result<(), E>,
    ) -> Result<Vec<(usize, WrittenTokens)>, E> {
        let live = |&number: &usize| {
            let opening = &openings[number];
            let choice = opening.choice.clone();
            Live { number, opening, choice, tokens: Vec::new(), log_probabilities: Vec::new(), largest_logit: 0.0 }
        };
        let mut rows: Vec<Live> = numbers.iter().map(live).collect();
        let mut done = Vec::with_capacity(rows.len());
        if most == 0 {
            return Ok(rows.into_iter().map(|row| (row.number, row.ended(TextEnd::Length))).collect());
        }
        pause(0)?;
        let mut read = self.read(&rows);
        loop {
            let n_vocab = self.transformer.facts().n_vocab;
            let before = rows.len();
            let mut kept = Vec::with_capacity(before);
            let mut open = Vec::with_capacity(before);
            for (place, mut row) in rows.into_iter().enumerate() {
                match self.step(&mut row, &read.logits[place * n_vocab..][..n_vocab], most, stops) {
                    None => {
                        kept.push(place);
                        open.push(row);
                    }
                    Some(end) => done.push((row.number, row.ended(end))),
                }
            }
            rows = open;
            pause(before)?;
            if rows.is_empty() {
                return Ok(done);
            }
            if kept.len() < before {
                read.shared.keep(&kept);
                read.own = read.own.into_iter().map(|layer| cache::rows(layer, &kept)).collect();
            }
            if rows.iter().any(|row| self.rotates_anew(row.opening.prompt.len() + row.tokens.len())) {
                read = self.read(&rows);
            } else {
                self.next(&rows, &mut read);
            }
        }
    }

    /// Chooses a row's next token; why the text ends with it, if it does.
    fn step(
        &self,
        row: &mut Live,
        logits: &[f32],
        most: usize,
        stops: &dyn Fn(usize, &[u32]) -> bool,
    ) -> Option<TextEnd> {
        let Some(token) = row.choice.token(logits) else { return Some(TextEnd::NotANumber) };
        row.tokens.push(token);
        row.log_probabilities.push(log_probability(logits, token));
        row.largest_logit = logits.iter().map(|logit| logit.abs()).fold(row.largest_logit, f32::max);
        let positions = row.opening.prompt.len() + row.tokens.len();
        match () {
            () if stops(row.number, &row.tokens) => Some(TextEnd::Stopped),
            () if row.tokens.len() >= most => Some(TextEnd::Length),
            () if self.transformer.facts().position_limit().is_some_and(|limit| positions > limit) => {
                Some(TextEnd::Positions)
            }
            () => None,
        }
    }

    /// Whether a text of so many tokens is the first with frequencies of rotation that shorter ones have not: keys that are kept
    /// would be rotated by the old ones.
    fn rotates_anew(&self, tokens: usize) -> bool {
        let facts = self.transformer.facts();
        let long = (0..facts.n_layers).filter_map(|layer| facts.rotary_of(layer)?.long.as_ref());
        long.into_iter().any(|long| tokens == long.beyond + 1)
    }

    /// One new token of each row.
    fn next(&self, rows: &[Live], read: &mut ReadSoFar) {
        let edges = rows.iter().any(|row| row.opening.edits.reads_edges());
        // All rows are equally long where edges are edited; elsewhere an edit of a new token needs no more than the token.
        let length = match edges {
            true => rows.first().map_or(0, |row| row.opening.prompt.len() + row.tokens.len()),
            false => 1,
        };
        let mut made: IndexMap<*const TokenEdits, Arc<[Edit]>> = IndexMap::new();
        let edits: Vec<PassRow> = rows
            .iter()
            .map(|row| {
                let edits = made.entry(std::ptr::from_ref(row.opening.edits));
                let edits = edits.or_insert_with(|| row.opening.edits.at(length.saturating_sub(1))).clone();
                PassRow { edits, source: row.opening.source }
            })
            .collect();
        let last = rows.iter().filter_map(|row| row.tokens.last().copied()).collect();
        read.logits = pass::next((self.transformer, self.sources), (&read.shared, &mut read.own), last, &edits, length);
    }

    /// Reads what each row has so far; prompts with the same edits once.
    fn read(&self, rows: &[Live]) -> ReadSoFar {
        let mut distinct: IndexMap<PassKey, Arc<[Edit]>> = IndexMap::new();
        let mut of: Vec<usize> = Vec::with_capacity(rows.len());
        for row in rows {
            let text = [row.opening.prompt, row.tokens.as_slice()].concat();
            let edits = row.opening.edits.whole(row.opening.prompt.len(), text.len());
            // Edits are the same where they lie at one place.
            let place = if edits.is_empty() { 0 } else { edits.as_ptr() as usize };
            let entry = distinct.entry((text, place, row.opening.source));
            of.push(entry.index());
            entry.or_insert(edits);
        }
        let readings: Vec<TextPass> =
            distinct.into_iter().map(|((text, _, source), edits)| TextPass { text, edits, source }).collect();
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, reading) in readings.iter().enumerate() {
            by_length.entry(reading.text.len()).or_default().push(number);
        }
        let mut places = vec![0; readings.len()];
        by_length.values().flatten().enumerate().for_each(|(place, &number)| places[number] = place);
        let mut groups = Vec::with_capacity(by_length.len());
        let mut logits = Vec::new();
        for (&length, numbers) in &by_length {
            let (last, layers) = self.whole(&readings, numbers, length - 1);
            logits.extend(last);
            groups.push(layers);
        }
        let n_vocab = self.transformer.facts().n_vocab;
        let layers = cache::join(groups);
        let lens = of.iter().map(|&reading| readings[reading].text.len()).collect();
        let of: Arc<[usize]> = of.iter().map(|&reading| places[reading]).collect();
        let logits = of.iter().flat_map(|&place| &logits[place * n_vocab..][..n_vocab]).copied().collect();
        ReadSoFar { shared: Shared { layers, of, lens }, own: Vec::new(), logits }
    }

    /// Runs some readings of one length: logits from a position on, row by row, and what later tokens attend to.
    fn whole(&self, readings: &[TextPass], numbers: &[usize], from: usize) -> (Vec<f32>, Vec<LayerCache>) {
        let texts: Vec<&[u32]> = numbers.iter().map(|&number| readings[number].text.as_slice()).collect();
        let row = |&number: &usize| PassRow { edits: readings[number].edits.clone(), source: readings[number].source };
        let rows: Vec<PassRow> = numbers.iter().map(row).collect();
        let (logits, layers) = pass::whole((self.transformer, self.sources), &texts, &rows, from);
        (to_f32(logits), layers)
    }

    /// The logarithm of the probability of each token of texts after prompts, under edits that need not be those of the run that
    /// wrote them; each text is run from scratch. `pause` is called before each pass.
    ///
    /// # Errors
    /// What `pause` returns.
    pub fn log_probabilities<E>(
        &self,
        openings: &[Opening],
        texts: &[&[u32]],
        pause: &mut dyn FnMut() -> Result<(), E>,
    ) -> Result<Vec<Vec<f32>>, E> {
        let mut found = self.of_whole(openings, texts, pause)?;
        // A text that outgrows the frequencies that its beginning was rotated by was begun under others: that part is read alone.
        let begun = |(opening, text): (&Opening, &&[u32])| {
            let last = (opening.prompt.len()..opening.prompt.len() + text.len())
                .rev()
                .find(|&read| self.rotates_anew(read))?;
            Some(last - opening.prompt.len()).filter(|begun| *begun > 0)
        };
        let begun: Vec<(usize, usize)> = openings
            .iter()
            .zip(texts)
            .map(begun)
            .enumerate()
            .filter_map(|(number, begun)| Some((number, begun?)))
            .collect();
        if !begun.is_empty() {
            let some: Vec<Opening> = begun.iter().map(|(number, _)| openings[*number].clone()).collect();
            let beginnings: Vec<&[u32]> = begun.iter().map(|(number, count)| &texts[*number][..*count]).collect();
            for ((number, count), values) in begun.iter().zip(self.of_whole(&some, &beginnings, pause)?) {
                found[*number][..*count].copy_from_slice(&values);
            }
        }
        Ok(found)
    }

    /// The same where all of a text is rotated as its end is.
    fn of_whole<E>(
        &self,
        openings: &[Opening],
        texts: &[&[u32]],
        pause: &mut dyn FnMut() -> Result<(), E>,
    ) -> Result<Vec<Vec<f32>>, E> {
        let n_vocab = self.transformer.facts().n_vocab;
        let mut found = vec![Vec::new(); openings.len()];
        let mut groups: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for (number, (opening, text)) in
            openings.iter().zip(texts).enumerate().filter(|(_, (_, text))| !text.is_empty())
        {
            groups.entry((opening.prompt.len(), text.len())).or_default().push(number);
        }
        for ((prompt, written), numbers) in groups {
            // The last token is read by nobody.
            let length = prompt + written - 1;
            // As many logits at once as a batch of single positions has, or one row's.
            for numbers in numbers.chunks((self.batch / written).max(1)) {
                pause()?;
                let readings: Vec<TextPass> = numbers
                    .iter()
                    .map(|&number| {
                        let opening = &openings[number];
                        let text = [opening.prompt, &texts[number][..written - 1]].concat();
                        TextPass { text, edits: opening.edits.whole(prompt, length), source: opening.source }
                    })
                    .collect();
                let all: Vec<usize> = (0..readings.len()).collect();
                let (logits, _) = self.whole(&readings, &all, prompt - 1);
                for (&number, logits) in numbers.iter().zip(logits.chunks_exact(written * n_vocab)) {
                    let each = texts[number].iter().zip(logits.chunks_exact(n_vocab));
                    found[number] = each.map(|(&token, logits)| log_probability(logits, token)).collect();
                }
            }
        }
        Ok(found)
    }
}

/// Natural logarithm of the softmax at a token.
fn log_probability(logits: &[f32], token: u32) -> f32 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|&logit| f64::from((logit - largest).exp())).sum();
    let own = logits.get(token as usize).copied().unwrap_or(f32::NAN);
    (f64::from(own - largest) - total.ln()) as f32
}
