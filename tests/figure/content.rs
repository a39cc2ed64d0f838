use super::drawing;
use ablate::figure::{Area, Drawing, Item, Text};
use polars::prelude::*;

const PLUS: (u8, u8, u8) = (0x00, 0x72, 0xb2);
const MINUS: (u8, u8, u8) = (0xd5, 0x5e, 0x00);
const TIMES: (u8, u8, u8) = (0x00, 0x9e, 0x73);
const DIVIDE: (u8, u8, u8) = (0xcc, 0x79, 0xa7);
const MISSING: (u8, u8, u8) = (0xbd, 0xbd, 0xbd);

fn rects(drawing: &Drawing, rgb: (u8, u8, u8)) -> Vec<Area> {
    let rect = |item: &Item| match item {
        Item::Rect(area, color) if color.rgb == rgb => Some(*area),
        _ => None,
    };
    drawing.scene.items.iter().filter_map(rect).collect()
}

fn text<'d>(drawing: &'d Drawing, wanted: &str) -> &'d Text {
    let found: Vec<&Text> = drawing.scene.texts().filter(|text| text.text == wanted).collect();
    assert_eq!(found.len(), 1, "'{wanted}' is there {} times", found.len());
    found[0]
}

/// Centre of a text's box.
fn centre(text: &Text) -> (f64, f64) {
    let area = text.area();
    ((area.x0 + area.x1) / 2.0, (area.y0 + area.y1) / 2.0)
}

fn accuracy() -> DataFrame {
    df!(
        "operator" => ["/", "*", "+", "-", "+"],
        "rate" => [0.25, 0.75, 0.9, 0.5, 1.0],
        "low" => [0.2, 0.7, 0.85, 0.45, 0.95],
        "high" => [0.3, 0.8, 0.95, 0.55, 1.0],
    )
    .unwrap()
}

#[test]
fn bars_stand_in_the_operators_order_with_their_colours_and_are_as_high_as_the_mean() {
    let drawing =
        drawing("kind = 'bars'\nx = 'operator'\ny = 'rate'\nband = ['low', 'high']\ny_range = [0.0, 1.0]", &accuracy());
    let bars: Vec<Area> = [PLUS, MINUS, TIMES, DIVIDE].map(|rgb| rects(&drawing, rgb)[0]).to_vec();
    assert!(bars.windows(2).all(|pair| pair[0].x1 < pair[1].x0));
    let full = bars[0].height() / 0.95;
    for (bar, rate) in bars.iter().zip([0.95, 0.5, 0.75, 0.25]) {
        assert!((bar.height() / full - rate).abs() < 1e-9);
        assert_eq!(bar.y1, bars[0].y1);
    }
    for (bar, sign) in bars.iter().zip(["+", "−", "×", "÷"]) {
        assert!((centre(text(&drawing, sign)).0 - (bar.x0 + bar.x1) / 2.0).abs() < 0.01);
    }
}

#[test]
fn negative_bars_hang_from_zero() {
    let rows = df!("h" => ["a", "b"], "drop" => [0.5, -0.25]).unwrap();
    let drawing = drawing("kind = 'bars'\nx = 'h'\ny = 'drop'", &rows);
    let bars = rects(&drawing, PLUS);
    assert_eq!(bars.len(), 2);
    assert_eq!(bars[0].y1, bars[1].y0);
    assert!((bars[0].height() - 2.0 * bars[1].height()).abs() < 1e-9);
}

#[test]
fn lines_take_the_operators_colours_whatever_the_order_of_rows() {
    let rows = df!("operator" => ["*", "*", "+", "+"], "k" => [1i64, 10, 1, 10], "f" => [0.1, 0.2, 0.3, 0.4]).unwrap();
    let drawing = drawing("kind = 'lines'\nx = 'k'\ny = 'f'\nseries = 'operator'\nx_scale = 'log'", &rows);
    let lines = drawing.scene.items.iter().filter_map(|item| match item {
        Item::Line { color, width, .. } if *width == 1.8 => Some(color.rgb),
        _ => None,
    });
    assert_eq!(lines.collect::<Vec<_>>(), [PLUS, TIMES]);
    let (one, ten) = (centre(text(&drawing, "1")), centre(text(&drawing, "10")));
    assert!(one.0 < ten.0 && (one.1 - ten.1).abs() < 1e-9);
}

