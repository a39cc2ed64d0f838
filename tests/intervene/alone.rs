//! The check of every run that compares prompts in batches with the same prompts alone: it agrees on what is right, and finds what is not.

use super::laws::{CASES, COUNT};
use ablate::intervene::{BatchedPrompt, ReplayCheck};
use ablate::kernel::to_f32;
use proptest::prelude::*;

/// Of rounding, relative to the largest logit, on every device.
const ROUNDING: f32 = 1e-4;

/// Every prompt of a case as its batch gives it.
fn batched(model: usize) -> Vec<BatchedPrompt> {
    let case = &CASES[model];
    let logits = to_f32(case.model.last_logits(&case.tokens));
    let rows = logits.chunks_exact(logits.len() / case.tokens.batch);
    let tokens = case.tokens.ids.chunks_exact(case.tokens.pos);
    tokens
        .zip(rows)
        .map(|(tokens, logits)| BatchedPrompt { tokens: tokens.to_vec(), logits: logits.to_vec() })
        .collect()
}

fn checked(model: usize, prompts: &[BatchedPrompt]) -> ReplayCheck {
    let mut check = ReplayCheck::default();
    prompts.iter().for_each(|prompt| prompt.check_alone(&CASES[model].model, &mut check));
    check
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_finds_a_logit_that_depends_on_the_batch(model in 0..COUNT, row in 0usize..100, token in 0usize..1000, share in 0.01f32..10.0) {
        let mut prompts = batched(model);
        let right = checked(model, &prompts);
        prop_assert_eq!(right.rows, prompts.len());
        prop_assert!(right.largest_difference <= ROUNDING * right.largest_logit, "{:?}", right);

        let row = row % prompts.len();
        let token = token % prompts[row].logits.len();
        let planted = share * right.largest_logit;
        prompts[row].logits[token] += planted;
        let wrong = checked(model, &prompts);
        let found = wrong.largest_difference;
        prop_assert!((found - planted).abs() <= 2.0 * ROUNDING * (right.largest_logit + planted), "{} of {}", found, planted);

        // What is no number agrees with no number.
        prompts[row].logits[token] = f32::NAN;
        prop_assert_eq!(checked(model, &prompts).largest_difference, f32::INFINITY);
    }

    /// The tokens beside a prompt, or its place, taken for its own.
    #[test]
    fn it_finds_rows_that_are_mistaken_for_others(model in 0..COUNT, shift in 1usize..100) {
        let right = batched(model);
        let others: Vec<BatchedPrompt> = (0..right.len())
            .map(|row| BatchedPrompt { logits: right[(row + shift) % right.len()].logits.clone(), ..right[row].clone() })
            .collect();
        prop_assume!(others.iter().zip(&right).any(|(one, other)| one.logits != other.logits));
        let check = checked(model, &others);
        prop_assert!(check.largest_difference > ROUNDING * check.largest_logit, "{:?}", check);
    }
}
