//! Prompts whatever their answer: what means of activations are taken over (paper §2.1, appendix A: all prompts with both
//! operands in range, legal or not, the same number for each operator).
//!
//! Operands and words are drawn before anything is tokenised: a large range costs no more than the prompts that are asked for.

use super::error::PromptError;
use super::group::{Group, bos_token};
use super::operator::Operator;
use super::order::Order;
use super::random::Random;
use super::resolved::Resolved;
use super::set::{Prompt, SlotTokens};
use crate::model::tokenizer::Tokenizer;
use rayon::prelude::*;

/// Prompts tokenised at once, at least and at most.
const CHUNK: std::ops::RangeInclusive<usize> = 64..=1 << 14;

/// A prompt that is asked for its activations alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The operator.
    pub operator: &'static Operator,
    /// First operand; 0 of words.
    pub a: i64,
    /// Second operand; 0 of words.
    pub b: i64,
    /// The whole text, shots included.
    pub text: String,
    /// Its tokens, the beginning-of-text token included where the model gets one.
    pub tokens: Vec<u32>,
}

/// Which prompts are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// Name of the template.
    pub template: &'w str,
    /// A prompt that all have the number of tokens and the places of the slots in common with, so that a position of one is
    /// that position of all.
    pub like: &'w Prompt,
    /// Whether legal prompts alone count.
    pub legal: bool,
    /// How many of each operator.
    pub sample: usize,
    /// Seed of the draw.
    pub seed: u64,
    /// Whether all operators have as many as the one with the fewest, so that each counts as much as another in what is of all.
    pub balanced: bool,
}

/// Prompts of one template by operator, in the spec's order: `sample` of each, or all there are.
///
/// Each prompt that is wanted is equally likely. `keep`, `sample` and `seeds` of the prompts' own spec change nothing. A draw
/// depends on its seed, the operator, the template and the operands alone.
///
/// # Errors
/// A template that is not there; an operator without such a prompt; `bos = true` on a tokenizer without one.
pub fn every(
    resolved: &Resolved,
    tokenizer: &Tokenizer,
    bos: Option<bool>,
    wanted: &Wanted,
) -> Result<Vec<Vec<Asked>>, PromptError> {
    let bos = bos_token(tokenizer, bos)?;
    let missing = || PromptError::NoTemplate(wanted.template.to_string());
    let index = resolved.templates.iter().position(|one| one.name == wanted.template).ok_or_else(missing)?;
    let mut by_operator = Vec::with_capacity(resolved.operators.len());
    for number in 0..resolved.operators.len() {
        let group = Group::new(resolved, tokenizer, bos, index, number);
        let drawn = draw(&group, wanted);
        if drawn.is_empty() {
            return Err(none(&group, wanted));
        }
        by_operator.push(drawn);
    }
    if wanted.balanced {
        let fewest = by_operator.iter().map(Vec::len).min().unwrap_or(0);
        // The order is random: any part of a draw is a draw.
        by_operator.iter_mut().for_each(|drawn| drawn.truncate(fewest));
    }
    Ok(by_operator)
}

/// Why an operator has no such prompt.
fn none(group: &Group, wanted: &Wanted) -> PromptError {
    let (operator, template) = (group.operator.symbol, group.template.name.clone());
    // Whatever its answer, a prompt may be like the others.
    let unanswered = Wanted { legal: false, sample: 1, ..*wanted };
    match wanted.legal.then(|| draw(group, &unanswered)).and_then(|drawn| drawn.into_iter().next()) {
        Some(asked) => PromptError::NoneLegalForMean { operator, template, example: asked.text },
        None => PromptError::NoneAlike { operator, template, like: wanted.like.text.clone() },
    }
}

/// Goes over pairs of operands, or combinations of words, in random order until enough are wanted prompts.
fn draw(group: &Group, wanted: &Wanted) -> Vec<Asked> {
    let purpose = ["every", group.operator.symbol, wanted.template];
    let mut order = Order::new(group.count(), Random::new(wanted.seed, &purpose));
    let mut drawn: Vec<Asked> = Vec::new();
    loop {
        let missing = wanted.sample.saturating_sub(drawn.len());
        let some: Vec<usize> = order.by_ref().take(missing.clamp(*CHUNK.start(), *CHUNK.end())).collect();
        if missing == 0 || some.is_empty() {
            drawn.truncate(wanted.sample);
            return drawn;
        }
        let judged: Vec<Option<Asked>> = some.par_iter().map(|&index| ask(group, wanted, index)).collect();
        drawn.extend(judged.into_iter().flatten());
    }
}

/// A prompt of the enumeration, where it is wanted.
fn ask(group: &Group, wanted: &Wanted, index: usize) -> Option<Asked> {
    let operator = group.operator;
    let (a, b) = group.operands(index);
    let (text, tokens, slots): (_, Vec<u32>, Vec<Option<SlotTokens>>) = match wanted.legal {
        true => {
            let prompt = group.legal(index)?;
            (prompt.text, prompt.tokens, prompt.slots)
        }
        false => {
            let placed = group.place(&group.unanswered(index)?).ok()?;
            (placed.text, group.bos.into_iter().chain(placed.encoding.ids).collect(), placed.slots)
        }
    };
    let alike = tokens.len() == wanted.like.tokens.len() && slots == wanted.like.slots;
    alike.then_some(Asked { operator, a, b, text, tokens })
}
