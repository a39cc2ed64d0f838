//! Step `ablation` on the built-in model: what must hold of any circuit, means by hand, and what is refused.

use ablate::intervene::{Edit, Positions, Row, Units, Wanted, capture, run_edited};
use ablate::model::hook::{Hook, Site};
use ablate::model::transformer::Tokens;
use ablate::model::{Lookup, Model};
use ablate::run::progress::Progress;
use ablate::run::{Options, run};
use ablate::spec;
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

const HEAD: &str = r#"
title = "ablations"
[model]
source = "builtin:arith"
[prompts]
operands = { a = "1..9", b = "1..7" }
operators = ["+", "*"]
sample = 5
seeds = [1]
"#;

/// A finished run.
struct Results {
    folder: tempfile::TempDir,
}

/// The value of each prompt's measures: k, prompt, measure.
type Values = HashMap<(Option<u32>, u64, String), f64>;

impl Results {
    fn of(steps: &str) -> Self {
        Self::of_spec(&format!("{HEAD}{steps}"))
    }

    fn of_spec(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{text}\n[output]\ndir = {:?}\n", folder.path().join("out"));
        let loaded =
            spec::parse("spec.toml", &text).unwrap_or_else(|errors| panic!("{}", errors.render(spec::Style::Plain)));
        let progress = Progress::quiet();
        run(&loaded, &Options { progress: &progress, command: String::new() })
            .unwrap_or_else(|error| panic!("{error}"));
        Self { folder }
    }

    fn rows(&self, name: &str) -> DataFrame {
        let file = std::fs::File::open(self.folder.path().join(format!("out/rows/{name}.parquet"))).unwrap();
        ParquetReader::new(file).finish().unwrap()
    }

    fn report(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("out/report.md")).unwrap()
    }

    fn values(&self, name: &str) -> Values {
        let rows = self.rows(&format!("{name}.prompts"));
        let k: Vec<Option<u32>> = match rows.column("k") {
            Ok(column) => column.u32().unwrap().iter().collect(),
            Err(_) => vec![None; rows.height()],
        };
        let ids = rows.column("id").unwrap().u64().unwrap();
        let measures = rows.column("measure").unwrap().str().unwrap();
        let values = rows.column("value").unwrap().f64().unwrap();
        (0..rows.height())
            // No faithfulness where the empty circuit does as well as the model: 0/0.
            .filter_map(|row| Some(((k[row], ids.get(row)?, measures.get(row)?.to_string()), values.get(row)?)))
            .collect()
    }
}

fn of(values: &Values, measure: &str) -> BTreeMap<(Option<u32>, u64), f64> {
    values.iter().filter(|((.., name), _)| name == measure).map(|((k, id, _), value)| ((*k, *id), *value)).collect()
}

fn close(one: &BTreeMap<(Option<u32>, u64), f64>, other: &BTreeMap<(Option<u32>, u64), f64>, tolerance: f64) {
    assert!(!one.is_empty() && one.keys().eq(other.keys()), "{one:?}\n{other:?}");
    for (key, value) in one {
        assert!((value - other[key]).abs() <= tolerance, "{key:?}: {value} and {}", other[key]);
    }
}

