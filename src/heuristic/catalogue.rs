//! Which heuristics there are for an operator, from the operands and results of its prompts (paper §3.2, appendix E; the
//! lists are written out in docs/heuristics.md).

use super::digits::Digits;
use super::problems::{ProblemColumn, ProblemColumns};
use super::rule::{Heuristic, RuleValue};
use crate::spec::Operator;
use crate::spec::step::{HeuristicType, HeuristicVariant};
use std::collections::HashSet;

/// What prompts a heuristic is associated with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Members {
    /// Those whose first operand, second operand or result is one of some values: indices into the column's values, ascending.
    Values(Vec<u32>),
    /// These, ascending.
    Prompts(Vec<u32>),
}

/// A heuristic of the catalogue.
#[derive(Debug, Clone)]
pub struct CatalogueEntry {
    /// The heuristic.
    pub heuristic: Heuristic,
    /// Its prompts.
    pub members: Members,
    /// How many they are.
    pub associated: usize,
}

/// The heuristics of some types that can be told from these prompts: associated with some of them and not with all. Sets of
/// results are not listed: they are found from what a neuron does.
pub fn catalogue(
    columns: &ProblemColumns,
    operator: Operator,
    variant: HeuristicVariant,
    types: &[HeuristicType],
) -> Vec<CatalogueEntry> {
    let mut seen = HashSet::new();
    let mut listed = Vec::new();
    for heuristic in named(columns, operator, variant).into_iter().filter(|one| types.contains(&one.kind())) {
        let (members, associated) = members(&heuristic, columns);
        if associated == 0 || associated == columns.len() {
            continue;
        }
        if variant == HeuristicVariant::Paper {
            // Two names of the same prompts are one heuristic, and a pattern that is a run of the values there are is a range.
            let known = !seen.insert((heuristic.kind(), heuristic.value(), members.clone()));
            if known || is_range(&heuristic, columns) {
                continue;
            }
        }
        listed.push(CatalogueEntry { heuristic, members, associated });
    }
    listed
}

/// Every heuristic by the lists of the variant, whatever prompts there are.
fn named(columns: &ProblemColumns, operator: Operator, variant: HeuristicVariant) -> Vec<Heuristic> {
    let paper = variant == HeuristicVariant::Paper;
    let division = operator == Operator::FloorDivision;
    let mut named = Vec::new();

    let operands =
        [(RuleValue::Op1, columns.a.extent()), (RuleValue::Op2, columns.b.extent()), (RuleValue::Both, both(columns))];
    for (value, extent) in operands {
        for &length in operand_lengths(operator) {
            ranges(value, extent, length, length, &mut named);
        }
    }
    for &length in result_lengths(operator) {
        ranges(RuleValue::Result, columns.result.extent(), length, (length / 3).max(10), &mut named);
    }

    let moduli: &[i64] = if paper { &[2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15] } else { &[2, 3, 4, 5, 6, 7, 8, 9, 10] };
    for value in [RuleValue::Op1, RuleValue::Op2, RuleValue::Both, RuleValue::Result] {
        if value == RuleValue::Result && division {
            continue;
        }
        for &modulus in moduli {
            named.extend((0..modulus).map(|remainder| Heuristic::Modulo { value, modulus, remainder }));
        }
    }

    let digits = Digits::all();
    for value in [RuleValue::Op1, RuleValue::Op2, RuleValue::Both, RuleValue::Result] {
        named.extend(digits.iter().map(|&digits| Heuristic::Pattern { value, digits }));
    }
    named.push(Heuristic::Identical);
    named
}

fn operand_lengths(operator: Operator) -> &'static [i64] {
    match operator {
        Operator::Multiplication => &[3, 5, 10],
        Operator::Addition | Operator::Subtraction | Operator::FloorDivision => &[10, 30, 50, 100],
    }
}

fn result_lengths(operator: Operator) -> &'static [i64] {
    match operator {
        Operator::FloorDivision => &[2, 10, 100],
        Operator::Addition | Operator::Subtraction | Operator::Multiplication => &[10, 30, 50, 100],
    }
}

/// The values that both operands have between them.
fn both(columns: &ProblemColumns) -> Option<(i64, i64)> {
    let ((low, high), (other_low, other_high)) = (columns.a.extent()?, columns.b.extent()?);
    Some((low.max(other_low), high.min(other_high)))
}

/// Ranges of a length that begin at multiples of `step`: at 0, or where negative values do, and at each further one.
fn ranges(value: RuleValue, extent: Option<(i64, i64)>, length: i64, step: i64, named: &mut Vec<Heuristic>) {
    let Some((low, high)) = extent else { return };
    // Those that end before the smallest value are passed over.
    let reaching = low.saturating_sub(length).div_euclid(step) + 1;
    let first = reaching.max(low.min(0).div_euclid(step));
    let last = high.div_euclid(step);
    let starts = (first..=last).map(|number| number.saturating_mul(step));
    named.extend(starts.map(|low| Heuristic::Range { value, low, high: low.saturating_add(length) }));
}

/// The prompts that a heuristic is associated with.
fn members(heuristic: &Heuristic, columns: &ProblemColumns) -> (Members, usize) {
    let of_column = |column: &ProblemColumn| {
        let chosen = column.chosen(|value| heuristic.fits(value));
        let associated = chosen.iter().map(|&index| column.counts[index as usize]).sum();
        (Members::Values(chosen), associated)
    };
    let of_prompts = |holds: &dyn Fn(u32, u32) -> bool| {
        let operands = columns.a.index.iter().zip(&columns.b.index).zip(0..);
        let prompts: Vec<u32> = operands.filter_map(|((&a, &b), prompt)| holds(a, b).then_some(prompt)).collect();
        let associated = prompts.len();
        (Members::Prompts(prompts), associated)
    };
    match heuristic.value() {
        Some(RuleValue::Op1) => of_column(&columns.a),
        Some(RuleValue::Op2) => of_column(&columns.b),
        Some(RuleValue::Result) => of_column(&columns.result),
        Some(RuleValue::Both) => {
            let fits = |column: &ProblemColumn| -> Vec<bool> {
                column.values.iter().map(|&value| heuristic.fits(value)).collect()
            };
            let (a_fits, b_fits) = (fits(&columns.a), fits(&columns.b));
            of_prompts(&|a, b| a_fits[a as usize] && b_fits[b as usize])
        }
        None => of_prompts(&|a, b| columns.a.values[a as usize] == columns.b.values[b as usize]),
    }
}

/// Whether a pattern holds for several values and for all that lie between them: with operands below 100, `.5.` is `[50, 60)`.
fn is_range(heuristic: &Heuristic, columns: &ProblemColumns) -> bool {
    let Heuristic::Pattern { value, digits } = heuristic else { return false };
    let run = |column: &ProblemColumn| {
        let chosen = column.chosen(|value| digits.fit(value));
        match (chosen.first(), chosen.last()) {
            (Some(first), Some(last)) => chosen.len() > 1 && (last - first) as usize + 1 == chosen.len(),
            _ => false,
        }
    };
    match value {
        RuleValue::Op1 => run(&columns.a),
        RuleValue::Op2 => run(&columns.b),
        RuleValue::Both => run(&columns.a) && run(&columns.b),
        RuleValue::Result => run(&columns.result),
    }
}
