//! Legal prompts counted instead of kept: what a plan needs of them.

use super::calculation::Calculation;
use super::dropped::Fault;
use super::error::PromptError;
use super::fields::Fields;
use super::layout::{Laid, LayoutForm, LayoutVerdict, Layouts};
use super::resolved::ResolvedPrompts;
use super::set::{Prompt, PromptSet, SetTemplate, SlotTokens};
use super::stock::Stock;
use super::taker::{Candidate, Taker};
use super::{described, legal};
use crate::model::tokenizer::Tokenizer;
use crate::spec::Answer;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// Prompts that are made to see how long making one takes.
const TIMED: usize = 1 << 10;

/// The legal prompts of a set, counted.
#[derive(Debug)]
pub struct Tally {
    /// The set, with the first prompt of each template, number and places of tokens, and tokens where fixed ones are in the template's
    /// first prompt; and the first that a model cannot run.
    pub set: PromptSet,
    /// What there is of each template and group.
    pub groups: Vec<Tallied>,
    /// How long making them takes, about.
    pub took: Duration,
}

/// The legal prompts of one template and group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallied {
    /// Index of the template.
    pub template: usize,
    /// How many.
    pub count: usize,
    /// The first tokens of their answers, ascending.
    pub first_tokens: Vec<u32>,
    /// Tokens of all prompts.
    pub tokens: usize,
    /// Tokens of all answers.
    pub answer_tokens: usize,
}

/// What a model can run.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Rows of its embedding.
    pub n_vocab: usize,
    /// Positions; `None`: any number.
    pub position_limit: Option<usize>,
}

/// Counts the legal prompts of a set.
///
/// # Errors
/// As [`legal::legal`].
pub fn tally(
    resolved: &ResolvedPrompts,
    tokenizer: &Tokenizer,
    bos: Option<bool>,
    bounds: Bounds,
) -> Result<Tally, PromptError> {
    let started = Instant::now();
    let mut counting = Counting::new(bounds, resolved.answer == Answer::MultiToken);
    let set = legal::take(resolved, tokenizer, bos, &mut counting)?;
    let each = counting.making.unwrap_or_default();
    let took = started.elapsed() + each.mul_f64(counting.unmade as f64);
    Ok(Tally { set, groups: counting.groups, took })
}

/// What prompts have in common that are kept once: tokens, places of slots, and the tokens where fixed ones are.
type TallyKey = (usize, usize, Vec<Option<SlotTokens>>, Vec<Option<u32>>);

/// Counts prompts.
struct Counting {
    bounds: Bounds,
    multi: bool,
    groups: Vec<Tallied>,
    /// Which template and group the last of them is of, and which tokens its answers begin with.
    group: Option<(usize, usize)>,
    begins: Vec<bool>,
    kept: Vec<Prompt>,
    /// Where those of the template begin.
    first: usize,
    /// The template by its first prompt, which says where fixed tokens are.
    described: Option<SetTemplate>,
    kinds: HashSet<TallyKey>,
    /// Forms that were seen, each with its number of tokens and whether one of those places is in a number.
    forms: HashMap<LayoutForm, TokenShape>,
    last: Option<(LayoutForm, TokenShape)>,
    is_unfit: bool,
    twice: usize,
    count: usize,
    /// How long making one takes, and of how many that was spared.
    making: Option<Duration>,
    unmade: usize,
}

/// A form of prompts.
#[derive(Debug, Clone, Copy)]
struct TokenShape {
    tokens: usize,
    /// Whether its prompts are of several kinds.
    varies: bool,
}

impl Counting {
    fn new(bounds: Bounds, multi: bool) -> Self {
        Self {
            bounds,
            multi,
            groups: Vec::new(),
            group: None,
            begins: Vec::new(),
            kept: Vec::new(),
            first: 0,
            described: None,
            kinds: HashSet::new(),
            forms: HashMap::new(),
            last: None,
            is_unfit: false,
            twice: 0,
            count: 0,
            making: None,
            unmade: 0,
        }
    }