#[test]
fn keeping_everything_changes_nothing_and_keeping_nothing_leaves_nothing() {
    let results = Results::of(
        r#"
        [[step]]
        name = "everything"
        kind = "ablation"
        mode = "keep"
        components = ["L*H*", "L*MLP", "L0H1"]
        measures = ["faithfulness", "accuracy", "kl", "logit"]
        per_prompt = true
        [[step]]
        name = "nothing"
        kind = "ablation"
        mode = "keep"
        measures = ["faithfulness", "normalized-logit", "cross-entropy", "probability"]
        per_prompt = true
        [[step]]
        name = "accuracy"
        kind = "accuracy"
        per_prompt = true
        "#,
    );
    let everything = results.values("everything");
    assert!(of(&everything, "faithfulness").values().all(|value| (value - 1.0).abs() < 1e-6), "{everything:?}");
    assert!(of(&everything, "kl").values().all(|value| value.abs() < 1e-6));
    let asked = results.rows("accuracy.prompts");
    let correct: BTreeMap<(Option<u32>, u64), f64> = asked
        .column("id")
        .unwrap()
        .u64()
        .unwrap()
        .iter()
        .zip(asked.column("first_correct").unwrap().bool().unwrap().iter())
        .map(|(id, correct)| ((None, id.unwrap()), f64::from(u8::from(correct.unwrap()))))
        .collect();
    close(&of(&everything, "accuracy"), &correct, 0.0);
    let components = results.rows("everything").column("components").unwrap().u32().unwrap().get(0);
    assert_eq!(components, Some(4 * 4 + 4), "a component that is named twice counts once");

    let nothing = results.values("nothing");
    assert!(of(&nothing, "faithfulness").values().all(|value| value.abs() < 1e-9), "{nothing:?}");
    for (key, value) in of(&nothing, "cross-entropy") {
        assert!((value + of(&nothing, "probability")[&key].ln()).abs() < 1e-9);
    }
    assert_eq!(results.rows("nothing.components").height(), 0);
    assert!(
        results.report().contains("means are over 96 prompts, legal or not, 48 of each of + *"),
        "{}",
        results.report()
    );
}

#[test]
fn keeping_a_set_is_ablating_the_others() {
    let mut steps = String::new();
    let kept = r#"["L0H1", "L2MLP", "L1N0..100", "L3H*"]"#;
    let others = r#"["L0H0,2,3", "L1..3H*", "L0MLP", "L1N100..256", "L3MLP"]"#;
    for value in ["mean", "zero", "resample"] {
        for (mode, components) in [("keep", kept), ("ablate", others)] {
            steps += &format!(
                r#"
                [[step]]
                name = "{mode}-{value}"
                kind = "ablation"
                mode = "{mode}"
                value = "{value}"
                components = {components}
                positions = ["a", "last"]
                measures = ["logit", "kl", "accuracy"]
                per_prompt = true
                "#
            );
        }
    }
    let results = Results::of(&steps);
    for value in ["mean", "zero", "resample"] {
        let (keep, ablate) = (results.values(&format!("keep-{value}")), results.values(&format!("ablate-{value}")));
        for measure in ["logit", "kl", "accuracy"] {
            close(&of(&keep, measure), &of(&ablate, measure), 0.0);
        }
        assert!(of(&keep, "kl").values().any(|value| *value > 1e-3), "{value}: something is ablated");
    }
}

/// With every head and MLP as on the counterfactual prompt, the stream of the last position is the counterfactual's: both end
/// in the same token.
#[test]
fn resampling_everything_gives_the_other_run() {
    let results = Results::of(
        r#"
        [[step]]
        name = "resampled"
        kind = "ablation"
        mode = "keep"
        value = "resample"
        measures = ["kl", "faithfulness"]
        per_prompt = true
        [[step]]
        name = "patched"
        kind = "activation-patching"
        sites = ["blocks.3.hook_resid_post"]
        positions = ["last"]
        measures = ["kl"]
        per_prompt = true
        "#,
    );
    let resampled = of(&results.values("resampled"), "kl");
    close(&resampled, &of(&results.values("patched"), "kl"), 1e-4);
    assert!(resampled.values().any(|value| *value > 0.1), "{resampled:?}");
    let pairs = |name: &str| results.rows(name).column("other_text").unwrap().clone();
    assert!(pairs("resampled.pairs").equals(&pairs("patched.pairs")));
}

