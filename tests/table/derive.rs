//! `derive`: columns reckoned from others.

use ablate::spec::Table;
use ablate::spec::arithmetic::BinaryOperation;
use ablate::table;
use polars::prelude::*;
use proptest::prelude::*;

fn spec(body: &str) -> Table {
    toml::from_str(&format!("name = 't'\nfrom = 'rows'\n{body}")).unwrap()
}

fn rows() -> DataFrame {
    df!(
        "before" => [1.0, 0.5, 0.0],
        "after" => [Some(0.25), None, Some(0.0)],
        "n" => [4u32, 2, 0],
        "correct" => [true, false, true],
        "ci low" => [0.1, 0.2, 0.3],
        "operator" => ["+", "-", "*"],
    )
    .unwrap()
}

fn derived(text: &str) -> Vec<Option<f64>> {
    let table = table::build(&spec(&format!("derive = {{ x = '{text}' }}")), &rows(), None).unwrap().frame;
    table.column("x").unwrap().f64().unwrap().iter().collect()
}

#[test]
fn arithmetic_of_columns_and_numbers() {
    assert_eq!(derived("before - after"), [Some(0.75), None, Some(0.0)]);
    assert_eq!(derived("-before * 2 + n"), [Some(2.0), Some(1.0), Some(0.0)]);
    assert_eq!(derived("(before + 1) / 2 - 1e-1"), [Some(0.9), Some(0.65), Some(0.4)]);
    assert_eq!(derived("1 - -(n)"), [Some(5.0), Some(3.0), Some(1.0)]);
    assert_eq!(derived("correct"), [Some(1.0), Some(0.0), Some(1.0)], "true is 1");
    assert_eq!(derived("`ci low` + 0"), [Some(0.1), Some(0.2), Some(0.3)]);
    assert_eq!(derived("7"), [Some(7.0); 3]);
    assert_eq!(derived("1 / n"), [Some(0.25), Some(0.5), Some(f64::INFINITY)]);
    assert!(derived("before / n")[2].unwrap().is_nan(), "0 / 0 is no number, and no null");
}

#[test]
fn one_may_use_those_above_and_what_follows_uses_them() {
    let body = "where = { before = '> 0' }
        group_by = ['correct']
        aggregate = { most = 'max(share)' }
        derive = { drop = 'before - 0.5', share = 'drop / before' }";
    let table = table::build(&spec(body), &rows(), None).unwrap().frame;
    assert_eq!(table.column("most").unwrap().f64().unwrap().iter().collect::<Vec<_>>(), [Some(0.5), Some(0.0)]);
}

#[test]
fn wrong_columns_are_all_named_before_there_are_rows() {
    let refused =
        |derive: &str| table::check(&spec(&format!("derive = {derive}")), &rows(), None).unwrap_err().to_string();
    let text = refused("{ a = 'befor - 1', b = 'operator + 1', c = 'a + 1', n = '1' }");
    for expected in [
        "derive.a: no column 'befor'; write 'before'",
        "derive.b: column 'operator' holds text; arithmetic needs numbers",
        "derive.n: the table would have two columns 'n'; choose another name",
    ] {
        assert!(text.contains(expected), "{expected} not in {text}");
    }
    assert!(!text.contains("derive.c"), "what it reads is refused already: {text}");
    let columns = table::check(&spec("derive = { x = 'before * n' }"), &rows(), None).unwrap().unwrap();
    assert_eq!((columns.height(), columns.column("x").unwrap().dtype()), (0, &DataType::Float64));
}

/// An expression as a tree, evaluated by recursion.
#[derive(Debug, Clone)]
enum Tree {
    Number(f64),
    Column(usize),
    Negate(Box<Tree>),
    Binary(BinaryOperation, Box<Tree>, Box<Tree>),
}

const COLUMNS: [(&str, f64); 3] = [("a", 3.0), ("b.x_1", -0.5), ("`c d`", 7.25)];

impl Tree {
    fn value(&self) -> f64 {
        match self {
            Tree::Number(number) => *number,
            Tree::Column(index) => COLUMNS[*index].1,
            Tree::Negate(of) => -of.value(),
            Tree::Binary(operation, a, b) => operation.of(a.value(), b.value()),
        }
    }

    /// The text with no more parentheses than it needs.
    fn text(&self, around: u8) -> String {
        let (text, own) = match self {
            Tree::Number(number) => (number.to_string(), 4),
            Tree::Column(index) => (COLUMNS[*index].0.to_string(), 4),
            Tree::Negate(of) => (format!("-{}", of.text(3)), 3),
            Tree::Binary(operation, a, b) => {
                let (sign, own) = match operation {
                    BinaryOperation::Add => ("+", 1),
                    BinaryOperation::Subtract => (" - ", 1),
                    BinaryOperation::Multiply => ("*", 2),
                    BinaryOperation::Divide => (" /", 2),
                };
                (format!("{}{sign}{}", a.text(own), b.text(own + 1)), own)
            }
        };
        if own < around { format!("({text})") } else { text }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        (0u32..1000).prop_map(|number| Tree::Number(f64::from(number) / 8.0)),
        (0..COLUMNS.len()).prop_map(Tree::Column),
    ];
    leaf.prop_recursive(6, 40, 2, |inner| {
        let operation = prop_oneof![
            Just(BinaryOperation::Add),
            Just(BinaryOperation::Subtract),
            Just(BinaryOperation::Multiply),
            Just(BinaryOperation::Divide)
        ];
        prop_oneof![
            inner.clone().prop_map(|of| Tree::Negate(Box::new(of))),
            (operation, inner.clone(), inner).prop_map(|(o, a, b)| Tree::Binary(o, Box::new(a), Box::new(b))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn precedence_and_order_are_those_of_arithmetic(tree in tree()) {
        let rows = df!("a" => [COLUMNS[0].1], "b.x_1" => [COLUMNS[1].1], "c d" => [COLUMNS[2].1]).unwrap();
        let mut spec = spec("");
        spec.derive.insert("x".into(), tree.text(0).parse().unwrap());
        let table = table::build(&spec, &rows, None).unwrap().frame;
        let found = table.column("x").unwrap().f64().unwrap().get(0).unwrap();
        let wanted = tree.value();
        prop_assert!(found == wanted || (found.is_nan() && wanted.is_nan()), "{}: {found}, not {wanted}", tree.text(0));
    }
}
