//! Labels that have an order, a sign, a size and a colour of their own.

use ablate::spec::step::HeuristicType;
use ablate::table::palette::{self, Palette};
use polars::prelude::*;

fn places(labels: &[&'static str]) -> Option<Vec<Option<usize>>> {
    let palette = Palette::of(labels.iter().copied())?;
    Some(labels.iter().map(|label| palette.place(label)).collect())
}

#[test]
fn operators_have_all_of_it_as_rows_write_them_and_as_readers_see_them() {
    assert_eq!(places(&["/", "+", "−", "*"]), Some([3, 0, 1, 2].map(Some).to_vec()));
    assert_eq!(["+", "-", "*", "/"].map(palette::shown), ["+", "−", "×", "÷"]);
    assert_eq!(["+", "−", "×", "÷"].map(palette::colour), [0, 1, 2, 3].map(Some));
    assert_eq!(["/", "÷"].map(palette::scale), [1.35; 2]);
    assert!(Palette::of_rows(["*", "-"]).is_some() && Palette::colours(["*", "-"]));
}

#[test]
fn types_of_heuristics_have_an_order_on_axes_alone() {
    let names = HeuristicType::ALL.map(HeuristicType::name);
    assert_eq!(places(&names), Some((0..names.len()).map(Some).collect()));
    assert!(Palette::of_rows(names).is_none() && !Palette::colours(names));
    assert_eq!((palette::shown(names[0]), palette::colour(names[0]), palette::scale(names[0])), (names[0], None, 1.0));
}

#[test]
fn labels_among_others_are_no_list() {
    assert_eq!((places(&["+", "words"]), places(&[])), (None, None));
    assert!(!Palette::colours(["+", "1"]));
    let texts = Column::new("operator".into(), [Some("-"), None, Some("+")]);
    let numbers = Column::new("operator".into(), [1, 2]);
    assert!(Palette::of_column(&texts).is_some() && Palette::of_column(&numbers).is_none());
    assert!(Palette::of_column(&Column::new("operator".into(), ["-", "words"])).is_none());
}
