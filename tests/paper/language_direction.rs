//! The committed numbers of experiments/language-direction beside plain hooks on transformers' modules
//! (tests/fixtures/papers/language_direction.py).

use crate::support::repository;
use serde_json::Value;

fn table(name: &str) -> Vec<Vec<String>> {
    let path = repository(&format!("results/language-direction/language/tables/{name}.csv"));
    let text = std::fs::read_to_string(path).expect("a table");
    text.lines().map(|line| line.split(',').map(String::from).collect()).collect()
}

fn cell(rows: &[Vec<String>], of: impl Fn(&[String]) -> bool, column: &str) -> f64 {
    let index = rows[0].iter().position(|name| name == column).expect("a column");
    let row = rows[1..].iter().find(|row| of(row)).expect("a row");
    row[index].parse().expect("a number")
}

#[test]
fn a_direction_and_what_adding_it_does_are_those_of_plain_hooks() {
    let text = std::fs::read_to_string(repository("tests/fixtures/papers/language_direction.json")).expect("a fixture");
    let fixture: Value = serde_json::from_str(&text).expect("JSON");
    let near = |found: f64, expected: &Value| {
        let expected = expected.as_f64().expect("a number");
        assert!((found - expected).abs() < 1e-3, "{found} is not {expected}");
    };
    near(cell(&table("direction"), |_| true, "norm"), &fixture["norm"]);
    let rows = table("added");
    for language in ["french", "english"] {
        let of = |row: &[String]| row.iter().any(|cell| cell == language) && row.iter().any(|cell| cell == "one");
        near(cell(&rows, of, "baseline"), &fixture["clean"][language]);
        near(cell(&rows, of, "mean"), &fixture["added"][language]);
    }
}
