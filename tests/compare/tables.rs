//! Laws of the comparison of two tables.

use ablate::compare::{Likeness, TableDifference, Tolerance, tables};
use polars::prelude::*;
use proptest::prelude::*;

fn compare(a: &DataFrame, b: &DataFrame) -> TableDifference {
    tables(a, b, &[], Tolerance::SINGLE).expect("columns that can be read")
}

/// Rows of a step, with equal ones among them, nulls, NaN and infinities.
fn frames() -> impl Strategy<Value = DataFrame> {
    let number = || {
        prop_oneof![
            8 => (-1e6f64..1e6).prop_map(Some),
            1 => Just(Some(f64::NAN)),
            1 => Just(Some(f64::INFINITY)),
            1 => Just(None),
        ]
    };
    let row = ("[ab]", 0i64..3, proptest::option::of("[xy]{1,2}"), number(), number(), any::<bool>());
    proptest::collection::vec(row, 0..24).prop_map(|rows| {
        df!(
            "operator" => rows.iter().map(|row| row.0.clone()).collect::<Vec<_>>(),
            "layer" => rows.iter().map(|row| row.1).collect::<Vec<_>>(),
            "type" => rows.iter().map(|row| row.2.clone()).collect::<Vec<_>>(),
            "effect" => rows.iter().map(|row| row.3).collect::<Vec<_>>(),
            "share" => rows.iter().map(|row| row.4).collect::<Vec<_>>(),
            "correct" => rows.iter().map(|row| row.5).collect::<Vec<_>>(),
        )
        .expect("columns of one length")
    })
}

/// The same with a column that tells the rows apart.
fn numbered(frame: &DataFrame) -> DataFrame {
    let mut frame = frame.clone();
    let rows = (0..frame.height() as i64).collect::<Vec<_>>();
    frame.with_column(Column::new("number".into(), rows)).expect("as many").clone()
}

fn taken(frame: &DataFrame, rows: &[usize]) -> DataFrame {
    let rows = IdxCa::from_vec("rows".into(), rows.iter().map(|&row| row as IdxSize).collect());
    frame.take(&rows).expect("rows that are there")
}

