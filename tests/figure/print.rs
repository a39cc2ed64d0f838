//! Figures for papers: widths in print, resolution, and PDF with its fonts in it.

use super::spec;
use ablate::figure::{draw, layout};
use ablate::spec::Figure;
use ablate::spec::ImageFormat::{Pdf, Png, Svg};
use polars::prelude::*;
use std::path::{Path, PathBuf};
use std::process::Command;

fn rows() -> DataFrame {
    df!("operator" => ["+", "-", "*", "/"], "rate" => [0.9, 0.5, 0.75, 0.25], "low" => [0.8, 0.4, 0.7, 0.2], "high" => [1.0, 0.6, 0.8, 0.3])
        .unwrap()
}

fn bars(keys: &str) -> Figure {
    spec(&format!("kind = 'bars'\nx = 'operator'\ny = 'rate'\nband = ['low', 'high']\ntitle = 'Rate (Δ ≥ 0)'\n{keys}"))
}

/// The only file of a figure.
fn file(figure: &Figure, format: ablate::spec::ImageFormat, folder: &Path) -> PathBuf {
    draw(figure, &rows(), folder, &[format]).unwrap().files.remove(0)
}

#[test]
fn widths_in_print_are_columns_pages_and_millimetres() {
    let size = |keys: &str| bars(keys).size();
    assert_eq!(size(""), (640, 420));
    assert_eq!(size("width = 300\nheight = 200"), (300, 200));
    // 4.5 pixels to a millimetre; heights are those beside a width of 640.
    assert_eq!(size("width = 'column'"), (378, 248));
    assert_eq!(size("width = 'page'\nheight = 320"), (783, 392));
    assert_eq!(size("width = '100 mm'\nheight = 640"), (450, 450));
    for wrong in ["colum", "10 mm", "12 cm", "mm"] {
        let text = format!("name = 'f'\nfrom = 's'\nkind = 'bars'\nx = 'x'\ny = 'y'\nwidth = '{wrong}'");
        let error = toml::from_str::<Figure>(&text).unwrap_err().to_string();
        assert!(error.contains(wrong) && error.contains("mm"), "{error}");
    }
}

#[test]
fn widths_in_print_are_written_as_they_were() {
    for width in ["'column'", "'page'", "'120.5 mm'", "400"] {
        let figure = bars(&format!("width = {width}"));
        let again: Figure = toml::from_str(&toml::to_string(&figure).unwrap()).unwrap();
        assert_eq!(again, figure);
    }
}

#[test]
fn pngs_in_print_have_300_dots_per_inch_and_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(file(&bars("width = 'column'"), Png, folder.path())).unwrap();
    let image = image::load_from_memory(&bytes).unwrap();
    assert_eq!(image.width(), (84.0_f64 / 25.4 * 300.0).round() as u32);
    // 300 per inch are 11811 per metre.
    let place = bytes.windows(4).position(|part| part == b"pHYs").expect("the resolution");
    let number = |at: usize| u32::from_be_bytes(bytes[place + at..place + at + 4].try_into().unwrap());
    assert_eq!((number(4), number(8), bytes[place + 12]), (11811, 11811, 1));
    let plain = std::fs::read(file(&bars(""), Png, folder.path())).unwrap();
    assert!(!plain.windows(4).any(|part| part == b"pHYs"), "a figure in pixels is as it was");
}

#[test]
fn svgs_in_print_are_measured_in_millimetres() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(file(&bars("width = 'page'\nheight = 320"), Svg, folder.path())).unwrap();
    assert!(text.contains("width=\"174mm\" height=\"87.11mm\" viewBox=\"0 0 7830 3920\""), "{}", &text[..200]);
}

#[test]
fn pdfs_have_their_size_and_their_fonts_and_are_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let figure = bars("width = 'column'");
    let bytes = std::fs::read(file(&figure, Pdf, folder.path())).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("%PDF-1.4") && text.trim_end().ends_with("%%EOF"));
    // 84 mm are 238.11 points.
    assert!(text.contains("/MediaBox [0 0 238.11"), "{text}");
    // Labels, title, and the letter that only the further font has.
    for font in ["+SourceSans3-Regular", "+SourceSans3-Semibold"] {
        assert!(text.contains(font), "{font}");
    }
    assert!(text.contains("/FontFile3") && text.contains("/ToUnicode") && !text.contains("/Type3"));
    let again = std::fs::read(file(&figure, Pdf, &folder.path().join("again"))).unwrap();
    assert!(bytes == again);
}

#[test]
fn small_figures_in_print_can_be_read() {
    for width in ["column", "page", "60 mm"] {
        let drawing = layout(&bars(&format!("width = '{width}'")), &rows()).unwrap();
        let smallest = drawing.scene.texts().map(|text| text.size).fold(f64::INFINITY, f64::min);
        // Points in print: 72 / 25.4 of a millimetre.
        let points = smallest / 4.5 * 72.0 / 25.4;
        assert!(points > 5.0, "{width}: {points}");
    }
}

/// Needs `pdflatex` and `pdffonts` (Debian: texlive-latex-base, poppler-utils):
/// `cargo test --release -- --ignored latex_takes_pdfs`.
#[test]
#[ignore = "needs LaTeX"]
fn latex_takes_pdfs() {
    let folder = tempfile::tempdir().unwrap();
    for (name, keys) in [("one", "width = 'column'"), ("two", "width = 'page'"), ("three", "")] {
        let figure = Figure { name: name.into(), ..bars(keys) };
        draw(&figure, &rows(), folder.path(), &[Pdf, Png]).unwrap();
    }
    let paper = r"\documentclass[twocolumn]{article}
\usepackage{graphicx}
\begin{document}
\begin{figure}\includegraphics{one.pdf}\end{figure}
\begin{figure*}\includegraphics{two.pdf}\end{figure*}
\begin{figure}\includegraphics[width=\columnwidth]{three.pdf}\end{figure}
\begin{figure}\includegraphics{one.png}\end{figure}
\newsavebox{\measured}\savebox{\measured}{\includegraphics{one.pdf}}\typeout{WIDTH \the\wd\measured}
\savebox{\measured}{\includegraphics{one.png}}\typeout{WIDTH \the\wd\measured}
\end{document}";
    std::fs::write(folder.path().join("paper.tex"), paper).unwrap();
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).current_dir(folder.path()).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{program}: {text}");
        text
    };
    let log = run("pdflatex", &["-interaction=nonstopmode", "-halt-on-error", "paper.tex"]);
    assert!(!log.to_lowercase().contains("pdf inclusion"), "{log}");
    // 84 mm are 239.0 of TeX's points.
    let widths: Vec<f64> =
        log.lines().filter_map(|line| line.strip_prefix("WIDTH ")?.strip_suffix("pt")?.parse().ok()).collect();
    assert!(widths.len() == 2 && widths.iter().all(|width| (width - 239.0).abs() < 0.5), "{widths:?}");
    let fonts = run("pdffonts", &["paper.pdf"]);
    let ours: Vec<&str> = fonts.lines().filter(|line| line.contains("SourceSans3")).collect();
    assert!(!ours.is_empty() && !fonts.contains("Type 3"), "{fonts}");
    // Embedded, a part of the font, and its letters known.
    assert!(ours.iter().all(|line| line.contains("yes yes yes")), "{fonts}");
    assert!(run("pdftotext", &["one.pdf", "-"]).contains("Rate (Δ ≥ 0)"));
}
