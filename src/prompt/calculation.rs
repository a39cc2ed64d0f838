//! What a prompt of arithmetic asks for.

use super::operator::Operator;
use super::template::{Fill, Slot};
use std::fmt::Write;

/// An operator, its operands, and what it makes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calculation {
    /// The operator.
    pub operator: &'static Operator,
    /// First operand.
    pub a: i64,
    /// Second operand.
    pub b: i64,
    /// The value.
    pub result: i64,
}

impl Fill for Calculation {
    fn fill(&self, slot: Slot, text: &mut String) {
        let number = match slot {
            Slot::A => self.a,
            Slot::B => self.b,
            Slot::Answer => self.result,
            Slot::Op => return text.push_str(self.operator.symbol),
            Slot::Word { .. } => return,
        };
        // Writing to a string cannot fail.
        let _ = write!(text, "{number}");
    }
}
