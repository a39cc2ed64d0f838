use ablate::measure::{Interval, wilson};
use proptest::prelude::*;

fn assert_close(got: Interval, low: f64, high: f64) {
    assert!((got.low - low).abs() < 1e-12 && (got.high - high).abs() < 1e-12, "{got:?}, expected {low} {high}");
}

#[test]
fn known_values() {
    // The examples of Newcombe 1998 (Statistics in Medicine 17, table I, method 3), with more digits from 40-digit
    // arithmetic; and two more of the paper's sizes.
    assert_close(wilson(81, 263), 0.255_288_519_878_274_2, 0.366_209_576_982_800_1);
    assert_close(wilson(15, 148), 0.062_386_399_530_736_3, 0.160_487_241_723_308);
    assert_close(wilson(0, 20), 0.0, 0.161_125_158_052_819_4);
    assert_close(wilson(1, 29), 0.006_113_214_292_762_7, 0.171_755_218_793_202_9);
    assert_close(wilson(97, 100), 0.915_480_635_709_472_4, 0.989_745_475_975_961_1);
    assert_close(wilson(26_100, 90_000), 0.287_044_488_470_666_8, 0.292_973_437_572_028);
}

#[test]
fn no_trials_say_nothing() {
    assert_close(wilson(0, 0), 0.0, 1.0);
}

proptest! {
    #[test]
    fn the_ends_are_where_the_score_test_is_at_its_limit(n in 1u64..100_000, share in 0.0f64..=1.0) {
        let correct = (share * n as f64).round() as u64;
        let Interval { low, high } = wilson(correct, n);
        let p = correct as f64 / n as f64;
        prop_assert!(0.0 <= low && low <= p && p <= high && high <= 1.0);
        // |p − p0| = z·√(p0(1−p0)/n) at both ends.
        for end in [low, high] {
            let limit = 1.959_963_984_540_054 * (end * (1.0 - end) / n as f64).sqrt();
            prop_assert!(((p - end).abs() - limit).abs() < 1e-7, "{} {}", (p - end).abs(), limit);
        }
        // What is counted as right or as wrong makes no difference.
        let mirrored = wilson(n - correct, n);
        prop_assert!((mirrored.low - (1.0 - high)).abs() < 1e-12 && (mirrored.high - (1.0 - low)).abs() < 1e-12);
    }
}
