use super::spec;
use ablate::figure::draw;
use ablate::spec::ImageFormat::{Png, Svg};
use polars::prelude::*;
use std::path::Path;

const BODY: &str =
    "kind = 'bars'\nx = 'operator'\ny = 'rate'\ntitle = 'Accuracy <of> \"all\" & more'\nband = ['low', 'high']";

fn rows() -> DataFrame {
    df!("operator" => ["+", "-", "*", "/"], "rate" => [0.9, 0.5, 0.75, 0.25], "low" => [0.8, 0.4, 0.7, 0.2], "high" => [1.0, 0.6, 0.8, 0.3])
        .unwrap()
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let one = draw(&spec(BODY), &rows(), &folder.path().join("one"), &[Svg, Png]).unwrap();
    let two = draw(&spec(BODY), &rows(), &folder.path().join("two"), &[Svg, Png]).unwrap();
    assert_eq!(one.files.len(), 2);
    for (one, two) in one.files.iter().zip(&two.files) {
        assert!(read(one) == read(two), "{} differs from {}", one.display(), two.display());
    }
}

#[test]
fn only_the_formats_asked_for_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = draw(&spec(BODY), &rows(), folder.path(), &[Png]).unwrap();
    assert_eq!(drawn.files, [folder.path().join("drawing.png")]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_png_has_two_pixels_per_pixel_and_the_operators_colours() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = draw(&spec(BODY), &rows(), folder.path(), &[Png]).unwrap();
    let image = image::open(&drawn.files[0]).unwrap().to_rgb8();
    assert_eq!(image.dimensions(), (1280, 840));
    assert_eq!(image.get_pixel(0, 0).0, [255, 255, 255]);
    let count = |rgb: [u8; 3]| image.pixels().filter(|pixel| pixel.0 == rgb).count() as f64;
    // Bars are as wide as one another, so their areas are as their heights (less what an error bar covers).
    let (plus, divide) = (count([0x00, 0x72, 0xb2]), count([0xcc, 0x79, 0xa7]));
    assert!(plus > 10_000.0 && (divide / plus - 0.25 / 0.9).abs() < 0.02, "{plus} {divide}");
}

#[test]
fn the_svg_needs_no_font_and_is_well_formed() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = draw(&spec(BODY), &rows(), folder.path(), &[Svg]).unwrap();
    let text = String::from_utf8(read(&drawn.files[0])).unwrap();
    assert!(text.contains("<title>Accuracy &lt;of&gt; &quot;all&quot; &amp; more</title>"));
    assert!(!text.contains("<text") && !text.contains("font-family"));
    assert!(text.contains("aria-label=\"÷\""));
    // Every glyph that is used is defined, once.
    let ids: Vec<&str> = text.split("id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let mut unique = ids.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(ids.len(), unique.len());
    for used in text.split("xlink:href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(ids.contains(&used), "{used}");
    }
    let opened = text.matches("<g ").count();
    assert_eq!(opened, text.matches("</g>").count());
}

#[test]
fn a_grid_of_ten_thousand_cells_a_panel_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let cells = || (0..4i64).flat_map(|o| (0..100i64).flat_map(move |a| (0..100i64).map(move |b| (o, a, b))));
    let rows = df!(
        "operator" => cells().map(|(o, ..)| ["+", "-", "*", "/"][o as usize]).collect::<Vec<_>>(),
        "a" => cells().map(|(_, a, _)| a).collect::<Vec<_>>(),
        "b" => cells().map(|(.., b)| b).collect::<Vec<_>>(),
        "e" => cells().map(|(o, a, b)| ((a * 37 + b * 101 + o * 11) % 97) as f64).collect::<Vec<_>>(),
    )
    .unwrap();
    let body = "kind = 'heatmap-grid'\nx = 'b'\ny = 'a'\nvalue = 'e'\nfacet = 'operator'";
    let drawn = draw(&spec(body), &rows, folder.path(), &[Svg, Png]).unwrap();
    assert!(read(&drawn.files[0]).len() < 1_000_000);
    assert!(read(&drawn.files[1]).len() < 1_000_000);
}

#[test]
fn a_folder_that_can_not_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    std::fs::write(&file, "").unwrap();
    let error = draw(&spec(BODY), &rows(), &file, &[Svg]).unwrap_err().to_string();
    assert!(error.contains("cannot write") && error.contains("drawing.svg"), "{error}");
}
