//! Places in prompts: in the order of the prompt, and attention that a causal model cannot have.

use super::{drawing, texts};
use ablate::figure::{Drawing, Item};
use polars::prelude::*;

/// The words among these, from left to right within each row of them, the upper row first.
fn across<'d>(drawing: &'d Drawing, words: &[&str]) -> Vec<&'d str> {
    let mut found: Vec<_> = drawing.scene.texts().filter(|text| words.contains(&text.text.as_str())).collect();
    found.sort_by(|a, b| (a.at.1.round(), a.at.0).partial_cmp(&(b.at.1.round(), b.at.0)).unwrap());
    found.into_iter().map(|text| text.text.as_str()).collect()
}

fn two_templates() -> DataFrame {
    df!(
        "template" => ["ABBA", "ABBA", "ABBA", "BABA", "BABA", "BABA"],
        "position" => ["io", "and", "s", "s", "and", "io"],
        "layer" => [0i64; 6],
        "e" => [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    )
    .unwrap()
}

#[test]
fn panels_of_two_templates_keep_each_its_own_order() {
    for body in [
        "kind = 'heatmap-grid'\nx = 'position'\ny = 'layer'\nvalue = 'e'\nfacet = 'template'",
        "kind = 'lines'\nx = 'position'\ny = 'e'\nfacet = 'template'",
        "kind = 'bars'\nx = 'position'\ny = 'e'\nfacet = 'template'",
    ] {
        let drawing = drawing(&format!("{body}\nwidth = 900\nheight = 300"), &two_templates());
        assert_eq!(across(&drawing, &["io", "and", "s"]), ["io", "and", "s", "s", "and", "io"], "{body}");
    }
}

/// A value is in the column of its place: the panel BABA grows from left to right as its rows do.
#[test]
fn values_are_at_their_own_places() {
    let drawing = drawing(
        "kind = 'heatmap-grid'\nx = 'position'\ny = 'layer'\nvalue = 'e'\nfacet = 'template'\nannotate = true\nwidth = 900\nheight = 300",
        &two_templates(),
    );
    let values = ["1.00", "2.00", "3.00", "4.00", "5.00", "6.00"];
    assert_eq!(across(&drawing, &values), values);
}

#[test]
fn panels_whose_orders_agree_share_one_axis() {
    let rows = df!(
        "template" => ["short", "short", "long", "long", "long"],
        "position" => ["a", "c", "a", "b", "c"],
        "layer" => [0i64; 5],
        "e" => [1.0, 2.0, 3.0, 4.0, 5.0],
    )
    .unwrap();
    let body = "kind = 'heatmap-grid'\nx = 'position'\ny = 'layer'\nvalue = 'e'\nfacet = 'template'\nwidth = 900\nheight = 300";
    assert_eq!(across(&drawing(body, &rows), &["a", "b", "c"]), ["a", "b", "c", "a", "b", "c"]);
}

fn attention(pairs: &[(&str, &str)]) -> DataFrame {
    df!(
        "query" => pairs.iter().map(|(query, _)| *query).collect::<Vec<_>>(),
        "key" => pairs.iter().map(|(_, key)| *key).collect::<Vec<_>>(),
        "e" => pairs.iter().enumerate().map(|(index, _)| index as f64 / 10.0).collect::<Vec<_>>(),
    )
    .unwrap()
}

/// Rectangles of the colour of cells without data.
fn grey(drawing: &Drawing) -> usize {
    let grey = |item: &&Item| matches!(item, Item::Rect(_, color) if color.rgb == (0xbd, 0xbd, 0xbd));
    drawing.scene.items.iter().filter(grey).count()
}

#[test]
fn attention_to_what_comes_later_is_masked() {
    let causal = [("a", "a"), ("op", "a"), ("op", "op"), ("b", "a"), ("b", "op"), ("b", "b")];
    for body in ["x = 'key'\ny = 'query'", "x = 'query'\ny = 'key'"] {
        let drawing = drawing(&format!("kind = 'heatmap'\n{body}\nvalue = 'e'"), &attention(&causal));
        assert!(texts(&drawing).contains(&"masked") && !texts(&drawing).contains(&"no data"), "{body}");
        // The ground of the panel alone, all of which is covered.
        assert_eq!(grey(&drawing), 1);
    }
}

#[test]
fn what_is_missing_below_the_diagonal_has_no_data() {
    let some = [("a", "a"), ("op", "a"), ("op", "op"), ("b", "op"), ("b", "b")];
    let drawing = drawing("kind = 'heatmap'\nx = 'key'\ny = 'query'\nvalue = 'e'", &attention(&some));
    assert!(texts(&drawing).contains(&"masked") && texts(&drawing).contains(&"no data"));
}

/// Rows of attention both ways are of no causal model: what is not there is not masked.
#[test]
fn attention_to_what_comes_later_is_shown_where_it_is_there() {
    let both = [("a", "a"), ("a", "op"), ("op", "op"), ("b", "a"), ("b", "b")];
    let drawing = drawing("kind = 'heatmap'\nx = 'key'\ny = 'query'\nvalue = 'e'", &attention(&both));
    assert!(!texts(&drawing).contains(&"masked") && texts(&drawing).contains(&"no data"));
}
