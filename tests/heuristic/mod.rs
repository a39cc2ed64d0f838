//! Heuristics: the library against a naive reading of the paper's algorithm 1, planted and random neurons, texts.

mod laws;
mod naive;
mod planted;
mod step;
mod text;

use ablate::heuristic::ArithmeticProblem;
use ablate::spec::Operator;

/// Every prompt of an operator with a result in `results`, by operands.
fn problems(
    operator: Operator,
    a: std::ops::Range<i64>,
    b: std::ops::Range<i64>,
    results: std::ops::Range<i64>,
) -> Vec<ArithmeticProblem> {
    let pairs = a.flat_map(|a| b.clone().map(move |b| (a, b)));
    let result = |a: i64, b: i64| match operator {
        Operator::Addition => Some(a + b),
        Operator::Subtraction => Some(a - b),
        Operator::Multiplication => Some(a * b),
        Operator::FloorDivision => (b != 0).then(|| a.div_euclid(b)),
    };
    pairs
        .filter_map(|(a, b)| result(a, b).map(|result| ArithmeticProblem { a, b, result }))
        .filter(|problem| results.contains(&problem.result))
        .collect()
}
