//! The smallest k that reaches a share of the best: the rule, and the step.

use crate::intervene::spec::{ran, refused};
use ablate::measure::{Enough, enough};
use proptest::prelude::*;

#[test]
fn the_smallest_x_that_is_enough() {
    let some = |points: &[(f64, f64)], share: f64| {
        enough(points, share).map(|Enough { best, smallest }| (points[best].0, smallest.map(|index| points[index].0)))
    };
    assert_eq!(some(&[(0.0, 0.1), (5.0, 0.9), (10.0, 0.96), (20.0, 1.0)], 0.95), Some((20.0, Some(10.0))));
    // In any order; the share itself is enough.
    assert_eq!(some(&[(20.0, 1.0), (5.0, 0.5), (0.0, 0.1)], 0.5), Some((20.0, Some(5.0))));
    // Of equal best the smallest; one that falls again still counts.
    assert_eq!(some(&[(1.0, 0.2), (2.0, 1.0), (3.0, 0.1), (4.0, 1.0)], 1.0), Some((2.0, Some(2.0))));
    // What is no number is passed over.
    assert_eq!(
        some(&[(1.0, f64::NAN), (f64::NAN, 2.0), (2.0, f64::INFINITY), (3.0, 0.5)], 0.9),
        Some((3.0, Some(3.0)))
    );
    assert_eq!(some(&[(1.0, f64::NAN)], 0.9), None);
    assert_eq!(some(&[], 0.9), None);
    // A share of what is not above 0 means nothing.
    assert_eq!(some(&[(1.0, -2.0), (2.0, -1.0)], 0.5), Some((2.0, None)));
    assert_eq!(some(&[(1.0, 0.0), (2.0, -1.0)], 0.5), Some((1.0, None)));
}

proptest! {
    #[test]
    fn it_is_enough_and_nothing_smaller_is(
        points in prop::collection::vec((-10i32..10, -1.0f64..1.0), 1..20), share in 0.01f64..1.0,
    ) {
        let points: Vec<(f64, f64)> = points.into_iter().map(|(x, y)| (f64::from(x), y)).collect();
        let Some(Enough { best, smallest }) = enough(&points, share) else { unreachable!("there are numbers") };
        prop_assert!(points.iter().all(|(_, y)| *y <= points[best].1));
        match smallest {
            Some(index) => {
                prop_assert!(points[index].1 >= share * points[best].1);
                let smaller = points.iter().filter(|(x, _)| *x < points[index].0);
                prop_assert!(smaller.clone().all(|(_, y)| *y < share * points[best].1));
            }
            None => prop_assert!(points[best].1 <= 0.0),
        }
    }
}

const CIRCUITS: &str = r#"
[[step]]
name = "enough"
kind = "smallest"
from = "circuits"
measure = "accuracy"
share = 0.8

[[step]]
name = "circuits"
kind = "ablation"
mode = "keep"
value = "zero"
components = ["L*MLP"]
ranked = { from = "effects", k = [0, 4, 8, 12, 16] }
bootstrap = 0

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["z[head]"]
bootstrap = 0
"#;

#[test]
fn of_the_rows_of_a_step() {
    let ran = ran(CIRCUITS);
    let (operator, k, mean) =
        (ran.texts("circuits", "operator"), ran.numbers("circuits", "k"), ran.numbers("circuits", "mean"));
    let measure = ran.texts("circuits", "measure");
    assert_eq!(ran.texts("enough", "operator"), [Some("+".to_string()), Some("*".to_string())]);
    assert_eq!(ran.texts("enough", "measure"), vec![Some("accuracy".to_string()); 2]);
    for (index, name) in ["+", "*"].into_iter().enumerate() {
        let of = |row: &usize| operator[*row].as_deref() == Some(name) && measure[*row].as_deref() == Some("accuracy");
        let rows: Vec<usize> = (0..k.len()).filter(of).collect();
        assert_eq!(rows.len(), 5);
        let best = rows.iter().filter_map(|&row| mean[row]).fold(f64::MIN, f64::max);
        let first = rows.iter().find(|&&row| mean[row] >= Some(0.8 * best)).copied().unwrap();
        assert_eq!(ran.numbers("enough", "k")[index], k[first], "{name}");
        assert_eq!(ran.numbers("enough", "value")[index], mean[first]);
        assert_eq!(ran.numbers("enough", "best")[index], Some(best));
        assert_eq!(ran.numbers("enough", "share")[index], Some(0.8));
    }
}

#[test]
fn what_can_not_be_compared_is_refused_at_its_key() {
    let with = |from: &str, to: &str| {
        assert!(CIRCUITS.contains(from), "{from}");
        refused(&CIRCUITS.replacen(from, to, 1))
    };
    for (to, problem, place) in [
        ("x = \"kk\"", "no column 'kk'; write 'k'", "spec.toml:8:5"),
        ("y = \"operator\"", "column 'operator' holds text", "spec.toml:8:5"),
        ("y = \"k\"", "x and y are both 'k'", "spec.toml"),
        ("group_by = [\"operatr\"]", "no column 'operatr'; write 'operator'", "spec.toml:8:13"),
        ("group_by = [\"k\"]", "cannot tell groups apart", "spec.toml:8:13"),
        ("where = { operatr = \"+\" }", "no column 'operatr'", "spec.toml:8:21"),
        ("where = { k = \"few\" }", "column 'k' holds numbers", "spec.toml:8:15"),
        ("share = 1.5", "'share' = 1.5 is out of range", "spec.toml:8:9"),
    ] {
        let text = with("share = 0.8", to);
        assert!(text.contains(problem) && text.contains(place), "{to}: {text}");
    }
    // What only the rows show.
    let text = with("measure = \"accuracy\"", "");
    assert!(text.contains("'circuits' has rows of several measures, 'faithfulness', 'accuracy'"), "{text}");
    let text = with("share = 0.8", "group_by = [\"model\"]");
    assert!(text.contains("several rows with k = 0") && text.contains("model = model"), "{text}");
    let text = with("share = 0.8", "where = { operator = \"-\" }");
    assert!(text.contains("no row of 'circuits' meets all of these conditions"), "{text}");
    let text = with("from = \"circuits\"", "from = \"circuitss\"");
    assert!(text.contains("no step 'circuitss'") && text.contains("write \"circuits\""), "{text}");
}
