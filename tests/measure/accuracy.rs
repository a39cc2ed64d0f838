use crate::prompt::{Fake, characters, spec};
use ablate::measure::wilson;
use ablate::model::tokenizer::arithmetic;
use ablate::prompt;
use ablate::step::RunLabels;
use ablate::step::accuracy::Accuracies;
use polars::prelude::*;

const LABELS: RunLabels = RunLabels { model: "m", checkpoint: "step10" };

fn strings(frame: &DataFrame, column: &str) -> Vec<String> {
    frame.column(column).unwrap().str().unwrap().iter().map(|v| v.unwrap_or("").to_string()).collect()
}

fn counts(frame: &DataFrame, column: &str) -> Vec<i64> {
    frame.column(column).unwrap().i64().unwrap().iter().flatten().collect()
}

fn floats(frame: &DataFrame, column: &str) -> Vec<f64> {
    frame.column(column).unwrap().f64().unwrap().iter().flatten().collect()
}

#[test]
fn one_row_per_operator_with_its_interval() {
    let tokenizer = arithmetic(100);
    // Right on sums below 10 and on no product but 0.
    let model = Fake::new(105, |t: &[u32]| if t[1] == 100 { (t[0] + t[2]).min(9) } else { 0 });
    let spec = spec("operators = [\"+\", \"*\"]\noperands = { a = \"0..10\", b = \"0..10\" }");
    let set = prompt::build(&spec, &tokenizer, None, None).unwrap();
    let mut step = Accuracies::new(false);
    step.run(LABELS, &set, &tokenizer, model.respondent(7)).unwrap();
    let frame = step.to_frame().unwrap();
    assert_eq!(strings(&frame, "operator"), ["+", "*"]);
    assert_eq!(strings(&frame, "decode"), ["first-token", "first-token"]);
    assert_eq!(strings(&frame, "checkpoint"), ["step10", "step10"]);
    assert_eq!(counts(&frame, "n"), [100, 100]);
    assert_eq!(counts(&frame, "correct"), [55, 19]);
    assert_eq!(floats(&frame, "rate"), [0.55, 0.19]);
    assert_eq!(floats(&frame, "ci_low"), [wilson(55, 100).low, wilson(19, 100).low]);
    assert_eq!(floats(&frame, "ci_high"), [wilson(55, 100).high, wilson(19, 100).high]);
    assert!(step.prompts_to_frame().unwrap().is_none());
    assert!(step.notes().is_empty());
}

#[test]
fn multi_token_answers_are_told_by_first_token_and_whole() {
    let tokenizer = characters(&[]);
    // Tokens: <s> 0, digits 1..=10, + 11, = 15, newline 17. Writes 14, then a newline, whatever it is asked.
    let model = Fake::new(22, |t: &[u32]| match t.len() - t.iter().position(|&id| id == 15).unwrap() {
        1 => 2,
        2 => 5,
        _ => 17,
    });
    let spec = spec("operators = [\"+\"]\nanswer = \"multi-token\"\noperands = { a = \"0..10\", b = [7] }");
    let set = prompt::build(&spec, &tokenizer, Some(true), None).unwrap();
    let mut step = Accuracies::new(true);
    step.run(LABELS, &set, &tokenizer, model.respondent(4)).unwrap();
    let frame = step.to_frame().unwrap();
    assert_eq!(strings(&frame, "decode"), ["first-token", "whole-answer"]);
    // Answers 7..=16: seven begin with 1, one is 14.
    assert_eq!(counts(&frame, "correct"), [7, 1]);
    let prompts = step.prompts_to_frame().unwrap().unwrap();
    assert_eq!(strings(&prompts, "given"), ["1", "1", "1", "14", "14", "14", "14", "14\n", "14", "14"]);
    assert_eq!(strings(&prompts, "given_tokens")[7], "2 5 17");
    assert_eq!(prompts.column("correct").unwrap().bool().unwrap().sum(), Some(1));
}

