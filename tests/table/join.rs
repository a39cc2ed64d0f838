//! `join`: rows of another frame beside those that have the same values.

use ablate::spec::{JoinHow, Table};
use ablate::table;
use polars::prelude::*;
use proptest::prelude::*;

fn spec(join: &str) -> Table {
    toml::from_str(&format!("name = 't'\nfrom = 'rows'\njoin = {{ with = 'others', {join} }}")).unwrap()
}

fn rows() -> DataFrame {
    df!(
        "operator" => ["*", "+", "-", "+"],
        "k" => [20i64, 5, 5, 20],
        "mean" => [0.1, 0.2, 0.3, 0.4],
    )
    .unwrap()
}

fn others() -> DataFrame {
    df!(
        "k" => [20u32, 5, 5, 7],
        "operator" => ["+", "+", "+", "-"],
        "mean" => [Some(1.0), None, Some(3.0), Some(4.0)],
        "seed" => [1i64, 2, 3, 4],
    )
    .unwrap()
}

fn joined(join: &str) -> DataFrame {
    table::build(&spec(join), &rows(), Some(&others())).unwrap().frame
}

fn names(frame: &DataFrame) -> Vec<String> {
    frame.get_column_names().iter().map(|name| name.to_string()).collect()
}

fn numbers(frame: &DataFrame, name: &str) -> Vec<Option<f64>> {
    frame.column(name).unwrap().cast(&DataType::Float64).unwrap().f64().unwrap().iter().collect()
}

#[test]
fn rows_keep_the_order_of_the_left_and_each_match_has_its_own() {
    let inner = joined("on = ['operator', 'k']");
    assert_eq!(names(&inner), ["operator", "k", "mean", "mean_right", "seed"]);
    assert_eq!(numbers(&inner, "mean"), [Some(0.2), Some(0.2), Some(0.4)]);
    assert_eq!(numbers(&inner, "mean_right"), [None, Some(3.0), Some(1.0)]);
    let left = joined("on = ['operator', 'k'], how = 'left', suffix = ' of others'");
    assert_eq!(numbers(&left, "k"), [Some(20.0), Some(5.0), Some(5.0), Some(5.0), Some(20.0)]);
    assert_eq!(numbers(&left, "seed"), [None, Some(2.0), Some(3.0), None, Some(1.0)]);
    assert!(names(&left).contains(&"mean of others".to_string()));
    let semi = joined("on = ['operator', 'k'], how = 'semi'");
    assert_eq!(names(&semi), ["operator", "k", "mean"]);
    assert_eq!(numbers(&semi, "mean"), [Some(0.2), Some(0.4)], "once, however many match");
}

#[test]
fn the_columns_that_it_brings_can_be_used() {
    let mut table = spec("on = ['operator', 'k']");
    table.derive.insert("drop".into(), "mean_right - mean".parse().unwrap());
    table.sort = vec!["drop".into()];
    table.select = vec!["seed".into(), "drop".into()];
    let made = table::build(&table, &rows(), Some(&others())).unwrap().frame;
    assert_eq!(numbers(&made, "seed"), [Some(1.0), Some(3.0), Some(2.0)], "a null is last");
    let columns = table::check(&table, &rows(), Some(&others())).unwrap().unwrap();
    assert_eq!((columns.height(), names(&columns)), (0, vec!["seed".to_string(), "drop".to_string()]));
}

#[test]
fn nulls_match_nothing_and_numbers_match_as_numbers() {
    let table = spec("on = ['x']");
    let left = df!("x" => [None, Some(1i64), Some(2)], "row" => [0i32, 1, 2]).unwrap();
    let right = df!("x" => [Some(2.0), None, Some(1.5)], "other" => [0i32, 1, 2]).unwrap();
    let made = table::build(&table, &left, Some(&right)).unwrap().frame;
    assert_eq!((numbers(&made, "row"), numbers(&made, "other")), (vec![Some(2.0)], vec![Some(0.0)]));
    assert_eq!(made.column("x").unwrap().dtype(), &DataType::Int64, "the table's own column stays");
}

