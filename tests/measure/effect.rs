//! The measures of interventions, on numbers worked out by hand.

use ablate::measure::{AblationMeasure, EffectMeasure, Reading, Resamples, SetLogits};

/// Logits of r, r' and one other token.
fn reading(answer: f64, other: f64, rest: f64) -> Reading {
    let log_total = (answer.exp() + other.exp() + rest.exp()).ln();
    let largest = answer.max(other).max(rest);
    let rank = [other, rest].iter().filter(|logit| **logit > answer).count() as f64;
    let sequence = answer - log_total;
    let correct = answer == largest;
    let (answer, other) = (SetLogits::one(answer), SetLogits::one(other));
    Reading { answer, other, log_total, largest, correct, divergence: 0.5, rank, sequence }
}

#[test]
fn indirect_effect_is_equation_1() {
    let (before, after) = (reading(2.0, 0.0, 1.0), reading(0.5, 1.5, 1.0));
    let p = |reading: &Reading, logit: f64| logit.exp() / reading.log_total.exp();
    let (p_r, p_s) = (p(&before, 2.0), p(&before, 0.0));
    let (after_r, after_s) = (p(&after, 0.5), p(&after, 1.5));
    let expected = 0.5 * ((after_s - p_s) / p_s + (p_r - after_r) / after_r);
    let found = EffectMeasure::IndirectEffect.value(&before, &after, &after);
    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    let logarithm = EffectMeasure::LogIndirectEffect.value(&before, &after, &after);
    assert!((logarithm - (1.0 + expected).ln()).abs() < 1e-12);
    assert!((before.p_answer() + before.p_other() + p(&before, 1.0) - 1.0).abs() < 1e-12);

    let on_logits = EffectMeasure::IndirectEffectLogits.value(&reading(2.0, 1.0, 0.0), &reading(4.0, 3.0, 0.0), &after);
    assert!((on_logits - 0.5 * ((3.0 - 1.0) / 1.0 + (2.0 - 4.0) / 4.0)).abs() < 1e-12);
}

#[test]
fn an_edit_without_effect_measures_nothing() {
    let (run, other) = (reading(2.0, -1.0, 1.0), reading(-1.0, 3.0, 0.0));
    for measure in [
        EffectMeasure::IndirectEffect,
        EffectMeasure::LogIndirectEffect,
        EffectMeasure::IndirectEffectLogits,
        EffectMeasure::NormalizedLogitDifference,
    ] {
        assert_eq!(measure.value(&run, &run, &other), 0.0, "{measure:?}");
    }
    assert_eq!(EffectMeasure::NormalizedLogitDifference.value(&run, &other, &other), 1.0);
    assert_eq!(EffectMeasure::LogitDifference.value(&run, &run, &other), 3.0);
    assert_eq!(EffectMeasure::Accuracy.value(&run, &run, &other), 1.0);
    assert_eq!(EffectMeasure::Accuracy.value(&run, &other, &other), 0.0);
}

