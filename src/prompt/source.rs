//! Where prompts come from: arithmetic, words, tokens, or a list of prompts as they are. What else is a source one day says here which groups it has, how many prompts each of
//! them has in a template, and what fills it in each.

use super::calculation::Calculation;
use super::dropped::Reason;
use super::fields::Fields;
use super::group::PromptGroup;
use super::pair_list::PairList;
use super::tokens::TokenSource;
use super::words::Lexicon;
use crate::spec::Operator;

/// What the slots of prompts are filled from.
#[derive(Debug, Clone)]
pub enum PromptSource {
    /// Operators and operands.
    Arithmetic(OperandGrid),
    /// Lists of words, and rows of them.
    Words(Lexicon),
    /// Tokens.
    Tokens(TokenSource),
    /// Prompts that are given one by one.
    Pairs(PairList),
}

/// Every operator on every pair of operands.
#[derive(Debug, Clone, Default)]
pub struct OperandGrid {
    /// Operators, in the spec's order.
    pub operators: Vec<Operator>,
    /// Values of the first operand, in order.
    pub a: Vec<i64>,
    /// Values of the second operand, in order.
    pub b: Vec<i64>,
    /// Legal answers, end excluded; `None`: all that are not negative.
    pub answers: Option<(i64, i64)>,
    /// What answers are taken modulo.
    pub modulus: Option<i64>,
}

impl PromptSource {
    /// Its groups, in their order.
    pub fn groups(&self) -> Vec<PromptGroup> {
        match self {
            PromptSource::Arithmetic(grid) => {
                grid.operators.iter().map(|operator| PromptGroup::operator(operator.symbol())).collect()
            }
            PromptSource::Words(_) => vec![PromptGroup::WORDS],
            PromptSource::Tokens(_) => vec![PromptGroup::TOKENS],
            PromptSource::Pairs(pairs) => pairs.groups.clone(),
        }
    }

    /// How many prompts a group has in a template, legal or not; of prompts that are given one by one how many all groups have.
    pub fn count(&self) -> usize {
        match self {
            PromptSource::Arithmetic(grid) => grid.a.len() * grid.b.len(),
            PromptSource::Words(words) => words.count(),
            PromptSource::Tokens(tokens) => tokens.count(),
            PromptSource::Pairs(pairs) => pairs.rows.len(),
        }
    }

    /// What fills the template of a prompt of a group, where its answer is one that the spec wants.
    pub(super) fn solve(&self, group: usize, index: usize) -> Result<Fields, Reason> {
        match self {
            PromptSource::Arithmetic(grid) => grid.solve(group, index).map(Fields::Calculation),
            PromptSource::Words(words) => words.combination(index),
            PromptSource::Tokens(tokens) => Ok(tokens.fields(index)),
            PromptSource::Pairs(pairs) => pairs.fields(group, index).ok_or(Reason::Alike),
        }
    }

    /// What fills the template of a prompt of a group, whatever its answer; `None` where words are the same that must differ.
    pub(super) fn unsolved(&self, group: usize, index: usize) -> Option<Fields> {
        match self {
            PromptSource::Arithmetic(grid) => {
                let (operator, a, b) = grid.operands(group, index);
                let unsolved = Calculation { operator, a, b, result: 0 };
                Some(Fields::Calculation(Calculation::of(operator, a, b, grid.modulus).unwrap_or(unsolved)))
            }
            PromptSource::Words(words) => words.unsolved(index),
            PromptSource::Tokens(tokens) => Some(tokens.fields(index)),
            PromptSource::Pairs(pairs) => pairs.fields(group, index),
        }
    }
}

impl OperandGrid {
    fn operands(&self, group: usize, index: usize) -> (Operator, i64, i64) {
        (self.operators[group], self.a[index / self.b.len()], self.b[index % self.b.len()])
    }

    fn solve(&self, group: usize, index: usize) -> Result<Calculation, Reason> {
        let (operator, a, b) = self.operands(group, index);
        let calculation = Calculation::of(operator, a, b, self.modulus)?;
        match self.answers {
            None if calculation.result < 0 => Err(Reason::Negative),
            Some((low, high)) if !(low..high).contains(&calculation.result) => Err(Reason::OutsideAnswers),
            _ => Ok(calculation),
        }
    }
}
