//! Legality: which prompts a model's tokenizer can show as the paper wants them (§2.1), and where their tokens are.

use super::dropped::{Dropped, Fault, Reason};
use super::error::PromptError;
use super::explain;
use super::fields::Fields;
use super::layout::{LayoutVerdict, Layouts};
use super::resolved::ResolvedPrompts;
use super::set::{Note, PromptSet};
use super::stock::Stock;
use super::taker::{AllTaker, Candidate, Taker};
use super::template::Slot;
use crate::model::tokenizer::Tokenizer;
use std::collections::BTreeMap;

/// Prompts tokenised at once: bounds the memory that candidates take beside the legal prompts.
const CHUNK: usize = 1 << 14;

/// Every legal prompt, by template, group, and what fills the template.
///
/// A prompt is legal when its answer exists and is in range, the tokens of prompt and answer begin with the tokens of the
/// prompt alone, with single-token answers the answer is one token, and with single-token words each slot is one token of its own.
///
/// # Errors
/// A group that has no legal prompt in a template, with the reasons; `bos = true` on a tokenizer without one.
pub fn legal(resolved: &ResolvedPrompts, tokenizer: &Tokenizer, bos: Option<bool>) -> Result<PromptSet, PromptError> {
    take(resolved, tokenizer, bos, &mut AllTaker::default())
}

/// Every legal prompt of a set, given to a taker; the set has those that it keeps.
///
/// # Errors
/// As [`legal`].
pub(super) fn take(
    resolved: &ResolvedPrompts,
    tokenizer: &Tokenizer,
    bos: Option<bool>,
    taker: &mut impl Taker,
) -> Result<PromptSet, PromptError> {
    let resolved = &*resolved.in_model(tokenizer, bos)?;
    let bos = resolved.bos_before(tokenizer, bos)?;
    let mut layouts = Layouts::new(tokenizer);
    let mut dropped = Vec::new();
    let mut templates = Vec::new();
    for index in 0..resolved.templates.len() {
        let mut described = None;
        for group_index in 0..resolved.groups.len() {
            let stock = Stock::new(resolved, tokenizer, bos, index, group_index);
            let before = taker.count();
            let reasons = enumerate(&stock, &mut layouts, taker);
            dropped.extend(reasons);
            let is_last = group_index + 1 == resolved.groups.len();
            // Groups of prompts that are given one by one are the file's: one may have none in the tokens of a model, if not all.
            let is_lacking = match resolved.pairs() {
                Some(_) => is_last && taker.count() == 0,
                None => taker.count() == before,
            };
            if is_lacking {
                return Err(explain::none_legal(&stock, &dropped));
            }
            if is_last {
                described = Some(taker.describe(&stock));
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
    let texts = resolved.pairs().filter(|_| resolved.chat.is_none());
    let joined = texts.map_or(0, |pairs| pairs.joined(&resolved.completion));
    notes.extend((joined > 0).then_some(Note::AnswersJoined { prompts: joined }));
    let groups = resolved.groups.clone();
    let bos = resolved.bos_of_each(tokenizer, bos);
    Ok(PromptSet { templates, groups, prompts, bos, answer: resolved.answer, dropped, spread: false, notes })
}

/// Gives the legal prompts to a taker and returns the reasons of the others.
fn enumerate(stock: &Stock, layouts: &mut Layouts, taker: &mut impl Taker) -> Vec<Dropped> {
    let mut reasons: BTreeMap<Fault, (usize, Fields)> = BTreeMap::new();
    let mut drop = |fault: Fault, fields: Fields| {
        reasons.entry(fault).or_insert((0, fields)).0 += 1;
    };
    layouts.begin(stock);
    let most = CHUNK.min(stock.count());
    let mut candidates: Vec<Candidate> = Vec::with_capacity(most);
    for index in stock.indices() {
        match stock.solve(index) {
            Ok(fields) => {
                let judged = match &fields {
                    Fields::Calculation(calculation) => layouts.judge(stock, calculation),
                    Fields::Words { .. } | Fields::Pair { .. } | Fields::Tokens(_) => LayoutVerdict::Alone,
                };
                candidates.push(Candidate { id: stock.first_id + index as u64, fields, judged });
            }
            Err(Reason::Alike) => {}
            Err(reason) => stock.unsolved(index).into_iter().for_each(|fields| drop(reason.into(), fields)),
        }
        if candidates.len() == CHUNK {
            let some = std::mem::replace(&mut candidates, Vec::with_capacity(most));
            taker.take(stock, layouts, some, &mut drop);
        }
    }
    taker.take(stock, layouts, candidates, &mut drop);
    let dropped = |(fault, (count, fields)): (Fault, (usize, Fields))| Dropped {
        template: stock.template.name.clone(),
        group: stock.group.clone(),
        example: explain::example(stock, &fault, &fields),
        word: fault.word.as_ref().map(|(slot, word)| match (slot, stock.resolved.words()) {
            (Slot::Word { slot, .. }, Some(words)) => format!("{} {word:?}", words.names[*slot]),
            _ => format!("{word:?}"),
        }),
        reason: fault.reason,
        count,
    };
    reasons.into_iter().map(dropped).collect()
}
