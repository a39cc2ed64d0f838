//! Axes: at least two numbers on each, and ends that suit values that are all the same.

use super::{drawing, spec, texts};
use ablate::figure::{Drawing, layout};
use polars::prelude::*;

/// The numbers of an axis by where their labels end (vertical) or how low they are (horizontal).
fn numbers(drawing: &Drawing) -> Vec<f64> {
    let parse = |text: &str| text.replace('−', "-").parse::<f64>().ok();
    texts(drawing).into_iter().filter_map(parse).collect()
}

/// How many different numbers there are left of a panel of figures whose horizontal axis has words.
fn heights(body: &str, rows: &DataFrame) -> Vec<f64> {
    let mut found = numbers(&drawing(body, rows));
    found.sort_by(f64::total_cmp);
    found.dedup();
    found
}

/// Effects of neurons in sixteen small panels, as of the paper's figure 4.
#[test]
fn small_panels_have_two_numbers() {
    let panels = 16;
    let rows = |low: f64, high: f64| {
        df!(
            "f" => (0..2 * panels).map(|row| format!("panel {}", row / 2)).collect::<Vec<_>>(),
            "x" => (0..2 * panels).map(|row| ["a", "b"][row % 2]).collect::<Vec<_>>(),
            "y" => (0..2 * panels).map(|row| [low, high][row % 2]).collect::<Vec<_>>(),
        )
        .unwrap()
    };
    for (low, high) in [(-0.03, 0.06), (0.0, 0.004), (-1.0, 99.0), (0.2, 0.21), (1e-7, 3e-7), (123456.0, 123999.0)] {
        for height in [300, 360, 420, 600] {
            let body = format!("kind = 'lines'\nx = 'x'\ny = 'y'\nfacet = 'f'\nheight = {height}");
            let Ok(drawing) = layout(&spec(&body), &rows(low, high)) else { continue };
            let labels: Vec<&str> = texts(&drawing)
                .into_iter()
                .filter(|text| text.starts_with(|c: char| c.is_ascii_digit() || c == '−'))
                .collect();
            let mut different = labels.clone();
            different.sort_unstable();
            different.dedup();
            assert!(different.len() > 1, "{low} to {high}, {height} pixels: {labels:?}");
        }
    }
}

#[test]
fn narrow_panels_turn_two_numbers() {
    let count = 24;
    let rows = df!(
        "f" => (0..2 * count).map(|row| format!("p{}", row / 2)).collect::<Vec<_>>(),
        "x" => (0..2 * count).map(|row| [1_234_561.0, 1_234_569.0][row % 2]).collect::<Vec<_>>(),
        "y" => (0..2 * count).map(|row| (row % 2) as f64).collect::<Vec<_>>(),
    )
    .unwrap();
    let drawing = drawing("kind = 'lines'\nx = 'x'\ny = 'y'\nfacet = 'f'\nwidth = 400\nheight = 800", &rows);
    let turned: Vec<&str> = drawing
        .scene
        .texts()
        .filter(|text| text.upward && text.text.contains("×10"))
        .map(|text| text.text.as_str())
        .collect();
    let mut different = turned.clone();
    different.sort_unstable();
    different.dedup();
    assert!(different.len() > 1, "{turned:?}");
}

/// Labels of a narrow range at a large number differ.
#[test]
fn labels_have_the_digits_that_tell_them_apart() {
    for (low, high) in [(0.999_95, 1.0), (1_000_000.0, 1_000_010.0), (5e-5, 5.002e-5)] {
        let rows = df!("x" => ["a", "b"], "y" => [low, high]).unwrap();
        let drawing = drawing("kind = 'lines'\nx = 'x'\ny = 'y'", &rows);
        let labels: Vec<&str> =
            texts(&drawing).into_iter().filter(|text| text.starts_with(|c: char| c.is_ascii_digit())).collect();
        let mut different = labels.clone();
        different.dedup();
        assert!(labels.len() > 1 && different == labels, "{labels:?}");
    }
    let rows = df!("x" => [1_000_001.0, 1_000_002.0], "y" => ["r", "r"], "e" => [1.0, 2.0]).unwrap();
    let columns = drawing("kind = 'heatmap'\nx = 'x'\ny = 'y'\nvalue = 'e'", &rows);
    assert!(texts(&columns).contains(&"1000001") && texts(&columns).contains(&"1000002"), "{:?}", texts(&columns));
}

#[test]
fn a_share_that_is_the_same_everywhere_is_on_an_axis_of_shares() {
    let rows = |y: f64| df!("x" => ["a", "b", "c"], "y" => [y; 3]).unwrap();
    for kind in ["lines", "bars"] {
        let body = format!("kind = '{kind}'\nx = 'x'\ny = 'y'");
        for share in [0.0, 1.0, 0.999_999_99] {
            let found = heights(&body, &rows(share));
            assert_eq!((found.first(), found.last()), (Some(&0.0), Some(&1.0)), "{kind} of {share}: {found:?}");
        }
        // What is no share has zero on its axis, and some room.
        for (value, ends) in [(3.0, (0.0, 3.0)), (-2.0, (-2.0, 0.0)), (0.004, (0.0, 0.004))] {
            let found = heights(&body, &rows(value));
            assert!(found.len() > 1 && found[0] <= ends.0 && found[found.len() - 1] >= ends.1, "{value}: {found:?}");
        }
    }
    // Two rows that differ by rounding alone are no difference to see.
    let rows = df!("x" => ["a", "b"], "y" => [1.0, 0.999_999_94]).unwrap();
    assert_eq!(heights("kind = 'lines'\nx = 'x'\ny = 'y'", &rows).first(), Some(&0.0));
}

#[test]
fn a_heat_map_over_some_layers_has_rows_for_those() {
    let rows = df!("layer" => [0i64, 6, 12], "head" => [0i64, 0, 0], "e" => [1.0, 1.5, 2.0]).unwrap();
    let drawing = drawing("kind = 'heatmap'\nx = 'head'\ny = 'layer'\nvalue = 'e'\nannotate = false", &rows);
    let beside: Vec<&str> =
        texts(&drawing).into_iter().filter(|text| ["0", "3", "6", "9", "12"].contains(text)).collect();
    // The zero of the head is among them.
    assert_eq!(beside.iter().filter(|text| **text != "0").collect::<Vec<_>>(), [&"6", &"12"], "{beside:?}");
    assert!(!texts(&drawing).contains(&"no data"));
}
