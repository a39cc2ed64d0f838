//! Components, helices, spectra and areas, beside NumPy's (`tests/fixtures/make_directions.py`).

use crate::support::repository;
use ablate::direction::{
    Directions, Helix, Points, Subspace, Wave, auc, dot, nearest, orthonormal, principal_components,
    principal_components_of, spectrum,
};
use ablate::model::hook::{Hook, Site};
use indexmap::IndexMap;
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors};

struct Fixture(Vec<u8>);

impl Fixture {
    fn read() -> Self {
        Self(std::fs::read(repository("tests/fixtures/directions.safetensors")).unwrap())
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = tensors.tensor(name).unwrap();
        let bytes = tensor.data();
        match tensor.dtype() {
            Dtype::F64 => bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
            Dtype::F32 => bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn points(&self) -> Vec<f32> {
        self.numbers("points").into_iter().map(|value| value as f32).collect()
    }
}

#[track_caller]
fn near(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < tolerance, "{found} {wanted}");
    }
}

#[test]
fn principal_components_are_those_of_a_singular_value_decomposition() {
    let fixture = Fixture::read();
    let points = fixture.points();
    let of: Vec<usize> = (0..30).collect();
    let found = principal_components(Points::new(&points, 6), &of, 6);
    near(&found.rows.concat(), &fixture.numbers("components"), 1e-5);
    near(&found.squares, &fixture.numbers("squares"), 1e-6);
    // Fewer points than dimensions, by the other product.
    let few = principal_components(Points::new(&points, 6), &of[..4], 6);
    assert_eq!(few.rows.len(), 3);
    for (number, row) in few.rows.iter().enumerate() {
        for (other, beside) in few.rows.iter().enumerate() {
            assert!((dot(row, beside) - f64::from(u8::from(number == other))).abs() < 1e-9);
        }
    }
}

#[test]
fn a_helix_is_fitted_as_by_least_squares() {
    let fixture = Fixture::read();
    let points: Vec<Vec<f64>> = fixture.numbers("points").chunks_exact(6).map(<[f64]>::to_vec).collect();
    let numbers = fixture.numbers("numbers");
    let components = principal_components_of(&points[..20], 6, 4);
    let waves = Wave::of(1, &[2.0, 5.0, 10.0], &numbers[..20]);
    let helix = Helix::fit(&numbers[..20], &points[..20], &components, &waves).unwrap();
    near(&[helix.explained(&numbers[20..], &points[20..]).unwrap()], &fixture.numbers("explained"), 1e-7);
    // The subspace is the one that NumPy's coefficients span: the same projection.
    let basis = helix.basis();
    assert_eq!(basis.len(), 4);
    let projection: Vec<f64> =
        (0..36).map(|index| basis.iter().map(|row| row[index / 6] * row[index % 6]).sum()).collect();
    near(&projection, &fixture.numbers("projection"), 1e-6);

    let mut sorted: Vec<usize> = (0..30).collect();
    sorted.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    let in_order: Vec<Vec<f64>> = sorted.iter().map(|&index| points[index].clone()).collect();
    let counted: Vec<f64> = (0..30).map(f64::from).collect();
    near(&spectrum(&counted, &in_order), &fixture.numbers("spectrum"), 1e-9);
    assert!(spectrum(&[0.0, 1.0, 3.0], &in_order[..3]).is_empty(), "3 does not follow 1");
}

#[test]
fn the_area_under_a_curve_counts_ties_half() {
    let fixture = Fixture::read();
    let (area, interval) = auc(&fixture.numbers("of"), &fixture.numbers("minus")).unwrap();
    near(&[area], &fixture.numbers("auc"), 1e-12);
    assert!(interval.low < area && area < interval.high);
    // By hand: of 3 · 2 pairs 4 are in order, 1 is a tie.
    assert_eq!(auc(&[3.0, 2.0, 0.0], &[2.0, -1.0]).unwrap().0, (1.0 + 1.0 + 0.5 + 1.0 + 0.0 + 1.0) / 6.0);
    assert!(auc(&[], &[1.0]).is_none());
    assert_eq!(nearest(&[0.4], &[vec![0.0], vec![1.0]]), Some(0));
}