#[test]
fn a_number_that_goes_on_is_another_answer() {
    let tokenizer = characters(&[]);
    let ones = Fake::new(22, |_: &[u32]| 2);
    let spec = spec("operators = [\"+\"]\nanswer = \"multi-token\"\noperands = { a = [1], b = [0] }");
    let set = prompt::build(&spec, &tokenizer, None, None).unwrap();
    let mut step = Accuracies::new(false);
    step.run(LABELS, &set, &tokenizer, ones.respondent(4)).unwrap();
    assert_eq!(counts(&step.to_frame().unwrap(), "correct"), [1, 0]);
}

#[test]
fn prompts_in_several_draws_count_once() {
    let tokenizer = arithmetic(100);
    let model = Fake::new(105, |t: &[u32]| t[0] + t[2]);
    let spec = spec("operators = [\"+\"]\noperands = { a = \"0..4\", b = \"0..4\" }\nsample = 12\nseeds = [1, 2, 3]");
    let set = prompt::build(&spec, &tokenizer, None, None).unwrap();
    assert_eq!(set.prompts.len(), 36);
    let mut step = Accuracies::new(false);
    step.run(LABELS, &set, &tokenizer, model.respondent(4)).unwrap();
    let n = counts(&step.to_frame().unwrap(), "n");
    assert!(n[0] <= 16 && n[0] >= 12, "{n:?}");
    assert_eq!(model.rows() as i64, n[0]);
    assert!(step.notes()[0].contains("spread_answers = false"));
}

/// `keep` has asked already: what its verdict says is not asked again, and the rows are those of asking again.
#[test]
fn verdicts_that_are_known_are_not_asked_for_again() {
    let (numbers, letters) = (arithmetic(100), characters(&[]));
    let sums = Fake::new(105, |t: &[u32]| (t[0] + t[2]).min(9));
    // Digits are tokens 1..=10 and "=" is 15: always writes 14, then a newline.
    let fourteen = Fake::new(22, |t: &[u32]| match t.len() - t.iter().position(|&id| id == 15).unwrap() {
        1 => 2,
        2 => 5,
        _ => 17,
    });
    let single = "operators = [\"+\"]\noperands = { a = \"0..10\", b = \"0..10\" }";
    let multi = "operators = [\"+\"]\nanswer = \"multi-token\"\noperands = { a = \"0..10\", b = \"0..10\" }";
    let mut spared = 0;
    for keep in ["correct", "incorrect"] {
        for per_prompt in [false, true] {
            for many in [false, true] {
                let text = format!("{}\nkeep = \"{keep}\"", if many { multi } else { single });
                let tokenizer = if many { &letters } else { &numbers };
                let respondent = || if many { fourteen.respondent(7) } else { sums.respondent(7) };
                let rows = || if many { fourteen.rows() } else { sums.rows() };
                let set = prompt::build(&spec(&text), tokenizer, None, Some(respondent())).unwrap();
                let mut unjudged = set.clone();
                unjudged.prompts.iter_mut().for_each(|prompt| prompt.correct = None);
                let tables = |set: &prompt::PromptSet| {
                    let (mut step, before) = (Accuracies::new(per_prompt), rows());
                    step.run(LABELS, set, tokenizer, respondent()).unwrap();
                    let prompts = step.prompts_to_frame().unwrap().unwrap_or_default();
                    ((step.to_frame().unwrap(), prompts), rows() - before)
                };
                let ((known, asked), (again, all)) = (tables(&set), tables(&unjudged));
                assert!(
                    known.0.equals_missing(&again.0) && known.1.equals_missing(&again.1),
                    "{keep} {per_prompt} {many}"
                );
                // A wrong token, or what follows a right answer, is known only by asking.
                let verdict_says_all = match (keep, many) {
                    ("correct", false) => true,
                    ("correct", true) | ("incorrect", false) => !per_prompt,
                    _ => false,
                };
                assert_eq!(asked, if verdict_says_all { 0 } else { all }, "{keep} {per_prompt} {many}");
                spared += usize::from(verdict_says_all);
            }
        }
    }
    assert_eq!(spared, 4);
}
