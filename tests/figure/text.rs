//! All text lies within the drawing, and no two texts overlap.

use ablate::figure::{Area, FigureProblem, Scene, layout};
use ablate::spec::{Figure, FigureKind, FigureWidth, Scale};
use polars::prelude::*;
use proptest::prelude::*;

/// How much of each other two texts may take, in pixels.
const SLACK: f64 = 0.1;

/// Why a scene cannot be read, if it cannot.
fn unreadable(scene: &Scene) -> Option<String> {
    let (width, height) = (f64::from(scene.width), f64::from(scene.height));
    let texts: Vec<(&str, Area)> = scene.texts().map(|text| (text.text.as_str(), text.area())).collect();
    for (index, (text, area)) in texts.iter().enumerate() {
        if area.x0 < 0.0 || area.y0 < 0.0 || area.x1 > width || area.y1 > height {
            return Some(format!("'{text}' leaves the {width} x {height} drawing: {area:?}"));
        }
        // Boxes have room above and below their letters, and their widths are rounded: a tenth of a pixel is nothing to see.
        let within = Area { x0: area.x0 + SLACK, y0: area.y0 + SLACK, x1: area.x1 - SLACK, y1: area.y1 - SLACK };
        if let Some((other, at)) = texts.iter().skip(index + 1).find(|(_, other)| other.overlaps(&within)) {
            return Some(format!("'{text}' {area:?} overlaps '{other}' {at:?}"));
        }
    }
    None
}

#[derive(Debug, Clone)]
struct Case {
    figure: Figure,
    /// Categories along x, categories along y or series, panels.
    counts: [usize; 3],
    /// What the labels are made of; none for numbers.
    words: [Option<String>; 3],
    /// First number and distance, for axes of numbers.
    numbers: (i64, i64),
    low: f64,
    high: f64,
}

fn words() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        Just(Some(String::new())),
        Just(Some("Llama3-8B".to_string())),
        Just(Some("a model with a name of many words".to_string())),
        Just(Some("blocks.17.attn.hook_result.of.one.word.without.any.break".to_string())),
    ]
}

prop_compose! {
    fn case()(
        kind in prop::sample::select(FigureKind::ALL),
        counts in [1..70usize, 1..12usize, 1..9usize],
        words in [words(), words(), words()],
        numbers in (prop_oneof![Just(0i64), 1..50i64, 10_000..2_000_000i64], prop_oneof![Just(1i64), Just(10), 1..20_000i64]),
        low in prop_oneof![Just(0.0), -1.0..1.0, -1e5..1e5, 1e-7..1e-5],
        spread in prop_oneof![Just(0.0), 1e-6..1e-3, 0.1..2.0, 1e3..1e7],
        size in prop_oneof![Just((640, 420)), Just((640, 420)), (300..1200u32, 220..900u32)],
        titles in prop_oneof![Just(None), Just(Some("Title")), Just(Some(
            "A title that says everything there is to say about the figure, its data, and the reasons for both, at length"
        ))],
        logs in [any::<bool>(), any::<bool>()],
        annotate in prop_oneof![Just(None), Just(Some(true)), Just(Some(false))],
    ) -> Case {
        let scale = |log| if log { Scale::Log } else { Scale::Linear };
        let mut figure: Figure = toml::from_str("name='f'\nfrom='s'\nkind='bars'\nx='x'\ny='v'").unwrap();
        (figure.kind, figure.width, figure.height) = (kind, FigureWidth::from(size.0), size.1);
        figure.title = titles.map(str::to_string);
        figure.x_title = titles.map(str::to_string);
        figure.y_title = titles.map(str::to_string);
        figure.value_title = titles.map(str::to_string);
        figure.annotate = annotate;
        (figure.x_scale, figure.y_scale) = (scale(logs[0]), scale(logs[1]));
        match kind {
            FigureKind::Heatmap | FigureKind::HeatmapGrid => {
                (figure.y, figure.value) = ("s".to_string(), Some("v".to_string()));
            }
            FigureKind::Lines | FigureKind::Bars | FigureKind::Scatter => {
                (figure.series, figure.band) = (Some("s".to_string()), Some(["v".to_string(), "w".to_string()]));
            }
        }
        if kind == FigureKind::Scatter {
            (figure.x, figure.series) = ("w".to_string(), Some("s".to_string()));
        }
        if kind == FigureKind::HeatmapGrid || counts[2] > 5 {
            figure.facet = Some("f".to_string());
        } else if kind == FigureKind::Lines && counts[2] <= 3 {
            figure.dash = Some("f".to_string());
        }
        Case { figure, counts, words, numbers, low, high: low + spread }
    }
}

