//! Legality: which prompts a model's tokenizer can show as the paper wants them (§2.1), and where their tokens are.

use super::dropped::{Dropped, Reason};
use super::error::PromptError;
use super::explain;
use super::operator::{NoValue, Operator};
use super::resolved::{NamedTemplate, Resolved};
use super::set::{Prompt, PromptSet, SetTemplate, SlotTokens};
use super::template::{Problem, Slot};
use crate::model::tokenizer::{Encoding, Tokenizer};
use crate::spec::Answer;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// Prompts tokenised at once: bounds the memory that candidates take beside the legal prompts.
const CHUNK: usize = 1 << 14;

/// Every legal prompt, by template, operator, a, b.
///
/// A prompt is legal when its answer exists and is in range, the tokens of prompt and answer begin with the tokens of the
/// prompt alone, and, with single-token answers, each slot and the answer is one token of its own.
///
/// # Errors
/// An operator that has no legal prompt in a template, with the reasons; `bos = true` on a tokenizer without one.
pub fn legal(resolved: &Resolved, tokenizer: &Tokenizer, bos: Option<bool>) -> Result<PromptSet, PromptError> {
    let bos = bos_token(tokenizer, bos)?;
    let mut prompts = Vec::new();
    let mut dropped = Vec::new();
    let mut templates = Vec::new();
    for (index, template) in resolved.templates.iter().enumerate() {
        let first = prompts.len();
        for (operator_index, &operator) in resolved.operators.iter().enumerate() {
            let group = Group {
                resolved,
                tokenizer,
                bos,
                template,
                template_index: index,
                operator,
                first_id: ((index * resolved.operators.len() + operator_index) as u64)
                    * (resolved.a.len() as u64)
                    * (resolved.b.len() as u64),
            };
            let before = prompts.len();
            let reasons = group.enumerate(&mut prompts);
            if prompts.len() == before {
                return Err(explain::none_legal(&group, &reasons));
            }
            dropped.extend(reasons);
        }
        templates.push(describe(resolved, tokenizer, template, &prompts[first..]));
    }
    let operators = resolved.operators.clone();
    Ok(PromptSet { templates, operators, prompts, bos, answer: resolved.answer, dropped, spread: false, notes: vec![] })
}

/// The beginning-of-text token before each prompt; `wanted` overrides whether there is one.
///
/// # Errors
/// One is wanted and the tokenizer has none.
pub(super) fn bos_token(tokenizer: &Tokenizer, wanted: Option<bool>) -> Result<Option<u32>, PromptError> {
    wanted.unwrap_or(tokenizer.adds_bos()).then(|| tokenizer.bos().ok_or(PromptError::NoBos)).transpose()
}

/// The prompts of one template and operator.
pub(super) struct Group<'a> {
    pub resolved: &'a Resolved,
    pub tokenizer: &'a Tokenizer,
    pub bos: Option<u32>,
    pub template: &'a NamedTemplate,
    pub template_index: usize,
    pub operator: &'static Operator,
    pub first_id: u64,
}

/// A prompt in tokens, whatever its answer.
pub(super) struct Placed {
    /// The whole text.
    pub text: String,
    /// The tokens of the text alone.
    pub encoding: Encoding,
    /// Where a, op and b are once the beginning-of-text token is put before.
    pub slots: [Option<SlotTokens>; 3],
}

/// A prompt that may turn out legal.
#[derive(Clone, Copy)]
struct Candidate {
    id: u64,
    a: i64,
    b: i64,
    answer: i64,
}

