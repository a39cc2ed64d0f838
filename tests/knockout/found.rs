//! What a step of heuristics might have found, written by hand, and the steps that read it run on the built-in model.

use ablate::Error;
use ablate::context::{Context, Models};
use ablate::heuristic::Heuristic;
use ablate::resume::Blocks;
use ablate::spec::{Loaded, parse};
use ablate::step::{self, Outcome};
use ablate::system::progress::Progress;
use ablate::table::Frames;
use polars::prelude::*;

/// A ranked neuron of an operator: layer, neuron, its heuristics with their scores.
pub type Neuron = (&'static str, u32, u32, &'static [(&'static str, f64)]);

/// Neurons that cover what the steps tell apart: several heuristics each, some that hold for no prompt, and some of none. Those
/// whose patching does most to the built-in model's answers are among them; their heuristics are made up.
pub const FOUND: [Neuron; 14] = [
    ("+", 2, 181, &[("op1 in [0, 6)", 0.9), ("op2 mod 2 = 1", 0.7)]),
    ("+", 2, 192, &[("op1 in [0, 6)", 0.8)]),
    ("+", 2, 144, &[]),
    ("+", 2, 125, &[("op1 in [0, 6)", 0.95), ("result in [5, 15)", 0.65)]),
    ("+", 1, 7, &[("op1 = op2", 0.61)]),
    ("+", 1, 199, &[]),
    ("+", 1, 80, &[("op2 mod 2 = 1", 0.8), ("op1 in [90, 95)", 0.9)]),
    ("+", 3, 214, &[("result in [5, 15)", 0.99), ("op1 in [0, 6)", 0.7), ("op2 mod 2 = 1", 0.62)]),
    ("+", 3, 187, &[("result in [5, 15)", 0.9)]),
    ("+", 3, 121, &[("op1 in [90, 95)", 0.9)]),
    ("*", 2, 194, &[("result mod 3 = 0", 0.9)]),
    ("*", 2, 181, &[("result mod 3 = 0", 0.7), ("op1 in [0, 6)", 0.8)]),
    ("*", 3, 121, &[]),
    ("*", 3, 187, &[("op1 in [0, 6)", 0.8)]),
];

/// The rows `NAME.neurons` and `NAME` of a checkpoint.
pub fn rows(found: &[Neuron], checkpoint: &str) -> [DataFrame; 2] {
    let number: Option<u64> = checkpoint.strip_prefix("step").and_then(|number| number.parse().ok());
    let labels = |height: usize| {
        df!(
            "model" => vec!["model"; height],
            "checkpoint" => vec![checkpoint; height],
            "step" => vec![number; height],
            "template" => vec!["default"; height],
        )
        .unwrap()
    };
    let place = |places: &[&Neuron]| {
        df!(
            "operator" => places.iter().map(|one| one.0).collect::<Vec<_>>(),
            "layer" => places.iter().map(|one| one.1).collect::<Vec<_>>(),
            "neuron" => places.iter().map(|one| one.2).collect::<Vec<_>>(),
            "component" => places.iter().map(|one| format!("L{}N{}", one.1, one.2)).collect::<Vec<_>>(),
        )
        .unwrap()
    };
    let neurons: Vec<&Neuron> = found.iter().collect();
    let matches: Vec<(&Neuron, &(&str, f64))> =
        found.iter().flat_map(|one| one.3.iter().map(move |heuristic| (one, heuristic))).collect();
    let kind = |text: &str| match text {
        text if text.contains(" in ") => "range",
        text if text.contains(" mod ") => "modulo",
        _ => "identical",
    };
    let about = df!(
        "heuristic" => matches.iter().map(|(_, heuristic)| heuristic.0).collect::<Vec<_>>(),
        "type" => matches.iter().map(|(_, heuristic)| kind(heuristic.0)).collect::<Vec<_>>(),
        "score" => matches.iter().map(|(_, heuristic)| heuristic.1).collect::<Vec<_>>(),
    )
    .unwrap();
    let of = matches.iter().map(|(one, _)| *one).collect::<Vec<_>>();
    [
        labels(neurons.len()).hstack(place(&neurons).columns()).unwrap(),
        labels(of.len()).hstack(place(&of).columns()).unwrap().hstack(about.columns()).unwrap(),
    ]
}

/// Whether a heuristic holds, by what its text says.
pub fn holds(text: &str, a: i64, b: i64, result: i64) -> bool {
    match text {
        "op1 in [0, 6)" => (0..6).contains(&a),
        "op1 in [50, 80)" => (50..80).contains(&a),
        "op1 in [90, 95)" => (90..95).contains(&a),
        "op2 mod 2 = 1" => b % 2 == 1,
        "op1 = op2" => a == b,
        "result in [5, 15)" => (5..15).contains(&result),
        "result mod 3 = 0" => result % 3 == 0,
        other => other.parse::<Heuristic>().unwrap().holds(a, b, result),
    }
}

/// The rows of steps that have run on what was found.
pub struct Knocked(Vec<Outcome>);

/// Runs every step of the spec but `found`, which stands for the step of heuristics.
pub fn knocked(spec: &str) -> Knocked {
    knocked_with(spec, &rows(&FOUND, "")).unwrap_or_else(|error| panic!("{error}"))
}

/// The same with other rows.
pub fn knocked_with(spec: &str, [neurons, matches]: &[DataFrame; 2]) -> Result<Knocked, Error> {
    let loaded: Loaded = parse("spec.toml", spec).unwrap_or_else(|errors| panic!("{errors}"));
    let (models, progress) = (Models::new(&loaded, true), Progress::quiet());
    let mut frames = Frames::default();
    frames.insert("found".into(), matches.clone());
    frames.insert("found.neurons".into(), neurons.clone());
    let folder = tempfile::tempdir().unwrap();
    let (dir, blocks) = (folder.path(), Blocks::off());
    let context =
        Context { loaded: &loaded, models: &models, progress: &progress, dir, frames: &frames, blocks: &blocks };
    let mut outcomes = Vec::new();
    for step in loaded.spec.steps.iter().filter(|step| step.name() != "found") {
        step::check(step, &loaded, &frames)?;
        let outcome = step::run(step, &context)?;
        let empty = step::empty_frames(step, &loaded, &frames).unwrap();
        for (name, frame) in &outcome.frames {
            let (_, said) = empty.iter().find(|(other, _)| other == name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(frame.schema(), said.schema(), "{name}");
        }
        assert_eq!(outcome.frames.len(), empty.len(), "{}", step.name());
        assert!(outcome.checks.iter().all(ablate::manifest::SelfCheck::passed), "{:?}", outcome.checks);
        outcomes.push(outcome);
    }
    Ok(Knocked(outcomes))
}

/// A spec on one-digit problems of + and *, all of which the built-in model answers.
pub fn spec(steps: &str) -> String {
    spec_on("operators = [\"+\", \"*\"]\noperands = { a = \"1..9\", b = \"1..9\" }\nkeep = \"correct\"", steps)
}

/// The same on other prompts.
pub fn spec_on(prompts: &str, steps: &str) -> String {
    format!(
        "title = \"a test\"\n[model]\nsource = \"builtin:arith\"\n[prompts]\n{prompts}\n\
         [[step]]\nname = \"found\"\nkind = \"accuracy\"\n{steps}"
    )
}

impl Knocked {
    /// The rows of that name.
    pub fn rows(&self, name: &str) -> &DataFrame {
        let mut frames = self.0.iter().flat_map(|outcome| &outcome.frames);
        &frames.find(|(other, _)| other == name).unwrap_or_else(|| panic!("no rows {name}")).1
    }

    /// A column of numbers; truth is 1.
    pub fn numbers(&self, rows: &str, column: &str) -> Vec<Option<f64>> {
        let column = self.rows(rows).column(column).unwrap_or_else(|error| panic!("{error}"));
        column.cast(&DataType::Float64).unwrap().f64().unwrap().to_vec()
    }

    /// A column of whole numbers without nulls.
    pub fn integers(&self, rows: &str, column: &str) -> Vec<i64> {
        self.numbers(rows, column).into_iter().map(|number| number.unwrap() as i64).collect()
    }

    /// A column of texts without nulls.
    pub fn texts(&self, rows: &str, column: &str) -> Vec<String> {
        let column = self.rows(rows).column(column).unwrap_or_else(|error| panic!("{error}"));
        column.str().unwrap().iter().map(|text| text.unwrap().to_string()).collect()
    }

    /// What a reader is told.
    pub fn notes(&self) -> String {
        self.0.iter().flat_map(|outcome| outcome.notes.clone()).collect::<Vec<_>>().join("\n")
    }

    /// Checks of replays: steps, and rows of each.
    pub fn checks(&self) -> Vec<(&str, usize)> {
        self.0.iter().flat_map(|outcome| &outcome.checks).map(|check| (check.step.as_str(), check.rows)).collect()
    }
}
