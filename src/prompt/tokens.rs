//! Prompts that are written in tokens: blocks of random tokens several times over, or ids as a spec gives them. The last token of each
//! is its answer.

use super::error::{PromptError, SpecProblem};
use super::fields::Fields;
use super::limits::{MOST_LOOKED_AT, MOST_PROMPTS};
use super::order::RandomOrder;
use super::random::Random;
use super::set::SlotTokens;
use super::template::Slot;
use crate::model::tokenizer::Tokenizer;
use crate::spec::{DEFAULT_COMPLETION, DrawnVocabulary, Prompts, RandomTokens, Templates};
use std::sync::Arc;

/// Names of the positions of repeated blocks: where the block comes again for the first time; where the last token stands in the block
/// before; and where the answer does, after it.
const REPEATED_PLACES: [&str; 3] = ["first-repeat", "earlier-last", "earlier-answer"];

/// Prompts in tokens.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// Blocks of random tokens, several times over.
    Random(RandomBlocks),
    /// Prompts with their answers, as they are.
    Given(Arc<[Arc<[u32]>]>),
}

/// Blocks of random tokens, several times over.
#[derive(Debug, Clone)]
pub struct RandomBlocks {
    /// Tokens of a block.
    pub length: usize,
    /// How often it is there.
    pub repeats: usize,
    /// How many prompts there are.
    pub count: usize,
    /// Which tokens are drawn.
    pub vocabulary: DrawnVocabulary,
    /// Their ids in one model; none before it is known.
    pool: Arc<[u32]>,
}

impl TokenSource {
    /// Checks what a spec says; `keep` takes what is wrong with it.
    pub(super) fn new(spec: &Prompts, keep: &mut impl FnMut(SpecProblem)) -> Option<Self> {
        let given = [
            ("template", !spec.template.is_empty() && spec.template != Templates::default()),
            ("completion", !spec.completion.is_empty() && spec.completion != DEFAULT_COMPLETION),
            ("contrast", spec.contrast.is_some()),
            ("right", spec.right.is_some()),
            ("wrong", spec.wrong.is_some()),
            ("answers", spec.answers.is_some()),
            ("different", !spec.different.is_empty()),
            ("computed", !spec.computed.is_empty()),
            ("modulus", spec.modulus.is_some()),
            ("shots", !spec.shots.is_empty()),
            ("chat", !spec.chat.is_off()),
        ];
        for (key, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
            let text = format!("'{key}' does not apply to prompts that are tokens, which have no text; leave it out");
            keep(SpecProblem::at(&[key], text));
        }
        match (&spec.random_tokens, &spec.tokens) {
            (Some(random), _) => RandomBlocks::new(random, spec, keep).map(Self::Random),
            (None, Some(lists)) => {
                if lists.is_empty() {
                    keep(SpecProblem::empty("tokens"));
                }
                for (number, _) in lists.iter().enumerate().filter(|(_, list)| list.len() < 2) {
                    let text = "a prompt needs at least two tokens, of which the last is the answer; write more ids";
                    keep(SpecProblem::at(&["tokens", &number.to_string()], text));
                }
                Some(Self::Given(lists.iter().map(|list| Arc::from(list.as_slice())).collect()))
            }
            (None, None) => None,
        }
    }

    /// How many prompts there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Random(blocks) => blocks.count,
            Self::Given(lists) => lists.len(),
        }
    }

    /// Its positions that have names.
    pub(super) fn places(&self) -> Vec<(Slot, String)> {
        let names = match self {
            Self::Random(_) => &REPEATED_PLACES[..],
            Self::Given(_) => &[],
        };
        let place = |(slot, name): (usize, &&str)| (Slot::Word { slot, occurrence: Some(0) }, (*name).to_string());
        names.iter().enumerate().map(place).collect()
    }

    /// The same with the tokens of one model.
    ///
    /// # Errors
    /// Too few tokens for a block of different ones, and ids without a token.
    pub(super) fn of(&self, tokenizer: &Tokenizer) -> Result<Self, PromptError> {
        match self {
            Self::Random(blocks) => Ok(Self::Random(blocks.of(tokenizer)?)),
            Self::Given(lists) => {
                known(lists.iter().flat_map(|list| list.iter().copied()), tokenizer)?;
                Ok(self.clone())
            }
        }
    }

    /// Whether each prompt begins with this token by itself.
    pub(super) fn begins_with(&self, token: Option<u32>) -> bool {
        match self {
            Self::Random(_) => false,
            Self::Given(lists) => lists.iter().all(|list| list.first().copied() == token),
        }
    }

    /// The tokens of a prompt, its answer last.
    pub(super) fn fields(&self, index: usize) -> Fields {
        Fields::Tokens(match self {
            Self::Random(blocks) => blocks.tokens(index).into(),
            Self::Given(lists) => lists[index].clone(),
        })
    }

    /// Where the named positions are in a prompt that has so many tokens before it.
    pub(super) fn slots(&self, before: usize) -> Vec<Option<SlotTokens>> {
        let Self::Random(RandomBlocks { length, repeats, .. }) = self else { return Vec::new() };
        let earlier_answer = length * (repeats - 1) - 1;
        let places = [*length, earlier_answer - 1, earlier_answer];
        places.map(|place| Some(SlotTokens { first: before + place, count: 1, own: true })).to_vec()
    }
}

