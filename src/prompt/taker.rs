//! What is done with the legal prompts of a set while they are found: all are kept, or they are counted.

use super::asks::Asks;
use super::described;
use super::dropped::Fault;
use super::layout::{Judged, Layouts};
use super::set::{Prompt, SetTemplate};
use super::template_group::TemplateGroup;
use rayon::prelude::*;

/// What becomes of legal prompts, in the order in which they are found.
pub trait Taker {
    /// Takes the legal ones of these, and says what is wrong with the others.
    fn take(
        &mut self,
        group: &TemplateGroup,
        layouts: &Layouts,
        some: Vec<Candidate>,
        fault: &mut dyn FnMut(Fault, Asks),
    );

    /// How many it was given.
    fn count(&self) -> usize;

    /// A template's prompts are all there: what positions need to know of it.
    fn describe(&mut self, group: &TemplateGroup) -> SetTemplate;

    /// What it has kept, and how many begin with the token that is put before them.
    fn finish(&mut self) -> (Vec<Prompt>, usize);
}

/// A prompt whose answer is one that the spec wants.
pub struct Candidate {
    pub id: u64,
    pub asks: Asks,
    pub judged: Judged,
}

/// Takes all.
#[derive(Default)]
pub struct All {
    prompts: Vec<Prompt>,
    /// Where those of the template begin.
    first: usize,
    /// Prompts whose text begins with the token that is put before them: hardly ever meant.
    twice: usize,
}

impl Taker for All {
    fn take(
        &mut self,
        group: &TemplateGroup,
        layouts: &Layouts,
        some: Vec<Candidate>,
        fault: &mut dyn FnMut(Fault, Asks),
    ) {
        let judge = |Candidate { id, asks, judged }: &Candidate| match (judged, asks) {
            (Judged::Laid(laid), Asks::Numbers(calculation)) => Ok(layouts.prompt(group, *id, calculation, *laid)),
            (Judged::Fault(reason), _) => Err(Fault::from(*reason)),
            _ => group.tokenise(*id, asks),
        };
        let judged: Vec<_> = some.par_iter().map(judge).collect();
        for (outcome, Candidate { asks, .. }) in judged.into_iter().zip(some) {
            match outcome {
                Ok(prompt) => {
                    self.twice += usize::from(group.bos.is_some() && prompt.tokens.get(1) == group.bos.as_ref());
                    self.prompts.push(prompt);
                }
                Err(why) => fault(why, asks),
            }
        }
    }

    fn count(&self) -> usize {
        self.prompts.len()
    }

    fn describe(&mut self, group: &TemplateGroup) -> SetTemplate {
        let first = std::mem::replace(&mut self.first, self.prompts.len());
        described::describe(group, &self.prompts[first..])
    }

    fn finish(&mut self) -> (Vec<Prompt>, usize) {
        (std::mem::take(&mut self.prompts), self.twice)
    }
}
