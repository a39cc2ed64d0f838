//! Prompts whatever their answer: what means of activations are taken over (paper §2.1, appendix A: all prompts with both
//! operands in range, legal or not, the same number for each operator).
//!
//! Operands are drawn before anything is tokenised: a large range costs no more than the prompts that are asked for.

use super::error::PromptError;
use super::legal::{Group, bos_token};
use super::operator::Operator;
use super::random::Random;
use super::resolved::Resolved;
use super::set::{Prompt, SlotTokens};
use super::template::Problem;
use crate::model::tokenizer::Tokenizer;
use rayon::prelude::*;
use std::collections::HashMap;

/// Pairs of operands tokenised at once, at least and at most.
const CHUNK: std::ops::RangeInclusive<usize> = 64..=1 << 14;

/// A prompt that is asked for its activations alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The operator.
    pub operator: &'static Operator,
    /// First operand.
    pub a: i64,
    /// Second operand.
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
}

/// Prompts of one template by operator, in the spec's order: `sample` of each or, where one has fewer, as many as that one.
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
    let template = &resolved.templates[index];
    let mut by_operator = Vec::with_capacity(resolved.operators.len());
    for &operator in &resolved.operators {
        let group = Group { resolved, tokenizer, bos, template, template_index: index, operator, first_id: 0 };
        let drawn = draw(&group, wanted);
        if drawn.is_empty() {
            let (template, like) = (template.name.clone(), wanted.like.text.clone());
            return Err(PromptError::NoneAlike { operator: operator.symbol, template, like });
        }
        by_operator.push(drawn);
    }
    let fewest = by_operator.iter().map(Vec::len).min().unwrap_or(0);
    // The order is random: any part of a draw is a draw.
    by_operator.iter_mut().for_each(|drawn| drawn.truncate(fewest));
    Ok(by_operator)
}

/// Goes over pairs of operands in random order until enough are wanted prompts.
fn draw(group: &Group, wanted: &Wanted) -> Vec<Asked> {
    let (a, b) = (&group.resolved.a, &group.resolved.b);
    let purpose = ["every", group.operator.symbol, wanted.template];
    let mut order = Order::new(a.len() * b.len(), Random::new(wanted.seed, &purpose));
    let mut drawn: Vec<Asked> = Vec::new();
    loop {
        let missing = wanted.sample.saturating_sub(drawn.len());
        let pairs: Vec<usize> = order.by_ref().take(missing.clamp(*CHUNK.start(), *CHUNK.end())).collect();
        if missing == 0 || pairs.is_empty() {
            drawn.truncate(wanted.sample);
            return drawn;
        }
        let judged: Vec<Option<Asked>> =
            pairs.par_iter().map(|pair| ask(group, wanted, a[pair / b.len()], b[pair % b.len()])).collect();
        drawn.extend(judged.into_iter().flatten());
    }
}

/// The prompt of two operands, where it is wanted.
fn ask(group: &Group, wanted: &Wanted, a: i64, b: i64) -> Option<Asked> {
    let operator = group.operator;
    let (text, tokens, slots): (_, Vec<u32>, [Option<SlotTokens>; 3]) = match wanted.legal {
        true => {
            let prompt = group.legal(a, b)?;
            (prompt.text, prompt.tokens, prompt.slots)
        }
        false => {
            let placed = group.place(Problem { a, op: operator.symbol, b, answer: 0 }).ok()?;
            (placed.text, group.bos.into_iter().chain(placed.encoding.ids).collect(), placed.slots)
        }
    };
    let alike = tokens.len() == wanted.like.tokens.len() && slots == wanted.like.slots;
    alike.then_some(Asked { operator, a, b, text, tokens })
}

/// The numbers below a count in random order, without a list of them: Fisher and Yates, with only what was moved written down.
struct Order {
    left: usize,
    moved: HashMap<usize, usize>,
    random: Random,
}

impl Order {
    fn new(count: usize, random: Random) -> Self {
        Self { left: count, moved: HashMap::new(), random }
    }
}

impl Iterator for Order {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let last = self.left.checked_sub(1)?;
        self.left = last;
        let at = self.random.below(last + 1);
        let number = self.moved.get(&at).copied().unwrap_or(at);
        let end = self.moved.remove(&last).unwrap_or(last);
        if at != last {
            self.moved.insert(at, end);
        }
        Some(number)
    }
}