#[test]
fn ranked_circuits_grow_to_the_whole_model() {
    let results = Results::of(
        r#"
        [[step]]
        name = "effects"
        kind = "activation-patching"
        sites = ["z[head]", "mlp_post"]
        positions = ["each"]
        [[step]]
        name = "circuits"
        kind = "ablation"
        mode = "keep"
        components = ["L*MLP"]
        ranked = { from = "effects", k = [0, 1, 2, 4, 8, 16] }
        [[step]]
        name = "knocked"
        kind = "ablation"
        components = []
        ranked = { from = "effects", k = [0, 20], per_operator = false }
        "#,
    );
    let members = results.rows("circuits.components");
    let text = |name: &str, row: usize| members.column(name).unwrap().str().unwrap().get(row).map(str::to_string);
    let number = |name: &str, row: usize| members.column(name).unwrap().u32().unwrap().get(row);
    let effects = members.column("effect").unwrap().f64().unwrap();
    let mut sets: BTreeMap<(String, u32), BTreeSet<String>> = BTreeMap::new();
    let mut ranks: BTreeMap<(String, u32), f64> = BTreeMap::new();
    for row in 0..members.height() {
        let operator = text("operator", row).unwrap();
        let component = text("component", row).unwrap();
        if let Some(rank) = number("rank", row) {
            assert!(number("head", row).is_some(), "MLPs are kept already: {component}");
            ranks.insert((operator.clone(), rank), effects.get(row).unwrap());
        }
        assert!(sets.entry((operator, number("k", row).unwrap())).or_default().insert(component));
    }
    for operator in ["+", "*"] {
        let of = |k: u32| &sets[&(operator.to_string(), k)];
        for pair in [0, 1, 2, 4, 8, 16].windows(2) {
            assert!(of(pair[0]).is_subset(of(pair[1])));
        }
        for k in [0, 1, 2, 4, 8, 16] {
            assert_eq!(of(k).len(), 4 + k as usize);
        }
        let ordered: Vec<f64> = (1..=16).map(|rank| ranks[&(operator.to_string(), rank)]).collect();
        assert!(ordered.is_sorted_by(|one, other| one >= other), "{ordered:?}");
        // By hand: the mean over the positions of this operator's rows.
        let rows = results.rows("effects");
        let column = |name: &str| rows.column(name).unwrap().clone();
        let (operators, components, means) = (column("operator"), column("component"), column("mean"));
        let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for row in 0..rows.height() {
            let component = components.str().unwrap().get(row).unwrap();
            if operators.str().unwrap().get(row) == Some(operator) && !component.ends_with("MLP") {
                let (sum, n) = sums.entry(component.to_string()).or_default();
                *sum += means.f64().unwrap().get(row).unwrap();
                *n += 1.0;
            }
        }
        let best = sums.iter().max_by(|a, b| (a.1.0 / a.1.1).total_cmp(&(b.1.0 / b.1.1))).unwrap();
        assert!(of(1).contains(best.0), "{best:?}");
        assert!((ordered[0] - best.1.0 / best.1.1).abs() < 1e-9);
    }
    let rows = results.rows("circuits");
    let measures = rows.column("measure").unwrap().str().unwrap();
    let whole: Vec<f64> = (0..rows.height())
        .filter(|&row| {
            measures.get(row) == Some("faithfulness") && rows.column("k").unwrap().u32().unwrap().get(row) == Some(16)
        })
        .map(|row| rows.column("mean").unwrap().f64().unwrap().get(row).unwrap())
        .collect();
    assert!(whole.len() == 2 && whole.iter().all(|value| (value - 1.0).abs() < 1e-6), "{whole:?}");

    let knocked = results.rows("knocked");
    let shares: Vec<Option<f64>> = (0..knocked.height())
        .filter(|&row| knocked.column("measure").unwrap().str().unwrap().get(row) == Some("faithfulness"))
        .map(|row| knocked.column("mean").unwrap().f64().unwrap().get(row))
        .collect();
    assert_eq!(shares.len(), 4);
    assert!(shares[..2].iter().flatten().all(|value| (value - 1.0).abs() < 1e-6), "{shares:?}");
    assert!(shares[2..].iter().flatten().all(|value| value.abs() < 1e-6), "{shares:?}");
}

