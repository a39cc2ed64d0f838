//! Colour scales: which of them diverge, and where zero is in them.

use super::drawing;
use ablate::figure::{Drawing, Item};
use polars::prelude::*;

/// The colours of the cells, in their order along the row.
fn colours(keys: &str, values: &[f64]) -> Vec<(u8, u8, u8)> {
    let rows = df!("x" => (0..values.len() as i64).collect::<Vec<_>>(), "y" => vec!["r"; values.len()], "e" => values);
    let keys = format!("kind = 'heatmap'\nx = 'x'\ny = 'y'\nvalue = 'e'\nannotate = false\n{keys}");
    cells(&drawing(&keys, &rows.unwrap()))
}

/// The widest rectangles but the page and the panel, from left to right.
fn cells(drawing: &Drawing) -> Vec<(u8, u8, u8)> {
    let rects = drawing.scene.items.iter().filter_map(|item| match item {
        Item::Rect(area, color) if area.width() > 20.0 => Some((*area, color.rgb)),
        _ => None,
    });
    let mut rects: Vec<_> = rects.skip(2).collect();
    rects.sort_by(|(a, _), (b, _)| a.x0.total_cmp(&b.x0));
    rects.into_iter().map(|(_, rgb)| rgb).collect()
}

const YELLOW: (u8, u8, u8) = (0xfd, 0xe7, 0x25);
const RED: (u8, u8, u8) = (0x67, 0x00, 0x1f);
const BLUE: (u8, u8, u8) = (0x05, 0x30, 0x61);

/// The seeds of one spec, whose least values are 0 and a hair below: all have one kind of scale.
#[test]
fn a_hair_below_zero_does_not_make_a_scale_diverge() {
    for least in [0.0, -0.0015, -0.006, -0.015, -0.9] {
        assert_eq!(colours("", &[least, 5.0, 13.3])[2], YELLOW, "{least}");
        // Above zero it is the same.
        assert_ne!(colours("", &[-least, -5.0, -13.3])[2], BLUE, "{least}");
    }
    assert_eq!(colours("", &[-1.4, 5.0, 13.3])[2], RED);
    assert_eq!(colours("", &[1.4, -5.0, -13.3])[2], BLUE);
}

#[test]
fn a_spec_decides_otherwise() {
    assert_eq!(colours("diverging = true", &[-0.01, 13.0])[1], RED);
    assert_eq!(colours("diverging = false", &[-13.0, 13.0])[1], YELLOW);
    // A range that is given says which signs matter.
    assert_eq!(colours("value_range = [-1, 1]", &[0.2, 1.0])[1], RED);
    assert_eq!(colours("value_range = [0, 1]", &[-0.2, 1.0])[1], YELLOW);
}

#[test]
fn zero_is_white_in_a_diverging_scale_whatever_its_ends() {
    let found = colours("diverging = true\nvalue_range = [-1, 4]", &[-1.0, 0.0, 4.0]);
    let (zero, least) = (found[1], found[0]);
    assert!(zero.0 > 0xf0 && zero.1 > 0xf0 && zero.2 > 0xf0, "{zero:?}");
    // A quarter as far from zero as the other end, it is a light blue.
    assert!(least.2 > least.0 && least.0 > 0x80, "{least:?}");
    assert_eq!(found[2], RED);
}
