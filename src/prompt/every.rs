//! Prompts whatever their answer: what means of activations are taken over (paper §2.1, appendix A: all prompts with both
//! operands in range, legal or not, the same number for each operator).
//!
//! Operands and words are drawn before anything is tokenised: a large range costs no more than the prompts that are asked for.

use super::error::PromptError;
use super::fields::Fields;
use super::group::PromptGroup;
use super::order::RandomOrder;
use super::random::Random;
use super::resolved::ResolvedPrompts;
use super::set::{Prompt, SlotTokens};
use super::source::PromptSource;
use super::stock::Stock;
use crate::model::tokenizer::Tokenizer;
use rayon::prelude::*;

/// Prompts tokenised at once, at least and at most.
const CHUNK: std::ops::RangeInclusive<usize> = 64..=1 << 14;

/// A prompt that is asked for its activations alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainPrompt {
    /// The group.
    pub group: PromptGroup,
    /// What its template is filled with.
    pub fields: Fields,
    /// The whole text, shots included.
    pub text: String,
    /// Its tokens, the beginning-of-text token included where the model gets one.
    pub tokens: Vec<u32>,
    /// Where its slots are, as in [`Prompt::slots`].
    pub slots: Vec<Option<SlotTokens>>,
}

/// Which prompts are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// Name of the template.
    pub template: &'w str,
    /// A prompt that all have the number of tokens and the places of the slots in common with, so that a position of one is
    /// that position of all; `None`: they may differ in these.
    pub like: Option<&'w Prompt>,
    /// Whether legal prompts alone count.
    pub legal: bool,
    /// How many of each group.
    pub sample: usize,
    /// Seed of the draw.
    pub seed: u64,
    /// Whether all groups have as many as the one with the fewest, so that each counts as much as another in what is of all.
    pub balanced: bool,
}

/// Prompts of one template by group, in the order of their source: `sample` of each, or all there are.
///
/// Each prompt that is wanted is equally likely. `keep`, `sample` and `seeds` of the prompts' own spec change nothing. A draw
/// depends on its seed, the group, the template and what fills it alone.
///
/// # Errors
/// A template that is not there; a group without such a prompt; `bos = true` on a tokenizer without one.
pub fn every(
    resolved: &ResolvedPrompts,
    tokenizer: &Tokenizer,
    bos: Option<bool>,
    wanted: &Wanted,
) -> Result<Vec<Vec<PlainPrompt>>, PromptError> {
    let resolved = &*resolved.in_model(tokenizer, bos)?;
    let bos = resolved.bos_before(tokenizer, bos)?;
    let missing = || PromptError::NoTemplate(wanted.template.to_string());
    let index = resolved.templates.iter().position(|one| one.name == wanted.template).ok_or_else(missing)?;
    let mut by_group = Vec::with_capacity(resolved.groups.len());
    for number in 0..resolved.groups.len() {
        let stock = Stock::new(resolved, tokenizer, bos, index, number);
        let drawn = draw(&stock, wanted);
        if drawn.is_empty() {
            return Err(none(&stock, wanted));
        }
        by_group.push(drawn);
    }
    if wanted.balanced {
        let fewest = by_group.iter().map(Vec::len).min().unwrap_or(0);
        // The order is random: any part of a draw is a draw.
        by_group.iter_mut().for_each(|drawn| drawn.truncate(fewest));
    }
    Ok(by_group)
}

/// Why a group has no such prompt.
fn none(stock: &Stock, wanted: &Wanted) -> PromptError {
    let (group, template) = (stock.group.clone(), stock.template.name.clone());
    // Whatever its answer, a prompt may be like the others.
    let unanswered = Wanted { legal: false, sample: 1, ..*wanted };
    match wanted.legal.then(|| draw(stock, &unanswered)).and_then(|drawn| drawn.into_iter().next()) {
        Some(asked) => PromptError::NoneLegalForMean { group, template, example: asked.text },
        None => PromptError::NoneAlike { group, template, like: wanted.like.map(|like| like.text.clone()) },
    }
}

/// Goes over what may fill the template in random order until enough are wanted prompts.
fn draw(stock: &Stock, wanted: &Wanted) -> Vec<PlainPrompt> {
    let purpose = ["every", stock.group.label(), wanted.template];
    let mut order = RandomOrder::new(stock.count(), Random::new(wanted.seed, &purpose));
    let mut drawn: Vec<PlainPrompt> = Vec::new();
    loop {
        let missing = wanted.sample.saturating_sub(drawn.len());
        let some: Vec<usize> = order.by_ref().take(missing.clamp(*CHUNK.start(), *CHUNK.end())).collect();
        if missing == 0 || some.is_empty() {
            drawn.truncate(wanted.sample);
            return drawn;
        }
        let judged: Vec<Option<PlainPrompt>> = some.par_iter().map(|&index| ask(stock, wanted, index)).collect();
        drawn.extend(judged.into_iter().flatten());
    }
}

/// A prompt of the enumeration, where it is wanted.
fn ask(stock: &Stock, wanted: &Wanted, index: usize) -> Option<PlainPrompt> {
    let (fields, text, tokens, slots): (_, _, Vec<u32>, Vec<Option<SlotTokens>>) =
        match wanted.legal || matches!(stock.resolved.source, PromptSource::Tokens(_)) {
            true => {
                let prompt = stock.legal(index)?;
                (prompt.fields, prompt.text, prompt.tokens, prompt.slots)
            }
            false => {
                let fields = stock.unsolved(index)?;
                let placed = stock.place_fields(&fields).ok()?;
                (fields, placed.text, stock.bos.into_iter().chain(placed.encoding.ids).collect(), placed.slots)
            }
        };
    let alike = wanted.like.is_none_or(|like| tokens.len() == like.tokens.len() && slots == like.slots);
    alike.then(|| PlainPrompt { group: stock.group.clone(), fields, text, tokens, slots })
}
