//! What a prompt of arithmetic asks for.

use super::dropped::Reason;
use super::template::{Fill, Slot};
use crate::spec::Operator;
use std::fmt::Write;

/// An operator, its operands, and what it makes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calculation {
    /// The operator.
    pub operator: Operator,
    /// First operand.
    pub a: i64,
    /// Second operand.
    pub b: i64,
    /// The value.
    pub result: i64,
}

impl Calculation {
    /// What an operator makes of operands. Division is rounded towards minus infinity, as the paper's prompts mean it (§2.1) and
    /// Python's `//` computes it. Under a modulus m it is the remainder from 0 to m − 1, whatever its sign, as Python's `%` computes it.
    ///
    /// # Errors
    /// Why there is no value: the divisor is zero, or the value does not fit 64 bits.
    pub fn of(operator: Operator, a: i64, b: i64, modulus: Option<i64>) -> Result<Self, Reason> {
        let result = match operator {
            Operator::Addition => a.checked_add(b),
            Operator::Subtraction => a.checked_sub(b),
            Operator::Multiplication => a.checked_mul(b),
            Operator::FloorDivision if b == 0 => return Err(Reason::DivisionByZero),
            Operator::FloorDivision => {
                let rounded = |quotient: i64| if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient };
                a.checked_div(b).map(rounded)
            }
        };
        let result = result.ok_or(Reason::Overflow)?;
        // A modulus of a spec is 2 or more.
        let result = modulus.and_then(|modulus| result.checked_rem_euclid(modulus)).unwrap_or(result);
        Ok(Self { operator, a, b, result })
    }
}

impl Fill for Calculation {
    fn fill(&self, slot: Slot, text: &mut String) {
        let number = match slot {
            Slot::A => self.a,
            Slot::B => self.b,
            Slot::Answer => self.result,
            Slot::Op => return text.push_str(self.operator.symbol()),
            Slot::Word { .. } => return,
        };
        // Writing to a string cannot fail.
        let _ = write!(text, "{number}");
    }
}