#[test]
fn neurons_are_counted_within_each_layer() {
    let results = Results::of(
        r#"
        [[step]]
        name = "neurons"
        kind = "neuron-patching"
        layers = "1..4"
        [[step]]
        name = "kept"
        kind = "ablation"
        mode = "keep"
        among = ["L2..4MLP"]
        components = ["L3N0..6"]
        ranked = { from = "neurons", k = [0, 3, 250], per_layer = true }
        positions = ["last"]
        per_prompt = true
        "#,
    );
    let rows = results.rows("kept");
    let components: BTreeSet<Option<u32>> = rows.column("components").unwrap().u32().unwrap().iter().collect();
    assert_eq!(components, [Some(6), Some(6 + 2 * 3), Some(6 + 2 * 250)].into(), "layer 1 is not among those ablated");
    // Of layer 3 all 256 are kept, of layer 2 all but six.
    let faithfulness = of(&results.values("kept"), "faithfulness");
    let mean =
        |k: u32| faithfulness.iter().filter(|((of, _), _)| *of == Some(k)).map(|(_, value)| value).sum::<f64>() / 10.0;
    assert!((mean(250) - 1.0).abs() < 0.2 && mean(250) > mean(0), "{} {}", mean(0), mean(250));
}

/// The ranking of the paper's code: mean + standard deviation over prompts.
#[test]
fn components_are_ranked_by_arithmetic_of_columns() {
    let results = Results::of(
        r#"
        [[step]]
        name = "neurons"
        kind = "neuron-patching"
        layers = "3"
        [[step]]
        name = "kept"
        kind = "ablation"
        mode = "keep"
        among = ["L3MLP"]
        ranked = { from = "neurons", by = "mean + std", k = [5] }
        "#,
    );
    let effects = results.rows("neurons");
    let number = |frame: &DataFrame, column: &str| -> Vec<f64> {
        frame.column(column).unwrap().f64().unwrap().iter().map(|number| number.unwrap_or(f64::NEG_INFINITY)).collect()
    };
    let sums: Vec<f64> = number(&effects, "mean").iter().zip(number(&effects, "std")).map(|(a, b)| a + b).collect();
    let components = results.rows("kept.components");
    let ranked = components.column("operator").unwrap().str().unwrap();
    for operator in ["+", "*"] {
        let of = effects.column("operator").unwrap().str().unwrap();
        let mut expected: Vec<f64> =
            of.iter().zip(&sums).filter(|(of, _)| *of == Some(operator)).map(|(_, sum)| *sum).collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        let found = number(&components, "effect");
        let found: Vec<f64> =
            ranked.iter().zip(found).filter(|(of, _)| *of == Some(operator)).map(|(_, effect)| effect).collect();
        assert_eq!(found, expected[..5], "{operator}");
    }
    let wrong = format!(
        "{HEAD}[[step]]\nname = \"neurons\"\nkind = \"neuron-patching\"\n[[step]]\nname = \"kept\"\nkind = \"ablation\"\n\
         ranked = {{ from = \"neurons\", by = \"mean + stdd\", k = [5] }}\n"
    );
    let loaded = spec::parse("spec.toml", &wrong).unwrap();
    let progress = Progress::quiet();
    let error = run(&loaded, &Options { progress: &progress, command: String::new() }).unwrap_err();
    assert!(error.render(false).contains("stdd"), "{}", error.render(false));
    assert_eq!(error.exit_code(), 2);
}