/// A permutation of as many as there are, from any numbers.
fn permutation(len: usize, seeds: &[u32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by_key(|&row| (seeds[row % seeds.len()].wrapping_mul(row as u32 + 7), row));
    order
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_is_like_itself(frame in frames()) {
        let difference = compare(&frame, &frame);
        prop_assert_eq!(difference.verdict(), Likeness::Identical);
        prop_assert!(!difference.rows_moved && !difference.columns_moved);
    }

    #[test]
    fn order_makes_no_difference(frame in frames(), seeds in proptest::collection::vec(any::<u32>(), 24..25)) {
        let mut moved = taken(&frame, &permutation(frame.height(), &seeds));
        let columns = moved.get_column_names_owned();
        let order = permutation(columns.len(), &seeds);
        moved = moved.select(order.iter().map(|&at| columns[at].clone())).expect("columns that are there");
        let difference = compare(&frame, &moved);
        prop_assert_eq!(difference.verdict(), Likeness::Identical);
        prop_assert!(difference.columns.is_empty() && difference.only_rows == [0, 0], "{:?}", difference);
        prop_assert_eq!(difference.columns_moved, !order.is_sorted());
    }

    #[test]
    fn neither_side_is_the_first(a in frames(), b in frames()) {
        let (there, back) = (compare(&a, &b), compare(&b, &a));
        prop_assert_eq!(there.verdict(), back.verdict());
        prop_assert_eq!(&there.keys, &back.keys);
        prop_assert_eq!([there.only_rows[1], there.only_rows[0]], back.only_rows);
        for column in &there.columns {
            let other = back.columns.iter().find(|other| other.name == column.name).expect("both ways");
            prop_assert_eq!((column.changed, column.beyond, column.largest), (other.changed, other.beyond, other.largest));
        }
    }

    #[test]
    fn a_changed_cell_is_found_and_named(frame in frames(), at in any::<prop::sample::Index>(), second in any::<bool>()) {
        prop_assume!(frame.height() > 0);
        let frame = numbered(&frame);
        let (row, name) = (at.index(frame.height()), if second { "share" } else { "effect" });
        let mut values: Vec<Option<f64>> = frame.column(name).unwrap().f64().unwrap().iter().collect();
        let before = values[row];
        values[row] = before.filter(|value| value.is_finite()).map_or(Some(0.5), |value| Some(value + 0.1 + value.abs()));
        let mut changed = frame.clone();
        changed.with_column(Column::new(name.into(), values.clone())).unwrap();
        let difference = tables(&frame, &changed, &["number".to_string()], Tolerance::SINGLE).unwrap();
        prop_assert_eq!(difference.verdict(), Likeness::Differs);
        let columns: Vec<_> = difference.columns.iter().map(|column| (column.name.as_str(), column.beyond)).collect();
        prop_assert_eq!(columns, [(name, 1)]);
        let cell = &difference.columns[0].worst[0];
        prop_assert!(difference.keys.is_empty() == (frame.height() == 1));
        if frame.height() > 1 {
            prop_assert_eq!(&cell.key, &vec![("number".to_string(), row.to_string())]);
        }
        prop_assert_eq!(cell.values[1].parse::<f64>().ok(), values[row]);
    }
}

fn one(name: &str, a: impl IntoColumn, b: impl IntoColumn) -> TableDifference {
    let frame = |column: Column| {
        let rows = (0..column.len() as i64).collect::<Vec<_>>();
        DataFrame::new_infer_height(vec![Column::new("row".into(), rows), column.with_name(name.into())]).unwrap()
    };
    compare(&frame(a.into_column()), &frame(b.into_column()))
}

fn floats(values: &[Option<f64>]) -> Column {
    Column::new("x".into(), values)
}

fn texts(values: &[&str]) -> Column {
    Column::new("x".into(), values)
}

#[test]
fn computed_numbers_agree_within_the_tolerance() {
    let verdict = |a: f64, b: f64| one("x", floats(&[Some(a)]), floats(&[Some(b)])).verdict();
    assert_eq!(verdict(1000.0, 1000.0), Likeness::Identical);
    assert_eq!(verdict(0.0, -0.0), Likeness::Identical);
    assert_eq!(verdict(1000.0, 1000.09), Likeness::WithinTolerance);
    assert_eq!(verdict(1000.0, 1000.11), Likeness::Differs);
    assert_eq!(verdict(0.0, 0.9e-6), Likeness::WithinTolerance);
    assert_eq!(verdict(0.0, 1.1e-6), Likeness::Differs);
    assert_eq!(verdict(f64::NAN, f64::NAN), Likeness::Identical);
    assert_eq!(verdict(f64::NAN, 1.0), Likeness::Differs);
    assert_eq!(verdict(f64::INFINITY, f64::INFINITY), Likeness::Identical);
    assert_eq!(verdict(f64::INFINITY, f64::MAX), Likeness::Differs);
    assert_eq!(verdict(f64::INFINITY, f64::NEG_INFINITY), Likeness::Differs);
}

#[test]
fn a_null_is_no_nan() {
    let null = one("x", floats(&[None, Some(1.0)]), floats(&[Some(f64::NAN), Some(1.0)]));
    assert_eq!((null.verdict(), null.columns[0].beyond), (Likeness::Differs, 1));
    assert_eq!(null.columns[0].worst[0].values, ["null", "NaN"]);
    assert_eq!(one("x", floats(&[None]), floats(&[None])).verdict(), Likeness::Identical);
    // Of a column without values CSV does not say what it would hold.
    let empty = Column::new("x".into(), [None::<&str>, None]);
    assert_eq!(one("x", empty.clone(), floats(&[None, None])).verdict(), Likeness::Identical);
    assert_eq!(one("x", empty, floats(&[None, Some(0.0)])).verdict(), Likeness::Differs);
}

#[test]
fn whole_numbers_and_text_are_the_same_or_not() {
    let counts = one("n", Column::new("x".into(), [5046i64, 7]), Column::new("x".into(), [5047i64, 7]));
    assert_eq!((counts.verdict(), counts.columns[0].largest), (Likeness::Differs, Some(1.0)));
    assert_eq!(counts.columns[0].worst[0].difference, Some(1.0));
    assert_eq!(one("x", texts(&["7"]), texts(&["007"])).verdict(), Likeness::Differs, "digits are text");
    assert_eq!(one("x", texts(&["1e5"]), texts(&["100000.0"])).verdict(), Likeness::Identical, "numbers are numbers");
    assert_eq!(one("x", texts(&["1.0", "2.5"]), texts(&["1.0000001", "2.5"])).verdict(), Likeness::WithinTolerance);
    assert_eq!(one("x", texts(&["123456789", "a"]), texts(&["123456788", "a"])).verdict(), Likeness::Differs);
    assert_eq!(one("x", texts(&["123456789"]), texts(&["123456788"])).verdict(), Likeness::Differs);
    let large = ["9007199254740992", "9007199254740993"];
    assert_eq!(one("x", texts(&large[..1]), texts(&large[1..])).verdict(), Likeness::Differs, "which are one f64");
    assert_eq!(one("x", texts(&["nothing"]), floats(&[Some(1.0)])).verdict(), Likeness::Differs);
}

#[test]
fn rows_and_columns_of_one_side_are_named() {
    let a = df!("operator" => ["+", "-", "*"], "n" => [1i64, 2, 3], "rate" => [0.1, 0.2, 0.3]).unwrap();
    let b = df!("operator" => ["*", "+", "/"], "n" => [3i64, 1, 2], "ratio" => [0.3, 0.1, 0.2]).unwrap();
    let difference = compare(&a, &b);
    assert_eq!(difference.keys, ["operator"]);
    assert_eq!(difference.only_columns, [vec!["rate".to_string()], vec!["ratio".to_string()]]);
    assert_eq!(difference.only_rows, [1, 1]);
    let key = |value: &str| vec![vec![("operator".to_string(), value.to_string())]];
    assert_eq!(difference.named_rows, [key("-"), key("/")]);
    assert!(difference.rows_moved && difference.columns.is_empty());
    assert_eq!(difference.verdict(), Likeness::Differs);
}

#[test]
fn equal_rows_are_told_apart_by_their_numbers() {
    let a = df!("layer" => [0i64, 0, 0], "effect" => [1.0, 2.0, 3.0]).unwrap();
    let b = df!("layer" => [0i64, 0, 0], "effect" => [3.0, 1.0, 2.5]).unwrap();
    let difference = compare(&a, &b);
    assert_eq!((difference.columns[0].changed, difference.columns[0].largest), (1, Some(0.5)));
    // A row that is twice on one side is missing once on the other.
    let twice = df!("layer" => [0i64, 0, 0, 0], "effect" => [1.0, 2.0, 3.0, 3.0]).unwrap();
    assert_eq!(compare(&a, &twice).only_rows, [0, 1]);
}