/// Makes sure that ids are those of tokens.
///
/// # Errors
/// The first that is not.
pub(super) fn known(mut ids: impl Iterator<Item = u32>, tokenizer: &Tokenizer) -> Result<(), PromptError> {
    match ids.find(|id| tokenizer.token(*id).is_none()) {
        Some(id) => Err(PromptError::NoToken { id, tokenizer: tokenizer.description() }),
        None => Ok(()),
    }
}

impl RandomBlocks {
    fn new(random: &RandomTokens, spec: &Prompts, keep: &mut impl FnMut(SpecProblem)) -> Option<Self> {
        let RandomTokens { length, repeats, vocabulary, count } = random.clone();
        let mut wrong = |key: &str, text: String| keep(SpecProblem::at(&["random_tokens", key], text));
        if length < 2 {
            wrong(
                "length",
                format!("a block of length = {length} cannot be recognised when it is repeated; write 2 or more"),
            );
        }
        if repeats < 2 {
            wrong("repeats", format!("with repeats = {repeats} no block comes a second time; write 2 or more"));
        }
        if length.checked_mul(repeats).is_none_or(|tokens| tokens > MOST_TOKENS) {
            wrong(
                "length",
                format!("{repeats} times {length} tokens are more than {MOST_TOKENS}; write a shorter block"),
            );
        }
        if let DrawnVocabulary::Ids(ids) = &vocabulary
            && ids.len() < length
        {
            let text = format!("{} ids are fewer than the length of a block, {length}; write more ids", ids.len());
            wrong("vocabulary", text);
        }
        if count == Some(0) || count.is_some_and(|count| count as u128 > MOST_PROMPTS) {
            wrong("count", format!("'count' is out of range; write a number from 1 to {MOST_PROMPTS}"));
        }
        let count = match (count, spec.sample) {
            (Some(count), _) => count,
            (None, Some(sample)) if sample.saturating_add(spec.skip) > MOST_LOOKED_AT => {
                let text = format!(
                    "a sample is drawn from {MOST_LOOKED_AT} prompts of random tokens, which is fewer than sample = {sample} and skip = {} \
                     together; write random_tokens.count = {}",
                    spec.skip,
                    sample.saturating_add(spec.skip)
                );
                keep(SpecProblem::at(&["sample"], text));
                MOST_LOOKED_AT
            }
            (None, Some(_)) => MOST_LOOKED_AT,
            (None, None) => {
                let text = "nothing says how many prompts of random tokens to make; write sample = 100, or random_tokens.count = 100";
                keep(SpecProblem::at(&["random_tokens"], text));
                1
            }
        };
        (length >= 2 && repeats >= 2).then(|| Self { length, repeats, count, vocabulary, pool: Arc::default() })
    }

    /// The same with the ids that are drawn of one model's.
    fn of(&self, tokenizer: &Tokenizer) -> Result<Self, PromptError> {
        let plain = || tokenizer.unnamed_tokens();
        let pool: Vec<u32> = match &self.vocabulary {
            DrawnVocabulary::All => plain(),
            DrawnVocabulary::Words => plain().into_iter().filter(|&id| tokenizer.is_word_with_space(id)).collect(),
            DrawnVocabulary::Range(low, high) => {
                plain().into_iter().filter(|&id| (*low..*high).contains(&i64::from(id))).collect()
            }
            DrawnVocabulary::Ids(ids) => {
                known(ids.iter().copied(), tokenizer)?;
                ids.clone()
            }
        };
        if pool.len() < self.length {
            return Err(PromptError::FewTokens { there: pool.len(), length: self.length });
        }
        Ok(Self { pool: pool.into(), ..self.clone() })
    }

    /// A block of different tokens, several times over: what it is depends on its number and the tokens to draw from alone, so that a
    /// longer block begins with a shorter one.
    fn tokens(&self, number: usize) -> Vec<u32> {
        let random = Random::new(0, &["random tokens", &number.to_string()]);
        let order = RandomOrder::new(self.pool.len(), random);
        let block: Vec<u32> = order.take(self.length).map(|place| self.pool[place]).collect();
        block.repeat(self.repeats)
    }
}

/// Most tokens of a prompt of random ones.
const MOST_TOKENS: usize = 1 << 20;
