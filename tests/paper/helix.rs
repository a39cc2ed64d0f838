//! experiments/helix on the built-in model beside numpy, which reads the model's file alone (tests/fixtures/papers/helix.py).

use crate::support::{Sandbox, numbers, repository, texts};
use polars::prelude::DataFrame;
use serde_json::Value;

/// Values of a column by basis and layer, of the rows for which `wanted` holds, as the fixture has them.
fn by_basis(frame: &DataFrame, value: &str, wanted: impl Fn(usize) -> bool) -> Vec<(String, usize, f64)> {
    let (bases, layers, values) = (texts(frame, "basis"), numbers(frame, "layer"), numbers(frame, value));
    (0..bases.len())
        .filter(|&row| wanted(row))
        .map(|row| (bases[row].clone(), layers[row] as usize, values[row]))
        .collect()
}

/// Holds values to those of the fixture.
fn compared(name: &str, found: &[(String, usize, f64)], fixture: &Value) {
    let bases = fixture[name].as_object().expect("bases");
    assert_eq!(
        found.len(),
        bases.values().map(|layers| layers.as_array().expect("layers").len()).sum::<usize>(),
        "{name}"
    );
    for (basis, layer, value) in found {
        let expected = bases[basis][*layer].as_f64().expect("a number");
        assert!((value - expected).abs() < 2e-4, "{name}, {basis}, layer {layer}: {value} is not {expected}");
    }
}

#[test]
fn fits_and_what_is_written_of_them_are_those_of_numpy() {
    let sandbox = Sandbox::empty();
    let spec = repository("experiments/helix/addition.toml").display().to_string();
    let results = format!("output.dir={}", sandbox.at("results/spec").display());
    sandbox.run(&["run", "-q", &spec, "--set", &results]).ok();
    let fixture = super::fixture("helix");

    let pairs = sandbox.rows("interchange.pairs");
    let drawn = texts(&pairs, "text").into_iter().zip(texts(&pairs, "other_text"));
    let expected = fixture["pairs"].as_array().expect("pairs").iter();
    let count =
        drawn.zip(expected).map(|((clean, other), pair)| assert_eq!(pair, &serde_json::json!([clean, other]))).count();
    assert_eq!(count, 100);

    let fit = sandbox.rows("fit");
    let measures = texts(&fit, "measure");
    compared("r2", &by_basis(&fit, "value", |row| measures[row] == "r2"), &fixture);
    // Of principal components the rows of each component come first, and the subspace's own last.
    let axes = fit.column("axis").expect("axes").is_null();
    let share = |row: usize| measures[row] == "share" && axes.get(row) == Some(true);
    compared("share", &by_basis(&fit, "value", share), &fixture);
    for (rows, intervention) in [("interchange", "within"), ("point", "written")] {
        let frame = sandbox.rows(rows);
        let (names, measures) = (texts(&frame, "intervention"), texts(&frame, "measure"));
        let wanted = |row: usize| names[row] == intervention && measures[row] == "normalized-logit-difference";
        compared(rows, &by_basis(&frame, "mean", wanted), &fixture);
    }
    let whole = sandbox.rows("whole");
    let (measures, means) = (texts(&whole, "measure"), numbers(&whole, "mean"));
    let found: Vec<f64> = (0..means.len()).filter(|&row| measures[row] != "accuracy").map(|row| means[row]).collect();
    let expected: Vec<f64> = fixture["whole"].as_array().expect("layers").iter().filter_map(Value::as_f64).collect();
    assert_eq!(found.len(), expected.len());
    assert!(
        found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 2e-4),
        "{found:?} {expected:?}"
    );
}