impl Group<'_> {
    /// Appends the legal prompts and returns the reasons of the others.
    fn enumerate(&self, prompts: &mut Vec<Prompt>) -> Vec<Dropped> {
        let mut reasons: BTreeMap<Reason, (usize, Candidate)> = BTreeMap::new();
        let mut drop = |reason: Reason, candidate: Candidate| {
            reasons.entry(reason).or_insert((0, candidate)).0 += 1;
        };
        let mut candidates = Vec::with_capacity(CHUNK);
        let mut tokenise = |candidates: &mut Vec<Candidate>, drop: &mut dyn FnMut(Reason, Candidate)| {
            let judged: Vec<_> = candidates.par_iter().map(|candidate| self.tokenise(candidate)).collect();
            for (outcome, candidate) in judged.into_iter().zip(candidates.drain(..)) {
                match outcome {
                    Ok(prompt) => prompts.push(prompt),
                    Err(reason) => drop(reason, candidate),
                }
            }
        };
        let pairs = self.resolved.a.iter().flat_map(|&a| self.resolved.b.iter().map(move |&b| (a, b)));
        for (id, (a, b)) in (self.first_id..).zip(pairs) {
            match self.solve(a, b) {
                Ok(answer) => candidates.push(Candidate { id, a, b, answer }),
                Err(reason) => {
                    let answer = (self.operator.apply)(a, b).unwrap_or(0);
                    drop(reason, Candidate { id, a, b, answer });
                }
            }
            if candidates.len() == CHUNK {
                tokenise(&mut candidates, &mut drop);
            }
        }
        tokenise(&mut candidates, &mut drop);
        let dropped = |(reason, (count, candidate)): (Reason, (usize, Candidate))| Dropped {
            template: self.template.name.clone(),
            operator: self.operator.symbol,
            reason,
            count,
            example: explain::example(self, reason, self.problem(&candidate)),
        };
        reasons.into_iter().map(dropped).collect()
    }

    /// The answer, where it is one that the spec wants.
    fn solve(&self, a: i64, b: i64) -> Result<i64, Reason> {
        let answer = (self.operator.apply)(a, b).map_err(|why| match why {
            NoValue::DivisionByZero => Reason::DivisionByZero,
            NoValue::Overflow => Reason::Overflow,
        })?;
        match self.resolved.answers {
            None if answer < 0 => Err(Reason::Negative),
            Some((low, high)) if !(low..high).contains(&answer) => Err(Reason::OutsideAnswers),
            _ => Ok(answer),
        }
    }

    fn problem(&self, candidate: &Candidate) -> Problem<'static> {
        Problem { a: candidate.a, op: self.operator.symbol, b: candidate.b, answer: candidate.answer }
    }

    /// The prompt of two operands where it is legal.
    pub(super) fn legal(&self, a: i64, b: i64) -> Option<Prompt> {
        let answer = self.solve(a, b).ok()?;
        self.tokenise(&Candidate { id: 0, a, b, answer }).ok()
    }

    /// The tokens of a prompt and of its slots; with single-token answers each slot must be one token of its own.
    pub(super) fn place(&self, problem: Problem) -> Result<Placed, Reason> {
        let (text, spans) = render(self.template, problem);
        let encoding = self.tokenizer.encode(&text).map_err(|_| Reason::UnknownText)?;
        let offset = usize::from(self.bos.is_some());
        let mut slots = [None; 3];
        for (slot, span) in &spans {
            let tokens = slot_tokens(&encoding, &text, span);
            if self.resolved.answer == Answer::SingleToken {
                if tokens.count != 1 {
                    return Err(Reason::long(*slot));
                }
                if !tokens.own {
                    return Err(Reason::shared(*slot));
                }
            }
            let place = match slot {
                Slot::A => 0,
                Slot::Op => 1,
                Slot::B | Slot::Answer => 2,
            };
            slots[place] = Some(SlotTokens { first: tokens.first + offset, ..tokens });
        }
        Ok(Placed { text, encoding, slots })
    }

    fn tokenise(&self, candidate: &Candidate) -> Result<Prompt, Reason> {
        let Placed { text, encoding: prompt, slots } = self.place(self.problem(candidate))?;
        let answer_tokens = self.answer_tokens(&text, &prompt, self.problem(candidate))?;
        let Candidate { id, a, b, answer } = *candidate;
        Ok(Prompt {
            id,
            template: self.template_index,
            operator: self.operator,
            a,
            b,
            answer,
            tokens: self.bos.into_iter().chain(prompt.ids).collect(),
            text,
            answer_tokens,
            slots,
            seed: None,
            number: None,
            correct: None,
        })
    }

    /// The tokens that follow the prompt's own when the answer follows its text.
    pub(super) fn answer_tokens(&self, text: &str, prompt: &Encoding, problem: Problem) -> Result<Vec<u32>, Reason> {
        let mut whole = text.to_string();
        let spans = self.resolved.completion.render(problem, &mut whole);
        let whole_encoding = self.tokenizer.encode(&whole).map_err(|_| Reason::UnknownAnswer)?;
        let answer = match whole_encoding.ids.split_at_checked(prompt.ids.len()) {
            Some((start, rest)) if start == prompt.ids && !rest.is_empty() => rest,
            _ => return Err(Reason::Merges),
        };
        let answer_start = spans.first().map_or(text.len(), |(_, span)| span.start);
        let first_end = whole_encoding.offsets.get(prompt.ids.len()).map_or(0, |&(_, end)| end);
        if first_end <= answer_start {
            return Err(Reason::CompletionApart);
        }
        if self.resolved.answer == Answer::SingleToken && answer.len() != 1 {
            return Err(Reason::AnswerLong);
        }
        Ok(answer.to_vec())
    }
}

