//! Rows that fall on one place: what the figure says that their mean is over, and what it does not average.

use super::{drawing, spec};
use ablate::figure::{Drawing, Item, layout};
use polars::prelude::*;

/// Two measures of two heads of two layers at three positions.
fn rows() -> DataFrame {
    let each = |of: &dyn Fn(usize) -> usize| (0..24).map(|row| of(row) as i64).collect::<Vec<_>>();
    df!(
        "model" => ["model"; 24],
        "checkpoint" => [""; 24],
        "layer" => each(&|row| row / 12),
        "head" => each(&|row| row / 6 % 2),
        "position" => (0..24).map(|row| ["a", "op", "b"][row / 2 % 3]).collect::<Vec<_>>(),
        "measure" => (0..24).map(|row| ["kl", "logit-difference"][row % 2]).collect::<Vec<_>>(),
        "mean" => (0..24).map(f64::from).collect::<Vec<_>>(),
        "low" => (0..24).map(|row| f64::from(row) - 1.0).collect::<Vec<_>>(),
        "high" => (0..24).map(|row| f64::from(row) + 1.0).collect::<Vec<_>>(),
    )
    .unwrap()
}

fn refused(body: &str, rows: &DataFrame) -> String {
    layout(&spec(body), rows).unwrap_err().to_string()
}

fn bands(drawing: &Drawing) -> usize {
    drawing.scene.items.iter().filter(|item| matches!(item, Item::Polygon { .. })).count()
}

#[test]
fn measures_are_not_averaged() {
    for (body, key, otherwise) in [
        ("kind = 'heatmap'\nx = 'head'\ny = 'layer'\nvalue = 'mean'", "value", "facet"),
        ("kind = 'lines'\nx = 'layer'\ny = 'log1p(mean)'", "y", "series"),
        ("kind = 'bars'\nx = 'position'\ny = 'mean'", "y", "series"),
    ] {
        let error = refused(body, &rows());
        let expected = format!(
            "figure 'drawing', {key}: 2 measures (kl, logit-difference) would be averaged into one number; write \
             where = {{ measure = \"kl\" }}, or {otherwise} = \"measure\""
        );
        assert_eq!(error, expected);
        drawing(&format!("{body}\nwhere = {{ measure = 'kl' }}"), &rows());
    }
    drawing("kind = 'lines'\nx = 'layer'\ny = 'mean'\nseries = 'measure'", &rows());
    drawing("kind = 'bars'\nx = 'measure'\ny = 'mean'", &rows());
    // A point for each row is a mean of nothing, and a layer is the same whatever is measured.
    drawing("kind = 'scatter'\nx = 'layer'\ny = 'mean'", &rows());
    drawing("kind = 'bars'\nx = 'head'\ny = 'layer'", &rows());
}

#[test]
fn what_a_mean_is_over_is_said() {
    let notes = |body: &str| drawing(&format!("{body}\nwhere = {{ measure = 'kl' }}"), &rows()).notes;
    assert_eq!(
        notes("kind = 'heatmap'\nx = 'head'\ny = 'layer'\nvalue = 'mean'"),
        ["cells are means over 3 positions"]
    );
    assert_eq!(notes("kind = 'lines'\nx = 'layer'\ny = 'mean'"), ["points are means over 2 heads and 3 positions"]);
    assert_eq!(notes("kind = 'bars'\nx = 'position'\ny = 'mean'\nseries = 'head'"), ["bars are means over 2 layers"]);
    assert!(notes("kind = 'heatmap'\nx = 'head'\ny = 'layer'\nvalue = 'mean'\nfacet = 'position'").is_empty());
}

#[test]
fn the_axes_of_a_matrix_are_named() {
    let mut rows = rows().filter(&rows().column("measure").unwrap().str().unwrap().equal("kl")).unwrap();
    let doses: Vec<i64> = (0..12).map(|row| row % 2).collect();
    rows.insert_column(0, Column::new("dose".into(), doses)).unwrap();
    let notes = drawing("kind = 'lines'\nx = 'layer'\ny = 'mean'\nseries = 'head'", &rows).notes;
    assert_eq!(notes, ["points are means over 2 values of dose and 3 positions"]);
}

#[test]
fn a_row_without_a_number_is_in_no_mean() {
    let rows = df!(
        "model" => ["m"; 4],
        "layer" => [0i64, 0, 1, 1],
        "position" => ["a", "b", "a", "b"],
        "mean" => [Some(1.0), None, None, Some(2.0)],
    )
    .unwrap();
    assert!(drawing("kind = 'lines'\nx = 'layer'\ny = 'mean'", &rows).notes.is_empty());
}

#[test]
fn a_band_is_of_one_row() {
    let body = "kind = 'lines'\nx = 'layer'\ny = 'mean'\nband = ['low', 'high']\nwhere = { measure = 'kl' }";
    let one = drawing(&format!("{body}\nseries = 'head'\nfacet = 'position'"), &rows());
    assert_eq!((bands(&one), one.notes.len()), (6, 0));
    let several = drawing(&format!("{body}\nseries = 'head'"), &rows());
    assert_eq!(bands(&several), 0);
    assert_eq!(
        several.notes[0],
        "the band of 4 points is not drawn: each point averages several rows, and averaged ends of intervals are not \
         an interval; write conditions under 'where', or a table with ci_low(x) and ci_high(x) of the rows"
    );
}

#[test]
fn a_nan_is_no_number_of_a_figure() {
    let rows = df!(
        "model" => ["m"; 5],
        "layer" => [0i64, 0, 1, 1, 2],
        "x" => [0.0, 0.0, 0.0, f64::NAN, 0.0],
        "mean" => [1.0, f64::NAN, 2.0, 3.0, 4.0],
    )
    .unwrap();
    let map = drawing("kind = 'heatmap'\nx = 'x'\ny = 'layer'\nvalue = 'mean'", &rows);
    assert_eq!(
        map.notes,
        ["1 row without a value on an axis is not drawn", "1 cell is shown as missing: mean is not finite"]
    );
    let lines = drawing("kind = 'lines'\nx = 'layer'\ny = 'mean'", &rows);
    assert_eq!(lines.notes, ["1 point is not drawn: mean is not finite"]);
    let scatter = drawing("kind = 'scatter'\nx = 'x'\ny = 'mean'", &rows);
    assert_eq!(scatter.notes, ["2 rows are not drawn: a value is missing or not finite"]);
}
