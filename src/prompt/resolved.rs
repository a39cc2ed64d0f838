//! `[prompts]`, checked and parsed: everything that shows without a model.

use super::error::SpecProblem;
use super::operator::{NoValue, Operator};
use super::template::{Problem, Slot, Template};
use crate::spec::{Answer, Keep, Prompts, Range};
use std::collections::HashSet;
use std::hash::Hash;

/// Most prompts a set may enumerate.
pub const MOST_PROMPTS: u128 = 20_000_000;

/// A checked prompt set, before any model.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Templates by name, in the spec's order.
    pub templates: Vec<NamedTemplate>,
    /// What follows the prompt; ends in the answer.
    pub completion: Template,
    /// Operators, in the spec's order.
    pub operators: Vec<&'static Operator>,
    /// Values of the first operand, in order.
    pub a: Vec<i64>,
    /// Values of the second operand, in order.
    pub b: Vec<i64>,
    /// Legal answers, end excluded; `None`: all that are not negative.
    pub answers: Option<(i64, i64)>,
    /// Whether answers must be one token.
    pub answer: Answer,
    /// Which prompts stay by the model's own answer.
    pub keep: Keep,
    /// How many are drawn per operator and template.
    pub sample: Option<usize>,
    /// How many of each draw are passed over first.
    pub skip: usize,
    /// Whether the draw goes over as many answers as possible.
    pub spread_answers: bool,
    /// Seeds of the draw.
    pub seeds: Vec<u64>,
}

/// A template, with the shots before it.
#[derive(Debug, Clone)]
pub struct NamedTemplate {
    /// Its name in the spec; `default` where there is one without a name.
    pub name: String,
    /// The template.
    pub template: Template,
    /// The shots in this template, each followed by the separator; empty without shots.
    pub prefix: String,
}

impl Resolved {
    /// Checks a spec's prompts.
    ///
    /// # Errors
    /// Everything that is wrong with them, not just the first.
    pub fn new(spec: &Prompts) -> Result<Resolved, Vec<SpecProblem>> {
        let mut problems = Vec::new();
        let mut keep = |problem: SpecProblem| problems.push(problem);

        let operators: Vec<&'static Operator> =
            spec.operators.iter().filter_map(|symbol| Operator::find(symbol).map_err(&mut keep).ok()).collect();
        if spec.operators.is_empty() {
            keep(SpecProblem::Empty { key: "operators" });
        }
        find_repeat(&operators.iter().map(|o| o.symbol).collect::<Vec<_>>(), "operators").map(&mut keep);

        let a = operand_values(&spec.operands.a, "operands.a").map_err(&mut keep).unwrap_or_default();
        let b = operand_values(&spec.operands.b, "operands.b").map_err(&mut keep).unwrap_or_default();
        let count = (a.len() as u128) * (b.len() as u128) * ((operators.len() * spec.template.0.len()) as u128);
        if count > MOST_PROMPTS {
            keep(SpecProblem::TooMany { count, limit: MOST_PROMPTS });
        }
        let answers = match spec.answers.as_deref().map(Range::parse) {
            None => None,
            Some(Ok(Range::HalfOpen(low, high))) => Some((low, high)),
            Some(Ok(Range::List(_))) => None,
            Some(Err(problem)) => {
                keep(SpecProblem::Range { key: "answers", problem });
                None
            }
        };

        let completion = Template::parse(&spec.completion, &Slot::OF_COMPLETIONS);
        if let Ok(completion) = &completion
            && !completion.ends_in(Slot::Answer)
        {
            keep(SpecProblem::Completion { text: spec.completion.clone() });
        }
        let completion = completion.map_err(|fault| keep(SpecProblem::CompletionText(fault))).ok();

        let shots: Vec<Problem> =
            spec.shots.iter().filter_map(|shot| solve_shot(shot.a, &shot.op, shot.b).map_err(&mut keep).ok()).collect();
        if spec.template.0.is_empty() {
            keep(SpecProblem::NoTemplate);
        }
        let mut templates = Vec::new();
        let unnamed = spec.template.is_single();
        for (name, text) in &spec.template.0 {
            let key = || (!unnamed).then(|| name.clone());
            match Template::parse(text, &Slot::OF_PROMPTS) {
                Err(fault) => keep(SpecProblem::Template { name: key(), fault }),
                Ok(template) => {
                    for slot in Slot::OF_PROMPTS {
                        let needed = slot != Slot::Op || spec.operators.len() > 1;
                        if needed && !template.has(slot) {
                            keep(SpecProblem::MissingSlot { name: key(), text: text.clone(), slot: slot.name() });
                        }
                    }
                    let prefix = completion.as_ref().map(|c| render_shots(&template, c, &shots, &spec.shot_separator));
                    templates.push(NamedTemplate { name: name.clone(), template, prefix: prefix.unwrap_or_default() });
                }
            }
        }

        if spec.sample == Some(0) {
            keep(SpecProblem::SampleOfNone);
        }
        if spec.skip > 0 && spec.sample.is_none() {
            keep(SpecProblem::SkipOfAll);
        }
        if spec.seeds.is_empty() {
            keep(SpecProblem::Empty { key: "seeds" });
        }
        find_repeat(&spec.seeds, "seeds").map(&mut keep);

        match completion {
            Some(completion) if problems.is_empty() => Ok(Resolved {
                templates,
                completion,
                operators,
                a,
                b,
                answers,
                answer: spec.answer,
                keep: spec.keep,
                sample: spec.sample,
                skip: spec.skip,
                spread_answers: spec.spread_answers,
                seeds: spec.seeds.clone(),
            }),
            _ => Err(problems),
        }
    }
}

fn operand_values(range: &Range, key: &'static str) -> Result<Vec<i64>, SpecProblem> {
    if range.len() > MOST_PROMPTS {
        return Err(SpecProblem::TooMany { count: range.len(), limit: MOST_PROMPTS });
    }
    let values = range.values();
    if values.is_empty() {
        return Err(SpecProblem::Empty { key });
    }
    find_repeat(&values, key).map_or(Ok(values), Err)
}

fn find_repeat<T: Eq + Hash + ToString>(values: &[T], key: &'static str) -> Option<SpecProblem> {
    let mut seen = HashSet::new();
    let repeated = values.iter().find(|value| !seen.insert(*value))?;
    Some(SpecProblem::Twice { key, value: repeated.to_string() })
}

fn solve_shot(a: i64, op: &str, b: i64) -> Result<Problem<'static>, SpecProblem> {
    let operator = Operator::find(op).map_err(|problem| match problem {
        SpecProblem::UnknownOperator { symbol, suggestion, .. } => {
            SpecProblem::UnknownOperator { symbol, suggestion, in_shot: true }
        }
        other => other,
    })?;
    match (operator.apply)(a, b) {
        Ok(answer) => Ok(Problem { a, op: operator.symbol, b, answer }),
        Err(why) => {
            let why = match why {
                NoValue::DivisionByZero => "division by zero",
                NoValue::Overflow => "it does not fit 64 bits",
            };
            Err(SpecProblem::Shot { a, op: op.to_string(), b, why })
        }
    }
}

fn render_shots(template: &Template, completion: &Template, shots: &[Problem], separator: &str) -> String {
    let mut text = String::new();
    for shot in shots {
        template.render(*shot, &mut text);
        completion.render(*shot, &mut text);
        text.push_str(separator);
    }
    text
}