/// A prompt's text, and the bytes of its slots.
pub(super) fn render(template: &NamedTemplate, problem: Problem) -> (String, Vec<(Slot, Range<usize>)>) {
    let mut text = template.prefix.clone();
    let spans = template.template.render(problem, &mut text);
    (text, spans)
}

/// The tokens that overlap a span of the text.
fn slot_tokens(encoding: &Encoding, text: &str, span: &Range<usize>) -> SlotTokens {
    let overlaps = |&(start, end): &(usize, usize)| start < span.end && end > span.start;
    let first = encoding.offsets.iter().position(overlaps).unwrap_or(0);
    let held: Vec<(usize, usize)> = encoding.offsets.iter().skip(first).copied().take_while(overlaps).collect();
    let blank = |bytes: Range<usize>| text.get(bytes).is_some_and(|outside| outside.trim().is_empty());
    let own = held.iter().all(|&(start, end)| blank(start..span.start.max(start)) && blank(span.end.min(end)..end));
    SlotTokens { first, count: held.len(), own: own && !held.is_empty() }
}

/// What positions need to know of a template: the fixed tokens of its first prompt, and the first slot that is not one token.
fn describe(resolved: &Resolved, tokenizer: &Tokenizer, template: &NamedTemplate, prompts: &[Prompt]) -> SetTemplate {
    let mut literals = Vec::new();
    if let Some(prompt) = prompts.first()
        && let Ok(encoding) = tokenizer.encode(&prompt.text)
    {
        let offset = prompt.tokens.len() - encoding.ids.len();
        let in_slot = |index: usize| {
            prompt.slots.iter().flatten().any(|slot| (slot.first..slot.first + slot.count).contains(&index))
        };
        for (index, &(start, end)) in encoding.offsets.iter().enumerate() {
            let text = prompt.text.get(start..end).unwrap_or("").trim();
            if start >= template.prefix.len() && !in_slot(index + offset) && !text.is_empty() {
                literals.push((index + offset, text.to_string()));
            }
        }
    }
    let placed = |slot: Slot, prompt: &Prompt| prompt.slot(slot).is_none_or(|tokens| tokens.count == 1 && tokens.own);
    let unplaced = (resolved.answer == Answer::MultiToken)
        .then(|| prompts.iter().find_map(|p| Some((Slot::OF_PROMPTS.into_iter().find(|&slot| !placed(slot, p))?, p))))
        .flatten()
        .map(|(slot, prompt)| {
            let problem = Problem { a: prompt.a, op: prompt.operator.symbol, b: prompt.b, answer: prompt.answer };
            (slot, explain::slot(tokenizer, template, slot, problem))
        });
    SetTemplate { name: template.name.clone(), literals, unplaced }
}