#[test]
fn a_log_axis_leaves_out_zero_and_says_so() {
    let rows = df!("k" => [0i64, 1, 10, 100], "f" => [0.5, 0.1, 0.2, 0.3]).unwrap();
    let drawing = drawing("kind = 'lines'\nx = 'k'\ny = 'f'\nx_scale = 'log'", &rows);
    assert_eq!(drawing.notes, ["1 point is not drawn: k is zero or less, on a logarithmic axis"]);
}

#[test]
fn layers_grow_upwards_and_text_reads_down() {
    let rows = df!("layer" => [0i64, 1], "position" => ["a", "op"], "e" => [1.0, 2.0]).unwrap();
    let up = drawing(
        "kind = 'heatmap'\nx = 'position'\ny = 'layer'\nvalue = 'e'\nannotate = false\nvalue_range = [10, 20]",
        &rows,
    );
    assert!(centre(text(&up, "0")).1 > centre(text(&up, "1")).1);
    let down = drawing("kind = 'heatmap'\nx = 'layer'\ny = 'position'\nvalue = 'e'", &rows);
    assert!(centre(text(&down, "a")).1 < centre(text(&down, "op")).1);
}

#[test]
fn a_cell_without_rows_is_grey() {
    let rows = df!("layer" => [0i64, 1, 1], "head" => [0i64, 0, 1], "e" => [1.0, 1.5, 2.0]).unwrap();
    let drawing = drawing("kind = 'heatmap'\nx = 'head'\ny = 'layer'\nvalue = 'e'", &rows);
    // The grey beneath the cells and the swatch that explains it.
    assert_eq!(rects(&drawing, MISSING).len(), 2);
    text(&drawing, "no data");
}

#[test]
fn values_are_averaged_first_and_transformed_then() {
    let rows = df!("x" => ["a", "a", "b"], "y" => ["r", "r", "r"], "e" => [1.0, 3.0, -2.0]).unwrap();
    let drawing = drawing("kind = 'heatmap'\nx = 'x'\ny = 'y'\nvalue = 'log1p(e)'\nannotate = true", &rows);
    // ln(1 + (1 + 3) / 2); the mean of the logarithms would be 1.04.
    text(&drawing, "1.10");
    text(&drawing, "log(1 + e)");
    assert_eq!(drawing.notes, ["1 cell is shown as missing: log1p(e) is not finite"]);
}

#[test]
fn a_scale_with_both_signs_diverges_about_zero() {
    let rows = df!("x" => ["a", "b", "c"], "y" => ["r", "r", "r"], "e" => [-1.0, 0.0, 4.0]).unwrap();
    let drawing = drawing("kind = 'heatmap'\nx = 'x'\ny = 'y'\nvalue = 'e'", &rows);
    // White at zero, blue below, red above: a quarter of the way down, blue is lighter than the end.
    let cells: Vec<(u8, u8, u8)> = drawing
        .scene
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Rect(area, color) if area.width() > 100.0 => Some(color.rgb),
            _ => None,
        })
        .skip(2)
        .collect();
    assert_eq!(cells.len(), 3);
    let [(r0, _, b0), (r1, g1, b1), (r2, _, b2)] = [cells[0], cells[1], cells[2]];
    assert!(b0 > r0 && r2 > b2);
    assert!(r1 > 0xf0 && g1 > 0xf0 && b1 > 0xf0);
}

#[test]
fn infinite_and_missing_values_are_grey_and_counted() {
    let rows = df!(
        "x" => [0i64, 1, 2, 3], "y" => ["r"; 4], "e" => [Some(f64::NAN), Some(f64::INFINITY), None, Some(1.0)],
    )
    .unwrap();
    let drawing = drawing("kind = 'heatmap'\nx = 'x'\ny = 'y'\nvalue = 'e'", &rows);
    assert_eq!(drawing.notes, ["2 cells are shown as missing: e is not finite"]);
    text(&drawing, "no data");
}

