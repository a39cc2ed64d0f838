//! NaN and null: one rule for aggregates, conditions, orders and joins.

use ablate::expectation::{self, Verdict};
use ablate::spec::{Expectation, Table};
use ablate::table::{self, Built};
use polars::prelude::*;

const FUNCTIONS: [&str; 10] = [
    "mean(r)",
    "std(r)",
    "sem(r)",
    "min(r)",
    "max(r)",
    "sum(r)",
    "median(r)",
    "quantile(r, 0.25)",
    "ci_low(r)",
    "ci_high(r)",
];

/// Three groups: one has a NaN, one a null, one an infinity.
fn rows() -> DataFrame {
    df!(
        "g" => ["nan", "nan", "nan", "null", "null", "null", "inf", "inf", "inf"],
        "r" => [
            Some(1.0), Some(f64::NAN), Some(3.0), Some(1.0), None, Some(3.0), Some(-1.0), Some(f64::INFINITY), Some(2.0)
        ],
        "row" => [0i64, 1, 2, 3, 4, 5, 6, 7, 8],
    )
    .unwrap()
}

fn built(body: &str) -> Built {
    let spec: Table = toml::from_str(&format!("name = 't'\nfrom = 'rows'\n{body}")).unwrap();
    table::build(&spec, &rows(), None).unwrap()
}

fn order(body: &str) -> Vec<i64> {
    built(body).frame.column("row").unwrap().i64().unwrap().iter().flatten().collect()
}

/// What numpy makes of the same lists: NaN of the first, and of the second what `nan…` functions do.
#[test]
fn whatever_is_made_of_a_nan_is_nan_and_a_null_is_left_out() {
    for function in FUNCTIONS {
        let table = built(&format!("group_by = ['g']\naggregate = {{ x = '{function}', n = 'count(r)' }}"));
        let x: Vec<Option<f64>> = table.frame.column("x").unwrap().f64().unwrap().iter().collect();
        assert!(x[0].is_some_and(f64::is_nan), "{function}: {x:?}");
        assert!(x[1].is_some_and(f64::is_finite), "{function}: {x:?}");
        let n: Vec<i64> = table.frame.column("n").unwrap().i64().unwrap().iter().flatten().collect();
        assert_eq!(n, [3, 2, 3], "a NaN is a value, a null is none");
        let note = "'x' is NaN in 1 of 3 rows, because 'r' is NaN in 1 of those they are made of; where = { r = \"!= nan\" } \
                    leaves these out";
        assert_eq!(table.notes, [note], "{function}");
    }
    let both = built("group_by = ['g']\naggregate = { low = 'min(r)', high = 'max(r)' }");
    assert!(
        both.notes.len() == 1 && both.notes[0].starts_with("'low', 'high' are NaN in 1 of 3 rows"),
        "{:?}",
        both.notes
    );
    let all = built("aggregate = { low = 'min(r)', high = 'max(r)', middle = 'median(r)' }\nwhere = { r = '!= nan' }");
    assert!(all.notes.is_empty());
    let number = |name: &str| all.frame.column(name).unwrap().f64().unwrap().get(0);
    assert_eq!((number("low"), number("high"), number("middle")), (Some(-1.0), Some(f64::INFINITY), Some(2.0)));
}

#[test]
fn a_nan_meets_no_condition() {
    for (condition, rows) in [
        (">= 1", vec![0, 2, 3, 5, 7, 8]),
        ("> 1", vec![2, 5, 7, 8]),
        ("<= 1", vec![0, 3, 6]),
        ("< 1", vec![6]),
        ("!= 1", vec![2, 5, 6, 7, 8]),
        ("== 1", vec![0, 3]),
        ("!= nan", vec![0, 2, 3, 5, 6, 7, 8]),
        ("== inf", vec![7]),
        ("!= inf", vec![0, 2, 3, 5, 6, 8]),
    ] {
        assert_eq!(order(&format!("where = {{ r = '{condition}' }}")), rows, "{condition}");
    }
    assert_eq!(order("where = { r = [1, 3.0, inf] }"), [0, 2, 3, 5, 7]);
    for condition in ["nan", "'== nan'", "[1, nan]"] {
        let spec = format!("name = 't'\nfrom = 'rows'\nwhere = {{ r = {condition} }}");
        let built = |spec: Table| table::build(&spec, &rows(), None).map(drop).map_err(|error| error.to_string());
        let error = toml::from_str(&spec).map_err(|error| error.to_string()).and_then(built).unwrap_err();
        assert!(error.contains("NaN is equal to nothing; write \"!= nan\""), "{error}");
    }
}

#[test]
fn a_nan_comes_after_the_numbers_and_before_the_nulls_both_ways() {
    assert_eq!(order("sort = ['r']"), [6, 0, 3, 8, 2, 5, 7, 1, 4]);
    assert_eq!(order("sort = ['-r']"), [7, 2, 5, 8, 0, 3, 6, 1, 4]);
    assert_eq!(order("sort = ['g', '-r']"), [7, 8, 6, 2, 0, 1, 5, 3, 4]);
}

#[test]
fn a_nan_is_joined_with_nothing() {
    let spec = "name = 't'\nfrom = 'rows'\njoin = { with = 'others', on = ['r'], how = 'left' }";
    let spec: Table = toml::from_str(spec).unwrap();
    let others = df!("r" => [f64::NAN, 1.0], "there" => [true, true]).unwrap();
    let joined = table::build(&spec, &rows(), Some(&others)).unwrap().frame;
    let there: Vec<Option<bool>> = joined.column("there").unwrap().bool().unwrap().iter().collect();
    let found: Vec<usize> = (0..there.len()).filter(|&row| there[row].is_some()).collect();
    assert_eq!(found, [0, 3]);
}

#[test]
fn a_nan_is_a_group_and_derives_nan() {
    let table =
        built("derive = { d = 'r - r' }\ngroup_by = ['r']\naggregate = { n = 'count', nulls = 'count(d)' }").frame;
    let n: Vec<i64> = table.column("n").unwrap().i64().unwrap().iter().flatten().collect();
    assert_eq!(n, [2, 1, 2, 1, 1, 1, 1], "1, NaN, 3, null, -1, inf, 2");
    let nulls: Vec<i64> = table.column("nulls").unwrap().i64().unwrap().iter().flatten().collect();
    assert_eq!(nulls, [2, 1, 2, 0, 1, 1, 1]);
}

#[test]
fn a_nan_is_not_as_expected_whatever_that_is() {
    for wanted in
        ["is = 1\ntolerance = 1e300", "at_least = -1e300", "at_most = 1e300", "at_least = -1e300\nat_most = 1e300"]
    {
        let of = |row: i64| {
            let spec = format!("name = 'e'\nfrom = 'rows'\nwhere = {{ row = {row} }}\nvalue = 'r'\n{wanted}");
            let expected: Expectation = toml::from_str(&spec).unwrap();
            expectation::compare(&expected, &rows(), |_| None).unwrap()
        };
        assert_eq!(of(0).verdict, Verdict::Agree, "{wanted}");
        for (row, shown) in [(1, "NaN"), (4, "null")] {
            let compared = of(row);
            assert_eq!((compared.verdict, compared.shown().as_str()), (Verdict::Differ, shown), "{wanted}");
        }
    }
}
