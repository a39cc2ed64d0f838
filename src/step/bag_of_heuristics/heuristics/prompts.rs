//! The prompts of one group whose results can be read: every legal one with a result of one token.

use crate::counted::{agreeing, counted};
use crate::heuristic::ArithmeticProblem;
use crate::prompt::{Calculation, Prompt, PromptGroup};
use crate::spec::step::Heuristics;
use crate::step::{ModelRun, Outcome};

/// The prompts of a template and a group.
pub struct GroupPrompts<'s> {
    /// Name of the template.
    pub template: String,
    /// The group.
    pub group: PromptGroup,
    /// The prompts, all of arithmetic.
    pub prompts: Vec<&'s Prompt>,
}

impl GroupPrompts<'_> {
    /// What each asks to calculate, one for each prompt.
    pub fn calculations(&self) -> impl Iterator<Item = &Calculation> {
        self.prompts.iter().filter_map(|prompt| prompt.calculation())
    }

    /// The prompts as numbers.
    pub fn problems(&self) -> Vec<ArithmeticProblem> {
        self.calculations().map(|&Calculation { a, b, result, .. }| ArithmeticProblem { a, b, result }).collect()
    }
}

/// The prompts of arithmetic of a template and a group; says how many are left out because their results are several tokens.
pub fn of_group<'s>(
    step: &Heuristics,
    template: usize,
    group: &PromptGroup,
    subject: &'s ModelRun,
    outcome: &mut Outcome,
) -> GroupPrompts<'s> {
    let name = subject.set.templates.get(template).map_or(String::new(), |template| template.name.clone());
    let of = |prompt: &&Prompt| prompt.template == template && prompt.group == *group && prompt.calculation().is_some();
    let all: Vec<&Prompt> = subject.set.prompts.iter().filter(of).collect();
    let prompts: Vec<&Prompt> = all.iter().copied().filter(|prompt| prompt.answer_tokens().len() == 1).collect();
    if prompts.len() < all.len() {
        let left = all.len() - prompts.len();
        outcome.notes.push(format!(
            "{}: step '{}', template '{name}', {group}: {left} of {} {} several tokens, which no logit can be read of",
            subject.name,
            step.name,
            counted(all.len(), "prompt"),
            agreeing(left, "is left out: its result is", "are left out: their results are")
        ));
    }
    GroupPrompts { template: name, group: group.clone(), prompts }
}