#[test]
fn panels_share_one_scale_and_one_pair_of_axes() {
    let rows = df!(
        "operator" => ["/", "+", "-", "*"], "a" => [0i64; 4], "b" => [0i64; 4], "e" => [1.0, 2.0, 3.0, 4.0],
    )
    .unwrap();
    let body = "kind = 'heatmap-grid'\nx = 'a'\ny = 'b'\nvalue = 'e'\nfacet = 'operator'\nx_title = 'first'\ny_title = 'second'";
    let drawing = drawing(body, &rows);
    let panels: Vec<(f64, f64)> = ["+", "−", "×", "÷"].map(|sign| centre(text(&drawing, sign))).to_vec();
    assert!(panels[0].0 < panels[1].0 && panels[2].0 < panels[3].0 && panels[0].1 < panels[2].1, "{panels:?}");
    text(&drawing, "first");
    text(&drawing, "second");
    let zeros = drawing.scene.texts().filter(|text| text.text == "0").count();
    assert_eq!(zeros, 4, "one label per column and row of panels");
}

#[test]
fn whole_numbers_have_whole_labels() {
    let rows = df!("k" => [1i64, 2, 3], "f" => [0.1, 0.2, 0.3]).unwrap();
    let drawing = drawing("kind = 'lines'\nx = 'k'\ny = 'f'\ny_range = [10, 20]", &rows);
    let below = text(&drawing, "2").at.1;
    let labels: Vec<&str> =
        drawing.scene.texts().filter(|text| text.at.1 == below).map(|text| text.text.as_str()).collect();
    assert_eq!(labels, ["1", "2", "3"]);
}

#[test]
fn one_point_is_a_marker_with_an_error_bar() {
    let rows = df!("x" => [3i64], "y" => [-2.5], "lo" => [-3.0], "hi" => [-2.0]).unwrap();
    let drawing = drawing("kind = 'lines'\nx = 'x'\ny = 'y'\nband = ['lo', 'hi']", &rows);
    let markers = drawing.scene.items.iter().filter(|item| matches!(item, Item::Marker { .. })).count();
    let bars = drawing.scene.items.iter().filter(|item| matches!(item, Item::Line { width, .. } if *width == 1.2));
    assert_eq!((markers, bars.count()), (1, 3));
}

#[test]
fn lines_and_bands_stay_within_the_panel() {
    let rows = df!("x" => [0i64, 1, 2, 3], "y" => [-5.0, 0.5, 7.0, 0.2], "lo" => [-9.0, 0.0, 5.0, -3.0], "hi" => [0.0, 1.0, 9.0, 3.0]);
    let drawing = drawing("kind = 'lines'\nx = 'x'\ny = 'y'\nband = ['lo', 'hi']\ny_range = [0, 1]", &rows.unwrap());
    let (top, bottom) = (centre(text(&drawing, "1.0")).1 - 1.0, centre(text(&drawing, "0.0")).1 + 1.0);
    for item in &drawing.scene.items {
        let points = match item {
            Item::Line { points, width, .. } if *width == 1.8 => points.clone(),
            Item::Polygon(points, _) => points.clone(),
            Item::Marker { at, .. } => vec![*at],
            _ => continue,
        };
        assert!(points.iter().all(|point| (top..=bottom).contains(&point.1)), "{item:?} {top} {bottom}");
    }
}

/// Series × style: one colour per series, the first style whole, the second in long strokes, the third in short ones.
/// At any height of the panel, whose ends rounding may miss.
#[test]
fn a_line_along_the_end_of_the_axis_is_drawn() {
    let rows = df!("k" => [1, 2, 3], "rate" => [1.0, 1.0, 1.0]).unwrap();
    for height in 300..340 {
        let drawing =
            drawing(&format!("kind = 'lines'\nx = 'k'\ny = 'rate'\ny_range = [0.0, 1.0]\nheight = {height}"), &rows);
        let is_line =
            |item: &&Item| matches!(item, Item::Line { color, points, .. } if color.rgb == PLUS && points.len() == 3);
        assert_eq!(drawing.scene.items.iter().filter(is_line).count(), 1, "{height} pixels high");
    }
}

