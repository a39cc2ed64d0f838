//! The prompts of one operator whose results can be read: every legal one with a result of one token.

use crate::heuristic::Problem;
use crate::prompt::{Operator, Prompt};
use crate::spec::step::Heuristics;
use crate::step::{ModelRun, Outcome};

/// The prompts of a template and an operator.
pub struct Asked<'s> {
    /// Name of the template.
    pub template: String,
    /// The operator.
    pub operator: &'static Operator,
    /// The prompts.
    pub prompts: Vec<&'s Prompt>,
}

impl Asked<'_> {
    /// The prompts as numbers.
    pub fn problems(&self) -> Vec<Problem> {
        self.prompts.iter().map(|prompt| Problem { a: prompt.a, b: prompt.b, result: prompt.answer }).collect()
    }
}

/// The prompts of a template and an operator; says how many are left out because their results are several tokens.
pub fn asked<'s>(
    step: &Heuristics,
    template: usize,
    operator: &'static Operator,
    subject: &'s ModelRun,
    outcome: &mut Outcome,
) -> Asked<'s> {
    let name = subject.set.templates.get(template).map_or(String::new(), |template| template.name.clone());
    let of = |prompt: &&Prompt| prompt.template == template && prompt.operator == operator;
    let all: Vec<&Prompt> = subject.set.prompts.iter().filter(of).collect();
    let prompts: Vec<&Prompt> = all.iter().copied().filter(|prompt| prompt.answer_tokens.len() == 1).collect();
    if prompts.len() < all.len() {
        let left = all.len() - prompts.len();
        outcome.notes.push(format!(
            "{}: step '{}', template '{name}', operator '{}': {left} of {} prompts are left out: their results are several \
             tokens, which no logit can be read of",
            subject.name,
            step.name,
            operator.symbol,
            all.len()
        ));
    }
    Asked { template: name, operator, prompts }
}
