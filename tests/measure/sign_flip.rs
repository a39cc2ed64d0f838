//! p-values by flipping signs against scipy's (tests/fixtures/make_sign_flip.py), Holm's correction, and what random sets are worth.

use ablate::measure::{ChanceSpread, SignFlips, Stronger, holm, holm_within, least_p};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    exact: Vec<Case>,
    drawn: Vec<Case>,
    holm: Vec<Corrected>,
}

#[derive(Deserialize)]
struct Case {
    values: Vec<f64>,
    things: Vec<usize>,
    p: f64,
}

#[derive(Deserialize)]
struct Corrected {
    p: Vec<f64>,
    adjusted: Vec<f64>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/sign_flip.json")).unwrap()
}

/// Numbers from −0.5 to 0.5.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

#[test]
fn p_is_scipys() {
    for Case { values, things, p } in fixture().exact {
        let found = SignFlips::of(&things, 100, 0).p(&values);
        assert!((found - p).abs() < 1e-12, "{values:?}: {found} {p}");
    }
    for Case { values, things, p } in fixture().drawn {
        let resamples = 20_000;
        let found = SignFlips::of(&things, resamples, 0).p(&values);
        let deviation = (p * (1.0 - p) / resamples as f64).sqrt();
        assert!((found - p).abs() < 4.0 * deviation + 1.0 / resamples as f64, "{found} {p} ± {deviation}");
        assert_ne!(found, SignFlips::of(&things, resamples, 1).p(&values), "another seed draws other signs");
        assert_eq!(found, SignFlips::of(&things, resamples, 0).p(&values));
    }
    // Darwin's plants: 863 of 32768 sums on either side (Fisher 1935, section 21).
    assert!((fixture().exact[0].p - 1726.0 / 32768.0).abs() < 1e-12);
}

#[test]
fn values_of_one_thing_keep_their_signs_together() {
    let values = [0.4, 0.1, -0.2, 0.9, 0.3];
    let once = SignFlips::of(&[0, 1, 2, 3, 4], 100, 0).p(&values);
    let things: Vec<usize> = (0..20).map(|index| index % 5).collect();
    assert_eq!(SignFlips::of(&things, 100, 0).p(&values.repeat(4)), once);
    assert!(SignFlips::of(&(0..20).collect::<Vec<_>>(), 10_000, 0).p(&values.repeat(4)) < once);
}

#[test]
fn what_says_nothing_changes_nothing() {
    let p = |values: &[f64]| SignFlips::of(&(0..values.len()).collect::<Vec<_>>(), 100, 0).p(values);
    assert_eq!(p(&[0.0; 20]), 1.0, "no effect on any prompt is no evidence of one");
    assert_eq!(p(&[1.0, 2.0, 3.0]), 0.25);
    // Prompts without an effect, and without a number; more than are looked at in full.
    assert_eq!(p(&[&[1.0, 2.0, 3.0][..], &[0.0; 30], &[f64::NAN; 3]].concat()), 0.25);
    assert!(p(&[f64::NAN; 4]).is_nan());
    assert_eq!(p(&[2.0]), 1.0);
    assert_eq!(p(&[-1.0, -2.0, -3.0]), 0.25, "either side");
    // Sums that are equal but for rounding.
    assert_eq!(p(&[0.1, 0.2, -0.3]), 1.0);
    assert_eq!((least_p(3, 999), least_p(17, 999)), (0.25, 0.001));
}

/// Of samples without an effect about 5 in 100 have p ≤ 0.05, and not more than the test says: with 10 things, 51 of 1024.
#[test]
fn p_is_uniform_without_an_effect() {
    for (things, resamples) in [(10, 0), (24, 199)] {
        let flips = SignFlips::of(&(0..things).collect::<Vec<_>>(), resamples, 3);
        let mut state = 1;
        let samples = 1000;
        let p: Vec<f64> =
            (0..samples).map(|_| flips.p(&(0..things).map(|_| uniform(&mut state)).collect::<Vec<f64>>())).collect();
        for level in [0.05, 0.2, 0.5, 0.9] {
            let share = p.iter().filter(|p| **p <= level).count() as f64 / f64::from(samples);
            let deviation = (level * (1.0 - level) / f64::from(samples)).sqrt();
            assert!((share - level).abs() < 4.0 * deviation, "{things}: {share} of p below {level}");
        }
    }
}

#[test]
fn holms_correction() {
    for Corrected { p, adjusted } in fixture().holm {
        let found = holm(&p);
        assert!(found.iter().zip(&adjusted).all(|(one, other)| (one - other).abs() < 1e-12), "{found:?} {adjusted:?}");
    }
    let mut state = 9;
    for count in 1..40 {
        let p: Vec<f64> = (0..count).map(|_| (uniform(&mut state) + 0.5).powi(3)).collect();
        let adjusted = holm(&p);
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|&one, &other| p[one].total_cmp(&p[other]));
        assert!(order.windows(2).all(|pair| adjusted[pair[0]] <= adjusted[pair[1]]), "in the order of p");
        assert!(p.iter().zip(&adjusted).all(|(p, adjusted)| p <= adjusted && *adjusted <= 1.0));
        assert!(
            (adjusted[order[0]] - (count as f64 * p[order[0]]).min(1.0)).abs() < 1e-15,
            "Bonferroni's for the least"
        );
    }
    let with_none = holm(&[0.02, f64::NAN, 0.04]);
    assert!(with_none[1].is_nan() && with_none[0] == 0.04 && with_none[2] == 0.04);
    assert_eq!(holm_within(&[0.01, 0.02, 0.03, 0.04], |index| index % 2), [0.02, 0.04, 0.03, 0.04]);
}

#[test]
fn random_sets_beside_a_chosen_one() {
    // Without an edit 1.0; the chosen set takes 0.6 away, of four random ones one as much or more.
    let sets = [0.9, 0.8, 1.1, 0.3];
    let spread = ChanceSpread::of(0.4, 1.0, &sets, Stronger::Farther).unwrap();
    assert_eq!((spread.draws, spread.p), (4, 2.0 / 5.0));
    assert!((spread.mean - 0.775).abs() < 1e-12);
    // numpy.quantile([0.3, 0.8, 0.9, 1.1], [0.025, 0.975])
    assert!((spread.low - 0.3375).abs() < 1e-12 && (spread.high - 1.085).abs() < 1e-12, "{spread:?}");
    // Of what is kept, a set that leaves more is the stronger: all but 0.3.
    assert_eq!(ChanceSpread::of(0.4, 1.0, &sets, Stronger::Nearer).unwrap().p, 4.0 / 5.0);
    assert_eq!(ChanceSpread::of(0.4, 1.0, &[0.4], Stronger::Farther).unwrap().p, 1.0);
    assert_eq!(ChanceSpread::of(0.4, 1.0, &[], Stronger::Farther), None);
    assert_eq!(ChanceSpread::of(f64::NAN, 1.0, &sets, Stronger::Farther), None);
}