#[test]
fn what_is_wrong_is_said_before_there_are_rows() {
    let refused = |join: &str| table::check(&spec(join), &rows(), Some(&others())).expect_err("accepted").to_string();
    let text = refused("on = ['operatr', 'seed', 'mean']");
    assert!(text.contains("join.on.0: no column 'operatr'; write 'operator'"), "{text}");
    assert!(text.contains("join.on.1: no column 'seed'"), "{text}");
    assert!(!text.contains("join.on.2"), "{text}");
    let text = table::check(&spec("on = ['mean']"), &rows(), Some(&df!("men" => [1.0]).unwrap())).unwrap_err();
    assert!(text.to_string().contains("join.on.0: in 'others': no column 'mean'; write 'men'"), "{text}");
    let text = table::check(&spec("on = ['k']"), &rows(), Some(&df!("k" => ["20"]).unwrap())).unwrap_err();
    let wanted = "join.on.0: column 'k' holds numbers; the rows that are joined have text there";
    assert!(text.to_string().contains(wanted), "{text}");
    let right = df!("k" => [1i64], "mean" => [1.0], "mean_right" => [1.0]).unwrap();
    let text = table::check(&spec("on = ['k']"), &rows(), Some(&right)).unwrap_err().to_string();
    assert!(text.contains("join.suffix: the table would have two columns 'mean_right'"), "{text}");
}

#[test]
fn a_join_of_everything_with_everything_is_refused() {
    let same = |name: &str| df!("x" => vec![0i64; 8000], name => vec![0i64; 8000]).unwrap();
    let text = table::build(&spec("on = ['x']"), &same("a"), Some(&same("b"))).unwrap_err().to_string();
    assert!(text.contains("join: the join would have 64000000 rows"), "{text}");
    let kept = table::build(&spec("on = ['x'], how = 'semi'"), &same("a"), Some(&same("b"))).unwrap().frame;
    assert_eq!(kept.height(), 8000);
}

type Key = (Option<i64>, Option<String>);

fn keys() -> impl Strategy<Value = Vec<Key>> {
    let text = proptest::option::weighted(0.9, "[ab]".prop_map(String::from));
    proptest::collection::vec((proptest::option::weighted(0.9, 0i64..3), text), 0..12)
}

fn frame(keys: &[Key], row: &str) -> DataFrame {
    let numbers: Vec<Option<i64>> = keys.iter().map(|key| key.0).collect();
    let texts: Vec<Option<String>> = keys.iter().map(|key| key.1.clone()).collect();
    df!("n" => numbers, "t" => texts, row => (0..keys.len() as i64).collect::<Vec<_>>()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Against every pair of rows, one after the other.
    #[test]
    fn it_is_what_two_loops_find(left in keys(), right in keys()) {
        for (how, written) in [(JoinHow::Inner, "inner"), (JoinHow::Left, "left"), (JoinHow::Semi, "semi")] {
            let mut wanted: Vec<(usize, Option<usize>)> = Vec::new();
            for (row, key) in left.iter().enumerate() {
                let whole = key.0.is_some() && key.1.is_some();
                let matching: Vec<usize> = (0..right.len()).filter(|&other| whole && right[other] == *key).collect();
                match (how, matching.as_slice()) {
                    (JoinHow::Left, []) => wanted.push((row, None)),
                    (JoinHow::Semi, [_, ..]) => wanted.push((row, None)),
                    (JoinHow::Semi, []) => {}
                    (_, matching) => wanted.extend(matching.iter().map(|&other| (row, Some(other)))),
                }
            }
            let table = spec(&format!("on = ['n', 't'], how = '{written}'"));
            let made = table::build(&table, &frame(&left, "row"), Some(&frame(&right, "other"))).unwrap().frame;
            let rows: Vec<Option<f64>> = wanted.iter().map(|(row, _)| Some(*row as f64)).collect();
            prop_assert_eq!(numbers(&made, "row"), rows);
            if how != JoinHow::Semi {
                let others: Vec<Option<f64>> = wanted.iter().map(|(_, other)| other.map(|other| other as f64)).collect();
                prop_assert_eq!(numbers(&made, "other"), others);
            }
        }
    }
}