impl Case {
    fn rows(&self) -> DataFrame {
        let [columns, rows, panels] = self.counts;
        let places: Vec<[usize; 3]> = (0..panels)
            .flat_map(|p| (0..rows).flat_map(move |r| (0..columns).map(move |c| [c, r, p])))
            // Some cells without a row, but not the first.
            .filter(|[c, r, p]| (c + r + p) % 7 != 3)
            .collect();
        let column = |name: &str, which: usize| match &self.words[which] {
            None => Column::new(
                name.into(),
                places.iter().map(|place| self.numbers.0 + place[which] as i64 * self.numbers.1).collect::<Vec<_>>(),
            ),
            Some(word) if word.is_empty() => Column::new(
                name.into(),
                places.iter().map(|place| ["+", "-", "*", "/"][place[which] % 4]).collect::<Vec<_>>(),
            ),
            Some(word) => Column::new(
                name.into(),
                places.iter().map(|place| format!("{word} {}", place[which])).collect::<Vec<_>>(),
            ),
        };
        let value = |shift: usize| -> Vec<f64> {
            let share = |[c, r, p]: &[usize; 3]| ((c * 7 + r * 3 + p + shift) % 11) as f64 / 10.0;
            places.iter().map(|place| self.low + share(place) * (self.high - self.low)).collect()
        };
        DataFrame::new_infer_height(vec![
            column("x", 0),
            column("s", 1),
            column("f", 2),
            Column::new("v".into(), value(0)),
            Column::new("w".into(), value(1)),
        ])
        .unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1000), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn can_be_read(case in case()) {
        match layout(&case.figure, &case.rows()) {
            Ok(drawing) => prop_assert_eq!(unreadable(&drawing.scene), None),
            Err(error) => {
                let problems = || error.faults.iter().map(|(_, problem)| problem);
                let refused = problems().all(|problem| matches!(problem, FigureProblem::TooSmall { .. } | FigureProblem::TooMany { .. }));
                prop_assert!(refused, "{}", error);
                // At the default size there is room for a few panels.
                let room = case.figure.size() == (640, 420) && case.counts[2] <= 4;
                prop_assert!(!(room && problems().any(|problem| matches!(problem, FigureProblem::TooSmall { .. }))), "{}", error);
            }
        }
    }
}

/// Titles as long as captions of papers have them, in figures of every kind as wide as a column or a page.
#[test]
fn titles_are_whole_in_print() {
    let title = "share of the logit difference that comes back (1: all of it)";
    let keys = |kind: FigureKind| match kind {
        FigureKind::Heatmap => "y = 's'\nvalue = 'v'",
        FigureKind::HeatmapGrid => "y = 's'\nvalue = 'v'\nfacet = 'f'",
        FigureKind::Lines | FigureKind::Bars | FigureKind::Scatter => "y = 'v'\nseries = 'f'",
    };
    // Without a cell, and with one that has no value: its name stands below the colour scale.
    for missing in [false, true] {
        let rows = df!(
            "x" => [0i64, 1, 0, 1, 0, 1, 0, 1],
            "s" => [0i64, 0, 1, 1, 0, 0, 1, 1],
            "f" => ["+", "+", "+", "+", "-", "-", "-", "-"],
            "v" => [0.1, 0.2, 0.3, 0.4, -0.1, -0.2, 0.5, if missing { f64::NAN } else { 0.6 }],
        )
        .unwrap();
        for &kind in FigureKind::ALL {
            for (width, height) in [("column", 420), ("column", 640), ("page", 420), ("page", 320)] {
                let mut figure: Figure =
                    toml::from_str(&format!("name='f'\nfrom='s'\nkind='bars'\nx='x'\nwidth='{width}'\n{}", keys(kind)))
                        .unwrap();
                (figure.kind, figure.height) = (kind, height);
                figure.value_title = Some(title.to_string());
                figure.title = Some(title.to_string());
                if matches!(kind, FigureKind::Lines | FigureKind::Bars | FigureKind::Scatter) {
                    figure.y_title = Some(title.to_string());
                }
                let scene = layout(&figure, &rows).unwrap().scene;
                assert_eq!(unreadable(&scene), None, "{kind:?}, {width}");
                let cut = scene.texts().find(|text| text.text.contains('…'));
                assert_eq!(cut, None, "{kind:?}, {width}, {height}");
                let words: Vec<&str> = scene.texts().flat_map(|text| text.text.split_whitespace()).collect();
                assert_eq!(words.iter().filter(|word| **word == "comes").count(), 2, "{kind:?}: {words:?}");
            }
        }
    }
}

/// The check itself finds what it looks for.
#[test]
fn texts_that_overlap_are_found() {
    let rows = df!("x" => [1i64, 2], "v" => [1.0, 2.0]).unwrap();
    let figure: Figure = toml::from_str("name='f'\nfrom='s'\nkind='lines'\nx='x'\ny='v'").unwrap();
    let mut scene = layout(&figure, &rows).unwrap().scene;
    assert_eq!(unreadable(&scene), None);
    let again = scene.items.clone();
    scene.items.extend(again);
    assert!(unreadable(&scene).unwrap().contains("overlaps"));
    scene.items.truncate(scene.items.len() / 2);
    scene.width = 100;
    assert!(unreadable(&scene).unwrap().contains("leaves"));
}
