//! Counterfactual prompts: for each clean prompt another with another answer (paper §2.1).

use super::error::PromptError;
use super::group::PromptGroup;
use super::random::Random;
use super::set::{Prompt, SlotTokens};
use crate::counted::{agreeing, counted};
use std::collections::HashMap;

/// Which groups a counterfactual may come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum From {
    /// Any, the clean prompt's own included (the paper's choice).
    #[default]
    AnyGroup,
    /// The clean prompt's own.
    SameGroup,
}

/// Draws for each of `clean` a counterfactual from `pool`: its index there, in the order of `clean`; an error for a clean prompt that
/// nothing in the pool fits.
///
/// A counterfactual is another prompt with the clean one's template and number of tokens, its slots at the same tokens, and another
/// answer that begins with another token, so that the indirect effect can tell the two apart. Each prompt of the pool
/// that fits is equally likely. A draw depends on the seed, the clean prompt and the pool alone.
pub fn pairs(clean: &[Prompt], pool: &[Prompt], from: From, seed: u64) -> Vec<Result<usize, PromptError>> {
    let mut alike: HashMap<PairShape, Vec<usize>> = HashMap::new();
    for (index, prompt) in pool.iter().enumerate() {
        alike.entry(shape(prompt, from)).or_default().push(index);
    }
    clean
        .iter()
        .map(|prompt| {
            let candidates = alike.get(&shape(prompt, from)).map_or(&[][..], Vec::as_slice);
            let purpose = ["counterfactual", prompt.group.label(), prompt.text.as_str()];
            let mut random = Random::new(seed, &purpose);
            draw(prompt, candidates, pool, &mut random).ok_or_else(|| no_counterfactual(prompt, candidates.len(), from))
        })
        .collect()
}

/// What a clean prompt and its counterfactual have in common.
type PairShape<'p> = (usize, Option<&'p PromptGroup>, usize, Vec<Option<(usize, usize)>>);

fn shape(prompt: &Prompt, from: From) -> PairShape<'_> {
    let group = (from == From::SameGroup).then_some(&prompt.group);
    let place = |slot: Option<SlotTokens>| slot.map(|slot| (slot.first, slot.count));
    (prompt.template, group, prompt.tokens.len(), prompt.slots.iter().copied().map(place).collect())
}

/// Whether a prompt may be another's counterfactual but for its answer and group.
pub fn alike(clean: &Prompt, other: &Prompt) -> bool {
    shape(clean, From::AnyGroup) == shape(other, From::AnyGroup)
}

/// The same text may have several answers, in a file of rows: it is the clean prompt itself all the same.
fn differs(clean: &Prompt, other: &Prompt) -> bool {
    // Compared with several wrong answers of its own, a prompt may share right ones with the other, as long as not all are the same.
    if clean.wrong.len() > 1 {
        return clean.answers != other.answers && clean.tokens != other.tokens;
    }
    !clean.same_answer(other) && clean.answer_token() != other.answer_token() && clean.tokens != other.tokens
}

/// A uniform draw among the candidates that differ from the clean prompt.
fn draw(clean: &Prompt, candidates: &[usize], pool: &[Prompt], random: &mut Random) -> Option<usize> {
    // Nearly every candidate differs: drawing again until one does is uniform, and spares going through all of them.
    const TRIES: usize = 32;
    if candidates.is_empty() {
        return None;
    }
    for _ in 0..TRIES {
        let index = candidates[random.below(candidates.len())];
        if differs(clean, &pool[index]) {
            return Some(index);
        }
    }
    let fitting: Vec<usize> = candidates.iter().copied().filter(|&index| differs(clean, &pool[index])).collect();
    fitting.get(random.below(fitting.len())).copied()
}

fn no_counterfactual(clean: &Prompt, alike: usize, from: From) -> PromptError {
    let of_group = match from {
        From::AnyGroup => String::new(),
        From::SameGroup => format!(" of {}", clean.group),
    };
    let what = if clean.calculation().is_some() { "more operands, more operators" } else { "more words" };
    let why = format!(
        "{}{of_group} {} its template and positions, and each of them is the prompt itself or has an answer that begins with \
         the same token; write {what}, or a larger sample",
        counted(alike, "prompt"),
        agreeing(alike, "has", "have")
    );
    PromptError::NoCounterfactual { text: clean.text.clone(), why }
}