    /// The counts of a group's prompts.
    fn of(&mut self, stock: &Stock) -> &mut Tallied {
        let own = (stock.template_index, stock.group_index);
        if self.group != Some(own) {
            self.settle();
            self.group = Some(own);
            self.groups.push(Tallied { template: stock.template_index, ..Tallied::default() });
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    /// Notes the first tokens of the last group's answers.
    fn settle(&mut self) {
        let begins = std::mem::take(&mut self.begins);
        if let Some(group) = self.groups.last_mut() {
            group.first_tokens.extend((0..).zip(begins).filter_map(|(id, is_first)| is_first.then_some(id)));
        }
    }

    /// Adds a prompt.
    fn add(&mut self, stock: &Stock, tokens: usize, mut answer: impl Iterator<Item = u32>, first: Option<u32>) {
        self.count += 1;
        self.twice += usize::from(first.is_some() && first == stock.bos);
        let begins = answer.next();
        let counted = self.of(stock);
        counted.count += 1;
        counted.tokens += tokens;
        counted.answer_tokens += usize::from(begins.is_some()) + answer.count();
        if let Some(id) = begins.map(|id| id as usize) {
            if self.begins.len() <= id {
                self.begins.resize(id + 1, false);
            }
            self.begins[id] = true;
        }
    }

    /// Whether a prompt is the first that the model cannot run.
    fn is_first_unfit(&mut self, tokens: usize, answer: usize, largest: u32) -> bool {
        let length = tokens + if self.multi { answer } else { 0 };
        let fits =
            self.bounds.position_limit.is_none_or(|limit| length <= limit) && (largest as usize) < self.bounds.n_vocab;
        let is_first = !fits && !self.is_unfit;
        self.is_unfit |= !fits;
        is_first
    }

    /// Keeps a prompt that is the first of its kind, or that is wanted whatever its kind.
    fn offer(&mut self, stock: &Stock, prompt: Prompt, is_wanted: bool) {
        let first = || described::describe(stock, std::slice::from_ref(&prompt));
        let fixed = self.described.get_or_insert_with(first).fixed(&prompt.slots);
        let at = fixed.map(|at| prompt.tokens.get(at?).copied()).collect();
        let kind = (prompt.template, prompt.tokens.len(), prompt.slots.clone(), at);
        if self.kinds.insert(kind) || is_wanted {
            self.kept.push(prompt);
        }
    }

    fn take_laid(&mut self, stock: &Stock, layouts: &Layouts, id: u64, calculation: &Calculation, laid: Laid) {
        let form = layouts.form(laid);
        let known = match self.last {
            Some((last, seen)) if last == form => Some(seen),
            _ => self.forms.get(&form).copied(),
        };
        let seen = known.unwrap_or_else(|| TokenShape { tokens: layouts.length(stock, laid), varies: false });
        let answer = layouts.answer(laid).count();
        let is_wanted = self.is_first_unfit(seen.tokens, answer, layouts.largest(stock, laid));
        self.add(stock, seen.tokens, layouts.answer(laid), layouts.first(laid));
        self.unmade += 1;
        let seen = match known {
            Some(seen) if !seen.varies && !is_wanted => seen,
            _ => {
                let prompt = layouts.prompt(stock, id, calculation, laid);
                let slots = prompt.slots.clone();
                self.offer(stock, prompt, is_wanted);
                let fixed: Vec<usize> =
                    self.described.iter().flat_map(|template| template.fixed(&slots).flatten()).collect();
                let seen = TokenShape { varies: layouts.has_number_at(stock, laid, &fixed), ..seen };
                self.forms.insert(form, seen);
                seen
            }
        };
        self.last = Some((form, seen));
    }

    fn take_made(&mut self, stock: &Stock, prompt: Prompt) {
        let ids = prompt.tokens.iter().chain(prompt.answer_tokens());
        let largest = ids.max().copied().unwrap_or(0);
        let is_wanted = self.is_first_unfit(prompt.tokens.len(), prompt.answer_tokens().len(), largest);
        let own = usize::from(stock.bos.is_some());
        self.add(stock, prompt.tokens.len(), prompt.answer_tokens().iter().copied(), prompt.tokens.get(own).copied());
        self.offer(stock, prompt, is_wanted);
    }
}

/// Makes some prompts to see how long one takes.
fn time(stock: &Stock, layouts: &Layouts, some: &[Candidate]) -> Option<Duration> {
    let laid = some.iter().filter_map(|candidate| match (candidate.judged, &candidate.fields) {
        (LayoutVerdict::Laid(laid), Fields::Calculation(calculation)) => Some((candidate.id, calculation, laid)),
        _ => None,
    });
    let laid: Vec<_> = laid.take(TIMED).collect();
    if laid.is_empty() {
        return None;
    }
    let started = Instant::now();
    let made: Vec<Prompt> =
        laid.par_iter().map(|&(id, calculation, laid)| layouts.prompt(stock, id, calculation, laid)).collect();
    drop(std::hint::black_box(made));
    Some(started.elapsed().div_f64(laid.len() as f64))
}

impl Taker for Counting {
    fn take(&mut self, stock: &Stock, layouts: &Layouts, some: Vec<Candidate>, fault: &mut dyn FnMut(Fault, Fields)) {
        if self.making.is_none() {
            self.making = time(stock, layouts, &some);
        }
        let tokenise = |candidate: &&Candidate| stock.tokenise(candidate.id, &candidate.fields);
        let alone: Vec<&Candidate> = some.iter().filter(|candidate| candidate.judged == LayoutVerdict::Alone).collect();
        let alone: Vec<Result<Prompt, Fault>> = alone.par_iter().map(tokenise).collect();
        let mut alone = alone.into_iter();
        for Candidate { id, fields, judged } in some {
            match (judged, &fields) {
                (LayoutVerdict::Laid(laid), Fields::Calculation(calculation)) => {
                    self.take_laid(stock, layouts, id, calculation, laid)
                }
                (LayoutVerdict::Fault(reason), _) => fault(reason.into(), fields),
                _ => match alone.next() {
                    Some(Ok(prompt)) => self.take_made(stock, prompt),
                    Some(Err(why)) => fault(why, fields),
                    // Words have no layout: each that is left was tokenised.
                    None => {}
                },
            }
        }
    }

    fn count(&self) -> usize {
        self.count
    }

    fn describe(&mut self, stock: &Stock) -> SetTemplate {
        let first = std::mem::replace(&mut self.first, self.kept.len());
        self.described = None;
        self.forms.clear();
        self.last = None;
        described::describe(stock, &self.kept[first..])
    }

    fn finish(&mut self) -> (Vec<Prompt>, usize) {
        self.settle();
        (std::mem::take(&mut self.kept), self.twice)
    }
}
