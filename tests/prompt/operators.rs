use super::spec;
use ablate::prompt::{Calculation, Reason, ResolvedPrompts};
use ablate::spec::Operator;
use proptest::prelude::*;

fn apply(symbol: &str, a: i64, b: i64) -> Result<i64, Reason> {
    Calculation::of(Operator::find(symbol).expect("an operator"), a, b, None).map(|calculation| calculation.result)
}

#[test]
fn values_are_those_of_arithmetic() {
    assert_eq!(apply("+", 17, 25), Ok(42));
    assert_eq!(apply("-", 17, 25), Ok(-8));
    assert_eq!(apply("*", 17, 25), Ok(425));
    assert_eq!(apply("/", 17, 5), Ok(3));
}

#[test]
fn division_rounds_down_not_towards_zero() {
    // Python: -7 // 2, 7 // -2, -7 // -2, -8 // 2.
    assert_eq!(
        [apply("/", -7, 2), apply("/", 7, -2), apply("/", -7, -2), apply("/", -8, 2)].map(Result::unwrap),
        [-4, -4, 3, -4]
    );
}

#[test]
fn a_modulus_leaves_remainders_that_are_not_negative() {
    let operator = |symbol| Operator::find(symbol).expect("an operator");
    let modulo = |symbol, a, b| Calculation::of(operator(symbol), a, b, Some(59)).map(|calculation| calculation.result);
    // Python: (40 + 30) % 59, (3 - 10) % 59, (58 * 58) % 59, (100 // 7) % 59.
    let values = [modulo("+", 40, 30), modulo("-", 3, 10), modulo("*", 58, 58), modulo("/", 100, 7)];
    assert_eq!(values.map(Result::unwrap), [11, 52, 1, 14]);
    assert_eq!(modulo("/", 5, 0), Err(Reason::DivisionByZero));
}

#[test]
fn no_value_instead_of_a_wrong_one() {
    assert_eq!(apply("/", 5, 0), Err(Reason::DivisionByZero));
    assert_eq!(apply("/", i64::MIN, -1), Err(Reason::Overflow));
    assert_eq!(apply("+", i64::MAX, 1), Err(Reason::Overflow));
    assert_eq!(apply("-", i64::MIN, 1), Err(Reason::Overflow));
    assert_eq!(apply("*", i64::MAX, 2), Err(Reason::Overflow));
}

#[test]
fn signs_are_the_typographic_ones() {
    assert_eq!(Operator::ALL.map(Operator::sign), ["+", "−", "×", "÷"]);
}

#[test]
fn a_sign_or_a_name_leads_to_the_symbol() {
    let message = |symbol: &str| {
        let prompts = spec(&format!("operators = [{symbol:?}]\noperands = {{ a = [1], b = [1] }}"));
        ResolvedPrompts::new(&prompts).expect_err("no operator")[0].to_string()
    };
    assert_eq!(message("×"), "no operator '×'; write \"*\"");
    assert_eq!(message("division"), "no operator 'division'; write \"/\"");
    assert_eq!(message("mod"), "no operator 'mod'; write \"+\", \"-\", \"*\", \"/\"");
    assert_eq!(message(""), "no operator ''; write \"+\", \"-\", \"*\", \"/\"");
}

proptest! {
    #[test]
    fn floor_division_is_the_largest_quotient_not_above(a in any::<i64>(), b in any::<i64>()) {
        if let Ok(q) = apply("/", a, b) {
            let (a, b, q) = (i128::from(a), i128::from(b), i128::from(q));
            let remainder = a - q * b;
            prop_assert!(remainder.abs() < b.abs() && (remainder == 0 || (remainder < 0) == (b < 0)));
        }
    }
}
