//! Letters: those that the fonts have are drawn, others are named; labels that differ stay different.

use super::{drawing, spec, texts};
use ablate::figure::{draw, layout};
use ablate::spec::ImageFormat::Svg;
use polars::prelude::*;

fn titled(title: &str) -> Vec<String> {
    let rows = df!("x" => ["a", "b"], "y" => [0.5, 0.7]).unwrap();
    let mut figure = spec("kind = 'bars'\nx = 'x'\ny = 'y'");
    figure.title = Some(title.to_string());
    layout(&figure, &rows).unwrap().notes
}

/// What byte-level and sentence-piece tokenizers write, mathematics, and alphabets that are written letter by letter.
#[test]
fn letters_of_tokenizers_are_drawn() {
    for text in [
        "Ġthe Ċ ĉ ▁word ␣ ↵ ⏎",
        "ℝ ∂L ∑ ≤ ≠ ∞ ⟨x⟩ 𝔼",
        "λόγος Слово Բառ სიტყვა",
        "█ ░ ─ │ ■ ★ ✓ → ↦ ①",
        "a\u{fe0f}",
        "½ ² ₃ é ñ",
    ] {
        assert_eq!(titled(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn letters_that_no_font_has_are_named_wherever_they_stand() {
    assert_eq!(
        titled("注意力 of L"),
        [
            "the fonts of figures have no glyph for 力 (U+529B), 意 (U+610F) and 注 (U+6CE8): they are written as their codes"
        ]
    );
    let rows = df!("x" => ["日", "b"], "s" => ["本", "本"], "f" => ["語", "語"], "y" => [0.5, 0.7]).unwrap();
    for (keys, letter) in [
        ("kind = 'bars'\nx = 'x'\ny = 'y'", "日 (U+65E5)"),
        ("kind = 'bars'\nx = 'x'\ny = 'y'\nx_title = '日'", "日 (U+65E5)"),
        ("kind = 'lines'\nx = 'y'\ny = 'y'\nseries = 's'", "本 (U+672C)"),
        ("kind = 'lines'\nx = 'y'\ny = 'y'\nfacet = 'f'", "語 (U+8A9E)"),
        (
            "kind = 'heatmap'\nx = 'x'\ny = 's'\nvalue = 'y'\nvalue_title = '語'",
            "日 (U+65E5), 本 (U+672C) and 語 (U+8A9E)",
        ),
    ] {
        let notes = drawing(keys, &rows).notes;
        assert!(notes.len() == 1 && notes[0].contains(letter) && notes[0].contains("glyph"), "{keys}: {notes:?}");
    }
}

/// What would show nothing is named by its code alone.
#[test]
fn letters_without_ink_are_not_lost() {
    let notes = titled("zero\u{200b}width");
    assert!(notes.len() == 1 && notes[0].contains("for U+200B: it is"), "{notes:?}");
}

/// Boxes would make all words of a script one.
#[test]
fn words_without_glyphs_are_drawn_otherwise_than_one_another() {
    let folder = tempfile::tempdir().unwrap();
    let glyphs = |word: &str| {
        let rows = df!("x" => [word], "y" => [0.5]).unwrap();
        let drawn = draw(&spec("kind = 'bars'\nx = 'x'\ny = 'y'"), &rows, folder.path(), &[Svg]).unwrap();
        let svg = std::fs::read_to_string(&drawn.files[0]).unwrap();
        let label = svg.lines().find(|line| line.contains(&format!("aria-label=\"{word}\""))).unwrap().to_string();
        label.split("<use").skip(1).map(str::to_string).collect::<Vec<_>>()
    };
    let (one, other) = (glyphs("日本"), glyphs("中国"));
    // Brackets, two codes of four letters, and a space that has no ink.
    assert_eq!((one.len(), other.len()), (10, 10));
    assert_ne!(one, other);
}

fn rows(labels: &[&str]) -> DataFrame {
    df!("x" => labels, "y" => vec!["r"; labels.len()], "e" => (0..labels.len()).map(|n| n as f64).collect::<Vec<_>>())
        .unwrap()
}

/// The labels of one axis among the texts: those that are no number and none of the others.
fn labels<'d>(drawing: &'d ablate::figure::Drawing, others: &[&str]) -> Vec<&'d str> {
    let mut found: Vec<&str> = texts(drawing);
    found.retain(|text| !others.contains(text) && text.parse::<f64>().is_err());
    found
}

#[test]
fn labels_that_are_shortened_stay_different() {
    let start = "a long prefix that all of these prompts have in common before";
    let end = "after it there is a long end that all of them have in common too";
    let long: Vec<String> = (0..4).map(|n| format!("{start} {} {end}", ["one", "two", "three", "four"][n])).collect();
    let far: Vec<String> =
        (0..4).map(|n| format!("{start}{start}{} {end}{end}{} {start}{start}", n % 2, n / 2)).collect();
    for names in [long, far] {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let rows = rows(&names);
        for keys in [
            "kind = 'heatmap'\nx = 'y'\ny = 'x'\nvalue = 'e'\nannotate = false",
            "kind = 'heatmap'\nx = 'x'\ny = 'y'\nvalue = 'e'\nannotate = false\nwidth = 300",
            "kind = 'lines'\nx = 'e'\ny = 'e'\nseries = 'x'",
            "kind = 'lines'\nx = 'e'\ny = 'e'\nfacet = 'x'",
        ] {
            let drawing = drawing(keys, &rows);
            let mut found = labels(&drawing, &["x", "y", "e", "r"]);
            let count = found.len();
            found.sort_unstable();
            found.dedup();
            assert_eq!((count, found.len()), (4, 4), "{keys}: {found:?}");
        }
    }
}

#[test]
fn a_shortened_label_has_the_part_that_says_which_it_is() {
    let names: Vec<String> = ["one", "two"]
        .iter()
        .map(|n| format!("a long prefix that both have, with many words {n} and after it a long end of as many words"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let drawing = drawing("kind = 'heatmap'\nx = 'y'\ny = 'x'\nvalue = 'e'", &rows(&names));
    let found = labels(&drawing, &["x", "y", "e", "r"]);
    assert!(
        found.iter().any(|label| label.contains(" one ")) && found.iter().any(|label| label.contains(" two ")),
        "{found:?}"
    );
}

/// " the" and "the" are two tokens.
#[test]
fn spaces_around_a_word_show_where_they_tell_labels_apart() {
    let drawing = drawing("kind = 'bars'\nx = 'x'\ny = 'e'", &rows(&["the", " the", "cat", " dog", "", " "]));
    let found = texts(&drawing);
    for label in ["the", "␣the", "cat", " dog", "(empty)", "␣"] {
        assert!(found.contains(&label), "{label}: {found:?}");
    }
}
