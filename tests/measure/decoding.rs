use crate::prompt::Fake;
use ablate::measure::{
    BoxError, DecodeError, Decoded, Extent, GreedyTask, NextToken, Pace, arg_max, decode, first_token,
};

#[test]
fn the_lowest_id_wins_a_tie() {
    assert_eq!(arg_max(&[0.5, 2.0, 2.0, -1.0]), Some(1));
    assert_eq!(arg_max(&[f32::NEG_INFINITY; 3]), Some(0));
    assert_eq!(arg_max(&[-0.0, 0.0]), Some(0));
    assert_eq!(arg_max(&[]), None);
}

#[test]
fn what_is_not_a_number_has_no_largest() {
    assert_eq!(arg_max(&[1.0, f32::NAN, 3.0]), None);
}

/// Writes the digits of a fixed number, one token each, after a prompt of two tokens.
fn writes(number: &'static [u32]) -> Fake<impl Fn(&[u32]) -> u32> {
    Fake::new(12, move |tokens: &[u32]| number.get(tokens.len() - 2).copied().unwrap_or(10))
}

fn decoded(model: &dyn NextToken, answer: &[u32], extent: Extent) -> Decoded {
    let task = GreedyTask { prompt: &[11, 11], answer };
    let is_digit = |_: &[u32], next: u32| next < 10;
    decode(model, &[task], extent, &is_digit, Pace::of(3)).expect("decoded").remove(0)
}

#[test]
fn an_answer_is_right_when_its_number_ends_there() {
    let right = decoded(&writes(&[1, 2]), &[1, 2], Extent::AnswerLength);
    assert_eq!(right, Decoded { tokens: vec![1, 2, 10], first: true, whole: true });
    // 123 begins with 12, but is another number.
    let longer = decoded(&writes(&[1, 2, 3]), &[1, 2], Extent::AnswerLength);
    assert_eq!(longer, Decoded { tokens: vec![1, 2, 3], first: true, whole: false });
    let shorter = decoded(&writes(&[1]), &[1, 2], Extent::AnswerLength);
    assert_eq!(shorter, Decoded { tokens: vec![1, 10], first: true, whole: false });
    let wrong = decoded(&writes(&[7, 2]), &[1, 2], Extent::AnswerLength);
    assert_eq!(wrong, Decoded { tokens: vec![7, 2], first: false, whole: false });
}

#[test]
fn stopping_at_the_first_mismatch_changes_no_verdict() {
    let model = writes(&[1, 2, 3]);
    for answer in [&[1, 2, 3][..], &[1, 2], &[1, 4, 3], &[5], &[1], &[1, 2, 3, 4]] {
        let short = decoded(&model, answer, Extent::FirstMismatch);
        let long = decoded(&model, answer, Extent::AnswerLength);
        assert_eq!((short.first, short.whole), (long.first, long.whole), "{answer:?}");
        assert!(long.tokens.starts_with(&short.tokens));
    }
}

/// Several answers of one prompt are judged as each alone is, and the prompt is run once for all of them.
#[test]
fn answers_of_one_prompt_share_its_passes() {
    let model = writes(&[1, 2, 3]);
    let answers: [&[u32]; 5] = [&[1, 2], &[1, 2, 3], &[1, 4, 3], &[5, 2], &[1, 2]];
    let is_digit = |_: &[u32], next: u32| next < 10;
    for extent in [Extent::AnswerLength, Extent::FirstMismatch] {
        let alone: Vec<Decoded> = answers.iter().map(|answer| decoded(&model, answer, extent)).collect();
        let tasks = answers.map(|answer| GreedyTask { prompt: &[11, 11], answer });
        let (before, done) = (model.rows(), std::cell::Cell::new(0));
        let pace = Pace { batch: 2, done: &|rows| done.set(done.get() + rows) };
        assert_eq!(decode(&model, &tasks, extent, &is_digit, pace).expect("decoded"), alone);
        // Each goes on as the model writes it: one row for each of the tokens 1, 2, 3 and what follows them.
        assert_eq!((model.rows() - before, done.get()), (4, 4));
    }
}

#[test]
fn batches_keep_the_order_whatever_the_lengths() {
    let sum = Fake::new(100, |tokens: &[u32]| tokens.iter().sum());
    let rows: Vec<Vec<u32>> = (0..23u32).map(|i| (0..=i % 4).map(|j| i + j).collect()).collect();
    let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
    let expected: Vec<u32> = rows.iter().map(|row| row.iter().sum()).collect();
    for batch in [1, 2, 5, 100] {
        assert_eq!(first_token(&sum, &rows, Pace::of(batch)).expect("tokens"), expected);
    }
}

#[test]
fn progress_adds_up() {
    let model = Fake::new(4, |_: &[u32]| 1);
    let done = std::cell::Cell::new(0);
    let pace = Pace { batch: 4, done: &|rows| done.set(done.get() + rows) };
    first_token(&model, &[&[1], &[2, 3], &[1], &[2], &[3], &[0]], pace).expect("tokens");
    assert_eq!(done.get(), 6);
}

/// A model whose logits are what they are.
struct Broken(Vec<f32>);

impl NextToken for Broken {
    fn n_vocab(&self) -> usize {
        2
    }
    fn position_limit(&self) -> Option<usize> {
        None
    }
    fn last_logits(&self, _: &[&[u32]]) -> Result<Vec<f32>, BoxError> {
        if self.0.is_empty() { Err("interrupted".into()) } else { Ok(self.0.clone()) }
    }
}

#[test]
fn a_broken_model_is_reported() {
    let run = |logits: Vec<f32>| first_token(&Broken(logits), &[&[5], &[6]], Pace::of(8)).expect_err("broken");
    assert!(matches!(run(vec![0.0, 1.0, f32::NAN, 1.0]), DecodeError::NotANumber { tokens } if tokens == [6]));
    assert!(matches!(run(vec![0.0, 1.0]), DecodeError::Shape { expected: 4, got: 2 }));
    assert_eq!(run(vec![]).to_string(), "interrupted");
}