#[test]
fn dashes_tell_lines_of_one_colour_apart() {
    let rows = df!(
        "k" => [0i64, 10, 0, 10, 0, 10, 0, 10, 0, 10, 0, 10],
        "f" => [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 0.15, 0.25],
        "operator" => ["+", "+", "*", "*", "+", "+", "*", "*", "+", "+", "*", "*"],
        "ranking" => ["effect", "effect", "effect", "effect", "random", "random", "random", "random", "none", "none", "none", "none"],
    )
    .unwrap();
    let drawing = drawing("kind = 'lines'\nx = 'k'\ny = 'f'\nseries = 'operator'\ndash = 'ranking'", &rows);
    let lengths = |rgb: (u8, u8, u8)| {
        let of = |item: &Item| match item {
            Item::Line { points, color, width } if color.rgb == rgb && *width == 1.8 => {
                Some(points.windows(2).map(|pair| (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1)).sum::<f64>())
            }
            _ => None,
        };
        drawing.scene.items.iter().filter_map(of).collect::<Vec<f64>>()
    };
    for rgb in [PLUS, TIMES] {
        let lengths = lengths(rgb);
        let whole = lengths.iter().filter(|length| **length > 100.0).count();
        let long = lengths.iter().filter(|length| (4.0..8.0).contains(*length)).count();
        let short = lengths.iter().filter(|length| **length < 2.0).count();
        assert_eq!(whole, 1, "{lengths:?}");
        assert!(long > 20 && short > long, "{long} long, {short} short");
    }
    // A legend of colours, and one of styles beneath it.
    let (plus, effect, random) = (text(&drawing, "+"), text(&drawing, "effect"), text(&drawing, "random"));
    assert!(centre(plus).1 < centre(effect).1 && centre(effect).0 < centre(random).0);
    assert!((centre(effect).1 - centre(random).1).abs() < 1e-9);
}

/// Centres of the points of a colour.
fn points(drawing: &Drawing, rgb: (u8, u8, u8)) -> Vec<(f64, f64)> {
    let point = |item: &Item| match item {
        Item::Marker { at, color, .. } if color.rgb == rgb => Some(*at),
        _ => None,
    };
    drawing.scene.items.iter().filter_map(point).collect()
}

#[test]
fn a_scatter_has_a_point_per_row_and_a_line_of_equal_values() {
    let rows = df!(
        "operator" => ["-", "+", "-", "-", "-"],
        "a" => [Some(0.0), Some(1.0), Some(3.0), Some(f64::NAN), None],
        "b" => [0.0, 3.0, 1.0, 1.0, 1.0],
    )
    .unwrap();
    let body = "kind = 'scatter'\nx = 'a'\ny = 'b'\nseries = 'operator'\ndiagonal = true";
    let drawing = drawing(body, &rows);
    assert_eq!(drawing.notes, ["2 rows are not drawn: a value is missing or not finite"]);
    // The first of each colour is in the legend, the points come after it in the order of rows.
    let (plus, minus) = (&points(&drawing, PLUS)[1..], &points(&drawing, MINUS)[1..]);
    assert_eq!((plus.len(), minus.len()), (1, 2));
    let (origin, right, up) = (minus[0], minus[1], plus[0]);
    assert!(up.0 > origin.0 && up.1 < origin.1);
    // Both axes have the same ends: three is as far along each as is one along the other.
    assert!(((right.0 - origin.0) / (up.0 - origin.0) - 3.0).abs() < 1e-9);
    assert!(((up.1 - origin.1) / (right.1 - origin.1) - 3.0).abs() < 1e-9);
    let strokes: Vec<_> = drawing
        .scene
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Line { points, .. } if points[0].0 != points[1].0 && points[0].1 != points[1].1 => Some(points),
            _ => None,
        })
        .collect();
    let slope = (up.1 - origin.1) / (right.0 - origin.0);
    assert!(strokes.len() > 20, "it is dashed");
    for points in strokes {
        let (dx, dy) = (points[1].0 - points[0].0, points[1].1 - points[0].1);
        assert!((dy / dx - slope).abs() < 1e-6);
        assert!(((points[0].1 - origin.1) / (points[0].0 - origin.0) - slope).abs() < 1e-6 || points[0] == origin);
    }
}

#[test]
fn a_scatter_of_many_rows_draws_some_and_says_so() {
    let numbers: Vec<f64> = (0..20_000).map(|row| ((row * 7919) % 20_011) as f64 - 10.0).collect();
    let rows = df!("a" => &numbers, "b" => &numbers).unwrap();
    let drawing = drawing("kind = 'scatter'\nx = 'a'\ny = 'b'\nx_scale = 'log'\ny_scale = 'log'", &rows);
    assert_eq!(points(&drawing, PLUS).len(), 5000);
    let left_out = numbers.iter().filter(|number| **number <= 0.0).count();
    let first = format!(
        "{left_out} rows are not drawn: a value is missing or not finite, or zero or less on a logarithmic axis"
    );
    assert_eq!(drawing.notes, [first, format!("5000 of {} points are drawn", 20_000 - left_out)]);
}
