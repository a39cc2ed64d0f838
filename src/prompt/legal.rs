//! Legality: which prompts a model's tokenizer can show as the paper wants them (§2.1), and where their tokens are.

use super::asks::Asks;
use super::dropped::{Dropped, Fault, Reason};
use super::error::PromptError;
use super::explain;
use super::layout::{Judged, Layouts};
use super::resolved::Resolved;
use super::set::{Note, PromptSet};
use super::taker::{All, Candidate, Taker};
use super::template::Slot;
use super::template_group::{TemplateGroup, bos_token};
use crate::model::tokenizer::Tokenizer;
use std::collections::BTreeMap;

/// Prompts tokenised at once: bounds the memory that candidates take beside the legal prompts.
const CHUNK: usize = 1 << 14;

/// Every legal prompt, by template, group, and what fills the template.
///
/// A prompt is legal when its answer exists and is in range, the tokens of prompt and answer begin with the tokens of the
/// prompt alone, and, with single-token answers, each slot and the answer is one token of its own.
///
/// # Errors
/// A group that has no legal prompt in a template, with the reasons; `bos = true` on a tokenizer without one.
pub fn legal(resolved: &Resolved, tokenizer: &Tokenizer, bos: Option<bool>) -> Result<PromptSet, PromptError> {
    take(resolved, tokenizer, bos, &mut All::default())
}

/// Every legal prompt of a set, given to a taker; the set has those that it keeps.
///
/// # Errors
/// As [`legal`].
pub(super) fn take(
    resolved: &Resolved,
    tokenizer: &Tokenizer,
    bos: Option<bool>,
    taker: &mut impl Taker,
) -> Result<PromptSet, PromptError> {
    let bos = bos_token(tokenizer, bos)?;
    let mut layouts = Layouts::new(tokenizer);
    let mut dropped = Vec::new();
    let mut templates = Vec::new();
    for index in 0..resolved.templates.len() {
        let mut described = None;
        for group_index in 0..resolved.groups.len() {
            let group = TemplateGroup::new(resolved, tokenizer, bos, index, group_index);
            let before = taker.count();
            let reasons = enumerate(&group, &mut layouts, taker);
            if taker.count() == before {
                return Err(explain::none_legal(&group, &reasons));
            }
            dropped.extend(reasons);
            if group_index + 1 == resolved.groups.len() {
                described = Some(taker.describe(&group));
            }
        }
        templates.extend(described);
    }
    let words: Vec<String> = dropped.iter().filter(|one: &&Dropped| one.word.is_some()).map(Dropped::why).collect();
    let mut notes = if words.is_empty() { vec![] } else { vec![Note::words_dropped(words)] };
    let (prompts, twice) = taker.finish();
    notes.extend(
        bos.filter(|_| twice > 0)
            .map(|bos| Note::BeginsTwice { token: tokenizer.token(bos).unwrap_or_default(), prompts: twice }),
    );
    let groups = resolved.groups.clone();
    Ok(PromptSet { templates, groups, prompts, bos, answer: resolved.answer, dropped, spread: false, notes })
}

/// Gives the legal prompts to a taker and returns the reasons of the others.
fn enumerate(group: &TemplateGroup, layouts: &mut Layouts, taker: &mut impl Taker) -> Vec<Dropped> {
    let mut reasons: BTreeMap<Fault, (usize, Asks)> = BTreeMap::new();
    let mut drop = |fault: Fault, asks: Asks| {
        reasons.entry(fault).or_insert((0, asks)).0 += 1;
    };
    layouts.begin(group);
    let most = CHUNK.min(group.count());
    let mut candidates: Vec<Candidate> = Vec::with_capacity(most);
    for index in group.indices() {
        match group.solve(index) {
            Ok(asks) => {
                let judged = match &asks {
                    Asks::Numbers(calculation) => layouts.judge(group, calculation),
                    Asks::Words(_) => Judged::Alone,
                };
                candidates.push(Candidate { id: group.first_id + index as u64, asks, judged });
            }
            Err(Reason::Alike) => {}
            Err(reason) => group.unsolved(index).into_iter().for_each(|asks| drop(reason.into(), asks)),
        }
        if candidates.len() == CHUNK {
            let some = std::mem::replace(&mut candidates, Vec::with_capacity(most));
            taker.take(group, layouts, some, &mut drop);
        }
    }
    taker.take(group, layouts, candidates, &mut drop);
    let dropped = |(fault, (count, asks)): (Fault, (usize, Asks))| Dropped {
        template: group.template.name.clone(),
        group: group.group.clone(),
        example: explain::example(group, &fault, &asks),
        word: fault.word.as_ref().map(|(slot, word)| match (slot, group.resolved.words()) {
            (Slot::Word { slot, .. }, Some(words)) => format!("{} {word:?}", words.names[*slot]),
            _ => format!("{word:?}"),
        }),
        reason: fault.reason,
        count,
    };
    reasons.into_iter().map(dropped).collect()
}
