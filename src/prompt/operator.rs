//! The arithmetic operators a prompt may ask for, with what they compute. Which there are is said by [`spec::Operator`].

use super::error::SpecProblem;
use crate::spec;

/// A binary operator on integers.
#[derive(Debug, Clone, Copy)]
pub struct Operator {
    /// How specs, prompts and tables write it.
    pub symbol: &'static str,
    /// How figures and reports show it.
    pub sign: &'static str,
    /// In words.
    pub name: &'static str,
    /// Its value, or why it has none.
    pub apply: fn(i64, i64) -> Result<i64, NoValue>,
}

/// Every operator, in the order tables and figures show them.
pub static OPERATORS: [Operator; spec::Operator::ALL.len()] = {
    let all = spec::Operator::ALL;
    let mut operators = [Operator::of(all[0]); spec::Operator::ALL.len()];
    let mut index = 1;
    while index < all.len() {
        operators[index] = Operator::of(all[index]);
        index += 1;
    }
    operators
};

/// Why an operator has no value at some operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoValue {
    /// The divisor is zero.
    DivisionByZero,
    /// The value does not fit 64 bits.
    Overflow,
}

/// Division rounded towards minus infinity, as the paper's prompts mean it (§2.1) and Python's `//` computes it.
fn floor_division(a: i64, b: i64) -> Result<i64, NoValue> {
    if b == 0 {
        return Err(NoValue::DivisionByZero);
    }
    let quotient = a.checked_div(b).ok_or(NoValue::Overflow)?;
    Ok(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
}

impl Operator {
    const fn of(written: spec::Operator) -> Self {
        let apply: fn(i64, i64) -> Result<i64, NoValue> = match written {
            spec::Operator::Addition => |a, b| a.checked_add(b).ok_or(NoValue::Overflow),
            spec::Operator::Subtraction => |a, b| a.checked_sub(b).ok_or(NoValue::Overflow),
            spec::Operator::Multiplication => |a, b| a.checked_mul(b).ok_or(NoValue::Overflow),
            spec::Operator::FloorDivision => floor_division,
        };
        Self { symbol: written.symbol(), sign: written.sign(), name: written.name(), apply }
    }

    /// The operator with this symbol.
    ///
    /// # Errors
    /// When there is none: names the operators there are, and the symbol meant where a sign or a name was written.
    pub fn find(symbol: &str) -> Result<&'static Operator, SpecProblem> {
        let symbol = symbol.trim();
        OPERATORS.iter().find(|operator| operator.symbol == symbol).ok_or_else(|| SpecProblem::UnknownOperator {
            symbol: symbol.to_string(),
            in_shot: false,
            suggestion: spec::Operator::find(symbol).err().flatten().map(spec::Operator::symbol),
        })
    }
}

/// An operator is its symbol.
impl PartialEq for Operator {
    fn eq(&self, other: &Self) -> bool {
        self.symbol == other.symbol
    }
}
impl Eq for Operator {}
