//! What is done with the legal prompts of a set while they are found: all are kept, or they are counted.

use super::described;
use super::dropped::Fault;
use super::fields::Fields;
use super::layout::{LayoutVerdict, Layouts};
use super::set::{Prompt, SetTemplate};
use super::stock::Stock;
use rayon::prelude::*;

/// What becomes of legal prompts, in the order in which they are found.
pub trait Taker {
    /// Takes the legal ones of these, and says what is wrong with the others.
    fn take(&mut self, stock: &Stock, layouts: &Layouts, some: Vec<Candidate>, fault: &mut dyn FnMut(Fault, Fields));

    /// How many it was given.
    fn count(&self) -> usize;

    /// A template's prompts are all there: what positions need to know of it.
    fn describe(&mut self, stock: &Stock) -> SetTemplate;

    /// What it has kept, and how many begin with the token that is put before them.
    fn finish(&mut self) -> (Vec<Prompt>, usize);
}

/// A prompt whose answer is one that the spec wants.
pub struct Candidate {
    pub id: u64,
    pub fields: Fields,
    pub judged: LayoutVerdict,
}

/// Takes all.
#[derive(Default)]
pub struct AllTaker {
    prompts: Vec<Prompt>,
    /// Where those of the template begin.
    first: usize,
    /// Prompts whose text begins with the token that is put before them: hardly ever meant.
    twice: usize,
}

impl Taker for AllTaker {
    fn take(&mut self, stock: &Stock, layouts: &Layouts, some: Vec<Candidate>, fault: &mut dyn FnMut(Fault, Fields)) {
        let judge = |Candidate { id, fields, judged }: &Candidate| match (judged, fields) {
            (LayoutVerdict::Laid(laid), Fields::Calculation(calculation)) => {
                Ok(layouts.prompt(stock, *id, calculation, *laid))
            }
            (LayoutVerdict::Fault(reason), _) => Err(Fault::from(*reason)),
            _ => stock.tokenise(*id, fields),
        };
        let judged: Vec<_> = some.par_iter().map(judge).collect();
        for (outcome, Candidate { fields, .. }) in judged.into_iter().zip(some) {
            match outcome {
                Ok(prompt) => {
                    self.twice += usize::from(stock.bos.is_some() && prompt.tokens.get(1) == stock.bos.as_ref());
                    self.prompts.push(prompt);
                }
                Err(why) => fault(why, fields),
            }
        }
    }

    fn count(&self) -> usize {
        self.prompts.len()
    }

    fn describe(&mut self, stock: &Stock) -> SetTemplate {
        let first = std::mem::replace(&mut self.first, self.prompts.len());
        described::describe(stock, &self.prompts[first..])
    }

    fn finish(&mut self) -> (Vec<Prompt>, usize) {
        (std::mem::take(&mut self.prompts), self.twice)
    }
}
