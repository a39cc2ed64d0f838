//! Which legal prompts stay: by the model's own answer, and by a seeded draw.
//!
//! The draw, per seed, group and template: the legal prompts are put in random order, and so are their answers. Round
//! after round goes over the answers in their order, and takes of each the next prompt that is to be kept, until enough
//! are taken. So the draw has as many different answers as there can be, each answer is as likely as another, and
//! whether a prompt is kept changes nothing but its own place: only prompts that may be taken are run through the model.
//! Without `spread_answers`, the prompts to be kept are taken in their random order.

use super::error::PromptError;
use super::random::Random;
use super::resolved::ResolvedPrompts;
use super::respond::{Respondent, respond};
use super::set::{Note, Prompt, PromptSet};
use crate::measure::Extent;
use crate::model::tokenizer::Tokenizer;
use crate::spec::{Answer, Keep};
use rayon::prelude::*;
use std::ops::Range;

/// Filters the legal prompts by `keep`, then draws `sample` of them for each seed.
///
/// # Errors
/// What the model reports; nothing kept at all; `keep` without a model.
pub(super) fn select(
    resolved: &ResolvedPrompts,
    mut set: PromptSet,
    tokenizer: &Tokenizer,
    respondent: Option<Respondent>,
) -> Result<PromptSet, PromptError> {
    if resolved.keep == Keep::All && resolved.sample.is_none() {
        return Ok(set);
    }
    let legal = std::mem::take(&mut set.prompts);
    let correct = vec![None; legal.len()];
    let (keep, answer) = (resolved.keep, resolved.answer);
    let mut judge = Judge { prompts: &legal, correct, keep, answer, tokenizer, respondent };
    let groups = groups(&legal);
    let passed_over = match resolved.sample {
        Some(sample) => drawn(sample, resolved, &mut set, &groups, &mut judge)?,
        None => {
            for group in &groups {
                judge.ask(&group.clone().collect::<Vec<_>>())?;
                let taken = group.clone().filter(|&index| judge.keeps(index)).count();
                note(&mut set, &legal[group.start], taken, resolved, judge.evaluated(group));
            }
            let evaluated = judge.evaluated(&(0..legal.len()));
            let correct = judge.correct;
            let asked = legal.into_iter().zip(correct);
            set.prompts = asked
                .filter(|(_, correct)| is_kept(keep, *correct))
                .map(|(prompt, correct)| Prompt { correct, ..prompt })
                .collect();
            return match set.prompts.is_empty() {
                true => Err(PromptError::NoneKept { evaluated, wanted: wanted(keep) }),
                false => Ok(set),
            };
        }
    };
    set.spread = resolved.spread_answers;
    if set.prompts.is_empty() && passed_over {
        return Err(PromptError::AllSkipped { skip: resolved.skip });
    }
    if set.prompts.is_empty() {
        let evaluated = judge.evaluated(&(0..legal.len()));
        return Err(PromptError::NoneKept { evaluated, wanted: wanted(keep) });
    }
    Ok(set)
}

/// Draws of each seed from each group; says whether any was passed over.
fn drawn(
    sample: usize,
    resolved: &ResolvedPrompts,
    set: &mut PromptSet,
    groups: &[Range<usize>],
    judge: &mut Judge,
) -> Result<bool, PromptError> {
    let legal = judge.prompts;
    let decks: Vec<PromptDeck> = groups.par_iter().map(|group| PromptDeck::of(legal, group, set, resolved)).collect();
    let mut passed_over = false;
    for &seed in &resolved.seeds {
        // Of one seed at a time: each has a number for every prompt.
        let shuffled: Vec<Vec<Vec<usize>>> =
            decks.par_iter().map(|deck| deck.queues(seed, resolved.spread_answers)).collect();
        for (group, queues) in groups.iter().zip(shuffled) {
            let taken = draw(queues, resolved.skip.saturating_add(sample), judge)?;
            passed_over |= resolved.skip > 0 && !taken.is_empty();
            let before = set.prompts.len();
            set.prompts.extend(taken.into_iter().skip(resolved.skip).enumerate().map(|(number, index)| Prompt {
                seed: Some(seed),
                number: Some(number),
                correct: judge.correct[index],
                ..legal[index].clone()
            }));
            note(set, &legal[group.start], set.prompts.len() - before, resolved, judge.evaluated(group));
        }
    }
    Ok(passed_over)
}

/// Runs of prompts of one template and group.
fn groups(legal: &[Prompt]) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (index, prompt) in legal.iter().enumerate() {
        match groups.last_mut() {
            Some(group) if same_group(&legal[group.start], prompt) => group.end = index + 1,
            _ => groups.push(index..index + 1),
        }
    }
    groups
}

fn same_group(one: &Prompt, other: &Prompt) -> bool {
    one.template == other.template && one.group == other.group
}

/// What is drawn from: the prompts of a group.
struct PromptDeck {
    group: Range<usize>,
    label: String,
    template: String,
    /// How many different answers there are, and of each prompt the place of its answer among them, ascending.
    answers: usize,
    places: Vec<u32>,
}

impl PromptDeck {
    fn of(legal: &[Prompt], group: &Range<usize>, set: &PromptSet, resolved: &ResolvedPrompts) -> Self {
        let own = &legal[group.clone()];
        let first = &legal[group.start];
        let numbers: Vec<i64> = match resolved.spread_answers {
            true => own.iter().map(|prompt| prompt.answer().value.number()).collect(),
            false => Vec::new(),
        };
        let mut answers = numbers.clone();
        answers.sort_unstable();
        answers.dedup();
        // Fewer than the 20 million prompts that a set may have.
        let place = |number: i64| answers.partition_point(|answer| *answer < number) as u32;
        let places = numbers.into_iter().map(place).collect();
        Self {
            group: group.clone(),
            label: first.group.label().to_string(),
            template: set.template_name(first).to_string(),
            answers: answers.len(),
            places,
        }
    }