proptest! {
    /// Whatever the vectors: rows of length 1, at right angles, that span each of them.
    #[test]
    fn orthonormal_rows_span_what_they_are_of(vectors in prop::collection::vec(prop::collection::vec(-5.0..5.0f64, 5), 1..7)) {
        let rows = orthonormal(&vectors);
        for (number, row) in rows.iter().enumerate() {
            for (other, beside) in rows.iter().enumerate() {
                prop_assert!((dot(row, beside) - f64::from(u8::from(number == other))).abs() < 1e-9);
            }
        }
        for vector in &vectors {
            let within: f64 = rows.iter().map(|row| dot(row, vector).powi(2)).sum();
            prop_assert!((dot(vector, vector) - within).abs() < 1e-6);
        }
    }

    #[test]
    fn a_helix_reads_back_the_waves_of_its_points(
        coefficients in prop::collection::vec(prop::collection::vec(-2.0..2.0f64, 8), 3),
    ) {
        // Three waves along three vectors in eight dimensions, without noise.
        let numbers: Vec<f64> = (0..25).map(f64::from).collect();
        let wave = |number: f64| {
            let turn = std::f64::consts::TAU * number / 10.0;
            [number / 10.0, turn.cos(), turn.sin()]
        };
        let point = |&number: &f64| -> Vec<f64> {
            (0..8).map(|at| 1.0 + wave(number).iter().zip(&coefficients).map(|(wave, row)| wave * row[at]).sum::<f64>()).collect()
        };
        let points: Vec<Vec<f64>> = numbers.iter().map(point).collect();
        // Vectors that are nearly of one plane do not tell the waves apart.
        let rows = orthonormal(&coefficients);
        let apart = rows.len() == 3 && coefficients.iter().zip(&rows).all(|(vector, row)| dot(vector, row).abs() > 0.5);
        prop_assume!(apart);
        let components = principal_components_of(&points, 8, 8);
        let helix = Helix::fit(&numbers, &points, &components, &Wave::of(1, &[10.0], &numbers)).unwrap();
        prop_assert!(helix.explained(&numbers, &points).unwrap() > 1.0 - 1e-9);
        for (&number, point) in numbers.iter().zip(&points) {
            let [line, cosine, sine] = wave(number);
            let read = helix.read(point);
            prop_assert!((read[0] - 10.0 * line).abs() < 1e-5, "{read:?}");
            prop_assert!((read[1] - cosine).abs() < 1e-5 && (read[2] - sine).abs() < 1e-5, "{read:?}");
        }
    }

    /// Polynomials of one degree are a space, whatever spans it: points on a cubic are on the fitted one, beyond the fitted numbers too.
    #[test]
    fn a_polynomial_has_the_points_of_a_cubic(coefficients in prop::collection::vec(prop::collection::vec(-2.0..2.0f64, 5), 3)) {
        let power = |number: f64| [number / 10.0, (number / 10.0).powi(2), (number / 10.0).powi(3)];
        let point = |&number: &f64| -> Vec<f64> {
            (0..5).map(|at| power(number).iter().zip(&coefficients).map(|(power, row)| power * row[at]).sum::<f64>()).collect()
        };
        let numbers: Vec<f64> = (0..30).map(f64::from).collect();
        let (fitted, rest) = numbers.split_at(20);
        let points: Vec<Vec<f64>> = fitted.iter().map(point).collect();
        let components = principal_components_of(&points, 5, 5);
        let helix = Helix::fit(fitted, &points, &components, &Wave::of(3, &[], fitted)).unwrap();
        for number in fitted.iter().chain(rest) {
            let (own, wanted) = (helix.point(*number), point(number));
            let far = own.iter().zip(&wanted).map(|(own, wanted)| (own - wanted).abs()).fold(0.0, f64::max);
            let size = wanted.iter().map(|value| value.abs()).fold(1.0, f64::max);
            prop_assert!(far < 1e-3 * size, "{number}: {own:?} {wanted:?}");
        }
        // Neither the number itself nor the higher powers are in a degree of 0 and 1.
        prop_assert_eq!(Wave::of(0, &[10.0], fitted).len(), 2);
        prop_assert_eq!(Wave::of(1, &[2.0, 10.0], fitted).len(), 4);
    }

    #[test]
    fn directions_come_back_from_their_file(values in prop::collection::vec(-1e6f32..1e6, 4..5), unit in prop::option::of(0usize..9)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("found.safetensors");
        let subspace = |position: &str| Subspace {
            hook: Hook::Block(3, Site::Z),
            unit,
            position: position.into(),
            basis: [values.clone(), values.iter().rev().copied().collect()].concat(),
            mean: values.clone(),
            means: IndexMap::from([("7/b".to_string(), values.clone()), ("a".to_string(), values.clone())]),
            vector: values.clone(),
        };
        let directions = Directions {
            step: "found".into(),
            method: "pca".into(),
            model: "model".into(),
            checkpoint: String::new(),
            template: "default".into(),
            subspaces: vec![subspace("last"), subspace("b"), Subspace { hook: Hook::Embed, unit: None, ..subspace("a") }],
        };
        directions.write(&path).unwrap();
        let back = Directions::read(&path).unwrap();
        prop_assert_eq!(&back, &directions);
        prop_assert_eq!(back.at(Hook::Block(3, Site::Z), unit, "b"), Some(&subspace("b")));
    }
}