/// With 16 MiB the prompts are run in several blocks.
#[test]
fn memory_changes_no_value() {
    let values = |memory: usize| {
        let results = Results::of_spec(&format!(
            r#"
            title = "blocks"
            model.source = "builtin:arith"
            prompts = {{ operands = {{ a = "0..30", b = "1..30" }}, operators = ["+", "/"] }}
            run.memory_mib = {memory}
            [[step]]
            name = "kept"
            kind = "ablation"
            mode = "keep"
            components = ["L*MLP", "L0H*"]
            value = "resample"
            counterfactual.operators = "same"
            measures = ["faithfulness", "logit"]
            per_prompt = true
            [[step]]
            name = "means"
            kind = "ablation"
            components = ["L*MLP"]
            mean = {{ operators = "same" }}
            measures = ["logit"]
            per_prompt = true
            "#
        ));
        [of(&results.values("kept"), "logit"), of(&results.values("means"), "logit")]
    };
    let (narrow, wide) = (values(16), values(1024));
    for (narrow, wide) in narrow.iter().zip(&wide) {
        assert!(narrow.len() > 1000);
        close(narrow, wide, 1e-3);
    }
}

/// Means over the prompts as a reader of the spec would write them down, division by zero included.
#[test]
fn means_are_those_of_every_prompt() {
    let operators = ["+", "/"];
    let prompts = r#"
        operands = { a = "0..4", b = "0..3" }
        operators = ["+", "/"]
    "#;
    let steps = |name: &str, mean: &str| {
        format!(
            r#"
            [[step]]
            name = "{name}"
            kind = "ablation"
            components = ["L1MLP", "L0H2"]
            positions = ["b", "last"]
            measures = ["logit"]
            mean = {mean}
            skip_zero_answers = true
            per_prompt = true
            "#
        )
    };
    let results = Results::of_spec(&format!(
        "title = \"means\"\n[model]\nsource = \"builtin:arith\"\n[prompts]\n{prompts}{}{}{}",
        steps("every", "{}"),
        steps("same", "{ operators = \"same\" }"),
        steps("pooled", "{ positions = \"pooled\" }")
    ));
    assert!(
        results.report().contains("means are over 24 prompts, legal or not, 12 of each of + /"),
        "{}",
        results.report()
    );

    let model = spec::parse("m", "title = \"m\"\n[model]\nsource = \"builtin:arith\"").unwrap().spec.model.unwrap();
    let model = Model::open(&model, Lookup { base: Path::new("."), checkpoint: None, quiet: true }).unwrap();
    let ids = |text: &str| model.tokens(text).unwrap();
    let texts = |operator: &str| -> Vec<String> {
        (0..4).flat_map(|a| (0..3).map(move |b| (a, b))).map(|(a, b)| format!("{a}{operator}{b}=")).collect()
    };
    let hooks = [Hook::Block(1, Site::MlpPost), Hook::Block(0, Site::Z)];
    let at = || Positions::At(vec![2, 3]);
    let wanted: Wanted = hooks.iter().map(|&hook| (hook, at())).collect();
    for name in ["every", "same", "pooled"] {
        let rows = results.rows(&format!("{name}.prompts"));
        assert_eq!(rows.height(), 11 + 5, "no prompt with the answer 0");
        for row in 0..rows.height() {
            let text = rows.column("text").unwrap().str().unwrap().get(row).unwrap();
            let operator = rows.column("operator").unwrap().str().unwrap().get(row).unwrap();
            let over: Vec<&str> = operators.into_iter().filter(|other| name != "same" || *other == operator).collect();
            let over: Vec<Vec<u32>> = over.into_iter().flat_map(texts).map(|text| ids(&text)).collect();
            let over = Tokens::from_rows(&over.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
            let (activations, _) = capture(model.transformer(), &over, &wanted, 5, || Ok::<(), ()>(())).unwrap();
            let edits: Vec<Edit> = hooks
                .iter()
                .map(|&hook| {
                    let mut mean = activations[&hook].clone();
                    let width = mean.data.len() / mean.rows;
                    let half = width / 2;
                    let column = |index: usize| -> f64 {
                        mean.data.chunks_exact(width).map(|row| f64::from(row[index])).sum::<f64>() / mean.rows as f64
                    };
                    let data = (0..width).map(|index| match name {
                        "pooled" => ((column(index % half) + column(index % half + half)) / 2.0) as f32,
                        _ => column(index) as f32,
                    });
                    mean.data = data.collect();
                    mean.rows = 1;
                    let units = if hook == hooks[1] { Units::Of(vec![2]) } else { Units::All };
                    Edit::set(hook, at(), units, Arc::new(mean))
                })
                .collect();
            let tokens = Tokens::from_rows(&[ids(text).as_slice()]).unwrap();
            let edited = Row { prompt: 0, source: None, edits: Arc::from(edits) };
            let logits =
                ablate::model::to_f32(run_edited(model.transformer(), &tokens, &[edited], &Default::default()));
            let answer = rows.column("answer").unwrap().i64().unwrap().get(row).unwrap();
            let value = rows.column("value").unwrap().f64().unwrap().get(row).unwrap();
            let expected = f64::from(logits[answer as usize]);
            assert!((value - expected).abs() < 1e-3, "{name} {text}: {value}, by hand {expected}");
        }
    }
}

/// What the binary says of a spec that it refuses.
fn refused(steps: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("spec.toml"), format!("{HEAD}{steps}")).unwrap();
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_ablate"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ABLATE_")) {
        command.env_remove(name);
    }
    command.env("ABLATE_CACHE", "off");
    let output = command.current_dir(folder.path()).args(["run", "spec.toml", "--quiet"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    text
}

#[test]
fn what_can_not_be_ablated_is_refused_at_its_place() {
    let effects = "[[step]]\nname = \"effects\"\nkind = \"activation-patching\"\nsites = [\"z[head]\"]\nmeasures = [\"kl\", \"accuracy\"]\n";
    let step = "[[step]]\nname = \"ablated\"\nkind = \"ablation\"\n";
    let cases = [
        (
            format!("{step}components = [\"L0MLP\", \"L40H0\"]"),
            vec!["layer 40 of 4; write 0 to 3", "spec.toml:13:24", "^^^"],
        ),
        (format!("{step}components = [\"L0N256\"]"), vec!["neuron 256 of 256"]),
        (format!("{step}mode = \"keep\"\namong = [\"L0H4\"]"), vec!["head 4 of 4", "spec.toml:14:10"]),
        (format!("{step}components = []"), vec!["no components to ablate", "mode = \"keep\"", "spec.toml:13"]),
        (
            format!("{effects}{step}ranked = {{ from = \"effects\", by = \"maen\", k = [1] }}"),
            vec!["rows of 'effects' have no column 'maen'; write 'mean'", "spec.toml:18:"],
        ),
        (
            format!("{effects}{step}ranked = {{ from = \"effects\", by = \"site\", k = [1] }}"),
            vec!["column 'site' of 'effects' holds no numbers"],
        ),
        (
            format!("[[step]]\nname = \"a\"\nkind = \"accuracy\"\n{step}ranked = {{ from = \"a\", k = [1] }}"),
            vec!["rows of 'a' have no columns 'layer' and 'head' or 'neuron'"],
        ),
        (
            format!("{effects}{step}ranked = {{ from = \"effects\", k = [1] }}"),
            vec!["'effects' has rows of 'kl', 'accuracy'; write measure = \"kl\" beside 'from'"],
        ),
        (
            format!(
                "{effects}{step}components = [\"L0H1\"]\nranked = {{ from = \"effects\", measure = \"kl\", k = [15, 16] }}"
            ),
            vec!["k = 16: 'effects' ranks 15 components besides the components named; write 0 to 15"],
        ),
        (
            format!(
                "{step}components = [\"L0MLP\"]\nmean = {{ prompts = \"other\", operators = \"same\" }}\n[prompt_sets.other]\noperators = [\"-\"]"
            ),
            vec!["no prompts with operator '+' to take its mean over"],
        ),
    ];
    for (steps, says) in cases {
        let text = refused(&steps);
        for part in says {
            assert!(text.contains(part), "{part:?} in {text}");
        }
    }
}