    /// The order of the draw: what is taken from in turn.
    fn queues(&self, seed: u64, spread_answers: bool) -> Vec<Vec<usize>> {
        let mut random = Random::new(seed, &["sample", &self.label, &self.template]);
        let mut order: Vec<usize> = self.group.clone().collect();
        random.shuffle(&mut order);
        if !spread_answers {
            return order.into_iter().map(|index| vec![index]).collect();
        }
        let mut answers: Vec<usize> = (0..self.answers).collect();
        random.shuffle(&mut answers);
        let mut turns = vec![0; self.answers];
        answers.into_iter().enumerate().for_each(|(turn, answer)| turns[answer] = turn);
        let mut queues = vec![Vec::new(); self.answers];
        for index in order {
            queues[turns[self.places[index - self.group.start] as usize]].push(index);
        }
        queues
    }
}

/// Takes `sample` prompts, round after round, from queues in turn.
fn draw(queues: Vec<Vec<usize>>, sample: usize, judge: &mut Judge) -> Result<Vec<usize>, PromptError> {
    let mut taken = Vec::with_capacity(sample.min(queues.len()));
    let mut active: Vec<PromptQueue> = queues.into_iter().map(|prompts| PromptQueue { prompts, next: 0 }).collect();
    while taken.len() < sample && !active.is_empty() {
        let mut front = 0;
        while front < active.len() && taken.len() < sample {
            // No more queues than prompts are missing: what the window yields is all taken.
            let end = (front + sample - taken.len()).min(active.len());
            let window = &mut active[front..end];
            settle(window, judge)?;
            taken.extend(window.iter_mut().filter_map(PromptQueue::take));
            front = end;
        }
        active.retain(|queue| queue.next < queue.prompts.len());
    }
    Ok(taken)
}

fn is_kept(keep: Keep, correct: Option<bool>) -> bool {
    match keep {
        Keep::All => true,
        Keep::Correct => correct == Some(true),
        Keep::Incorrect => correct == Some(false),
    }
}

struct PromptQueue {
    prompts: Vec<usize>,
    next: usize,
}

impl PromptQueue {
    fn take(&mut self) -> Option<usize> {
        let index = self.prompts.get(self.next).copied()?;
        self.next += 1;
        Some(index)
    }
}

/// Moves each queue on to its next prompt that is kept, or to its end.
fn settle(queues: &mut [PromptQueue], judge: &mut Judge) -> Result<(), PromptError> {
    loop {
        for queue in queues.iter_mut() {
            while queue.prompts.get(queue.next).is_some_and(|&index| judge.known(index) && !judge.keeps(index)) {
                queue.next += 1;
            }
        }
        let open: Vec<&PromptQueue> =
            queues.iter().filter(|q| q.prompts.get(q.next).is_some_and(|&index| !judge.known(index))).collect();
        if open.is_empty() {
            return Ok(());
        }
        // When few queues are open, a look ahead fills the batch.
        let ahead = (judge.batch() / open.len()).max(1);
        let asked: Vec<usize> = open.iter().flat_map(|q| q.prompts.iter().skip(q.next).take(ahead).copied()).collect();
        judge.ask(&asked)?;
    }
}

/// Knows, and finds out from the model, which prompts are answered correctly.
struct Judge<'a> {
    prompts: &'a [Prompt],
    correct: Vec<Option<bool>>,
    keep: Keep,
    answer: Answer,
    tokenizer: &'a Tokenizer,
    respondent: Option<Respondent<'a>>,
}

impl Judge<'_> {
    fn known(&self, index: usize) -> bool {
        self.keep == Keep::All || self.correct[index].is_some()
    }

    fn keeps(&self, index: usize) -> bool {
        is_kept(self.keep, self.correct[index])
    }

    fn batch(&self) -> usize {
        self.respondent.map_or(1, |r| r.pace.batch)
    }

    fn evaluated(&self, group: &Range<usize>) -> usize {
        self.correct[group.clone()].iter().flatten().count()
    }

    /// Runs the model on those prompts that it has not been run on.
    fn ask(&mut self, indices: &[usize]) -> Result<(), PromptError> {
        let new: Vec<usize> = indices.iter().copied().filter(|&index| !self.known(index)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let asked: Vec<&Prompt> = new.iter().map(|&index| &self.prompts[index]).collect();
        let respondent = self.respondent.ok_or(PromptError::NoModel)?;
        let responses = respond(&asked, self.answer, self.tokenizer, respondent, Extent::FirstMismatch)?;
        for (index, response) in new.into_iter().zip(responses) {
            self.correct[index] = Some(response.correct());
        }
        Ok(())
    }
}

fn note(set: &mut PromptSet, example: &Prompt, taken: usize, resolved: &ResolvedPrompts, evaluated: usize) {
    let (template, group) = (set.template_name(example).to_string(), example.group.clone());
    let note = match resolved.sample {
        _ if taken == 0 && resolved.skip == 0 => {
            Note::NoneKept { template, group, wanted: wanted(resolved.keep), evaluated }
        }
        Some(asked) if taken < asked => {
            Note::FewerThanAsked { template, group, asked, there: taken, skip: resolved.skip }
        }
        _ => return,
    };
    // Another seed finds the same.
    if !set.notes.contains(&note) {
        set.notes.push(note);
    }
}

fn wanted(keep: Keep) -> &'static str {
    match keep {
        Keep::Incorrect => "incorrect",
        Keep::Correct | Keep::All => "correct",
    }
}