/// Five tokens of logits 0, 1, 2, 3 and 4: of the right answers 1 and 3, of the wrong ones 0 and 2.
#[test]
fn answers_of_several_tokens_are_measured_together() {
    let logits = [0.0f64, 1.0, 2.0, 3.0, 4.0];
    let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
    let run = Reading {
        answer: SetLogits::of(&[1.0, 3.0]),
        other: SetLogits::of(&[0.0, 2.0]),
        log_total: total.ln(),
        largest: 4.0,
        correct: false,
        divergence: 0.0,
        rank: 1.0,
        sequence: -2.5,
    };
    let (right, wrong) = ((1f64.exp() + 3f64.exp()) / total, (1.0 + 2f64.exp()) / total);
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    near(EffectMeasure::ProbabilityDifference.value(&run, &run, &run), right - wrong);
    near(EffectMeasure::Probability.value(&run, &run, &run), right);
    near(EffectMeasure::LogitDifference.value(&run, &run, &run), (1.0 + 3.0) / 2.0 - (0.0 + 2.0) / 2.0);
    near(EffectMeasure::Rank.value(&run, &run, &run), 1.0);
    near(EffectMeasure::SequenceLogProbability.value(&run, &run, &run), -2.5);
    near(AblationMeasure::ProbabilityDifference.value(&run, &run, &run), right - wrong);
    near(AblationMeasure::LogitDifference.value(&run, &run, &run), 1.0);
    near(AblationMeasure::Probability.value(&run, &run, &run), right);
    near(AblationMeasure::CrossEntropy.value(&run, &run, &run), -right.ln());
    near(AblationMeasure::Logit.value(&run, &run, &run), 2.0);
    near(AblationMeasure::Rank.value(&run, &run, &run), 1.0);
    // One answer is its logit, to the last bit, and none is no number.
    assert_eq!(SetLogits::of(&[0.1]), SetLogits::one(f64::from(0.1f32)));
    assert!(SetLogits::of(&[]).mean.is_nan() && SetLogits::of(&[]).log_sum.is_nan());
}

#[test]
fn faithfulness_is_equation_2() {
    let (whole, empty) = (reading(4.0, 0.0, 0.0), reading(-1.0, 2.0, 0.0));
    let after = reading(3.0, 4.0, 0.0);
    let nl = |reading: &Reading| reading.answer.mean / reading.largest;
    let expected = (nl(&after) - nl(&empty)) / (nl(&whole) - nl(&empty));
    assert!((AblationMeasure::Faithfulness.value(&whole, &empty, &after) - expected).abs() < 1e-12);
    assert_eq!(AblationMeasure::Faithfulness.value(&whole, &empty, &whole), 1.0);
    assert_eq!(AblationMeasure::Faithfulness.value(&whole, &empty, &empty), 0.0);
    let entropy = AblationMeasure::CrossEntropy.value(&whole, &empty, &after);
    assert!((entropy + after.p_answer().ln()).abs() < 1e-12);
}

/// Values that are there four times are no more than once: drawn one by one, they would halve the interval.
#[test]
fn intervals_are_of_what_values_are_of() {
    let values: Vec<f64> = (0..30).map(|value| f64::from(value * value % 37)).collect();
    let once = Resamples::new(values.len(), 500, 0).mean(&values);
    let things: Vec<usize> = (0..4 * values.len()).map(|index| index % values.len()).collect();
    let four_times = Resamples::of(&things, 500, 0).mean(&values.repeat(4));
    assert_eq!(four_times.mean, once.mean);
    assert!((four_times.low - once.low).abs() < 1e-12 && (four_times.high - once.high).abs() < 1e-12);

    // Of one thing there is no interval, however many its values are.
    assert!(Resamples::of(&[0; 5], 500, 0).mean(&[1.0, 2.0, 3.0, 4.0, 5.0]).low.is_nan());
}

#[test]
fn bootstrap_intervals_cover_as_they_should() {
    // Means of 40 uniform numbers: the 95 % interval holds the true mean in about 95 of 100 samples.
    let mut state = 1u64;
    let mut uniform = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let resamples = Resamples::new(40, 1000, 0);
    let mut covered = 0;
    for _ in 0..400 {
        let values: Vec<f64> = (0..40).map(|_| uniform()).collect();
        let mean = resamples.mean(&values);
        assert!(mean.low <= mean.mean && mean.mean <= mean.high);
        covered += u32::from(mean.low <= 0.5 && 0.5 <= mean.high);
    }
    assert!((360..=396).contains(&covered), "{covered} of 400");
    let ones = resamples.mean(&[1.0; 40]);
    assert_eq!((ones.low, ones.high, ones.std), (1.0, 1.0, 0.0), "a rate of 1 has no interval beyond it");
    assert!(Resamples::new(1, 1000, 0).mean(&[3.0]).low.is_nan(), "one value has no interval");
}
