//! The steps that read, from a spec to rows, files and figures.

use ablate::intervene::{Activation, HookPositions, Layout, Positions, capture};
use ablate::model::hook::{Hook, Site};
use ablate::model::transformer::Tokens;
use ablate::model::{Lookup, Model};
use ablate::prelude::Experiment;
use ablate::spec::{Loaded, parse};
use ablate::step::empty_frames;
use ablate::table::Frames;
use polars::prelude::*;
use safetensors::SafeTensors;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

const SPEC: &str = r#"
title = "reading"
[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..30", b = "1..9" }
operators = ["+", "*"]
sample = 12
seeds = [0]

[[step]]
name = "lens"
kind = "logit-lens"
sites = ["embed", "resid_pre", "resid_mid", "blocks.3.hook_resid_post", "attn_out"]
positions = ["b", "last", -1]
per_prompt = true

[[step]]
name = "ahead"
kind = "logit-lens"
sites = ["resid_mid", "blocks.3.hook_resid_post"]
measures = ["logit-difference", "logit"]

[[step]]
name = "direct"
kind = "logit-attribution"
per_prompt = true

[[step]]
name = "difference"
kind = "logit-attribution"
components = ["L*H*", "L0..3MLP", "L3N0..4", "L0N1"]
target = "difference"

[[step]]
name = "patterns"
kind = "attention-patterns"
heads = ["L*H*"]
per_prompt = true

[[step]]
name = "kept"
kind = "capture"
sites = ["resid_post", "blocks.1.attn.hook_z[2]", "blocks.1.attn.hook_z[0]", "blocks.0.attn.hook_pattern", "mlp_post[7]"]
positions = ["op", "last"]

[[step]]
name = "listed"
kind = "capture"
sites = ["blocks.1.attn.hook_z", "blocks.0.attn.hook_pattern[1]", "blocks.2.mlp.hook_post[0..3]"]
positions = ["op", "last"]
format = "rows"

[[figure]]
name = "attention"
kind = "heatmap-grid"
from = "patterns"
where = { operator = "+", layer = 0 }
x = "key"
y = "query"
value = "mean"
facet = "component"
title = "Mean attention, layer 0, addition"
x_title = "key"
y_title = "query"
value_title = "attention"
value_range = [0, 1]
"#;

/// Runs the spec into a folder.
fn results(changes: &[(&str, &str)], dir: &Path) -> (Loaded, Result<(), ablate::Error>) {
    let spec = changes.iter().fold(SPEC.to_string(), |spec, (from, to)| {
        assert!(spec.contains(from), "{from}");
        spec.replace(from, to)
    });
    let spec = format!("{spec}\n[output]\ndir = {:?}\n", dir.display().to_string());
    let loaded = parse("reading.toml", &spec).unwrap();
    let done = Experiment::from(loaded.clone()).without_store().run();
    (loaded, done.map(|_| ()))
}

fn rows(dir: &Path, name: &str) -> DataFrame {
    let file = File::open(dir.join("rows").join(format!("{name}.parquet"))).unwrap();
    ParquetReader::new(file).finish().unwrap()
}

fn numbers(frame: &DataFrame, column: &str) -> Vec<f64> {
    frame.column(column).unwrap().cast(&DataType::Float64).unwrap().f64().unwrap().iter().flatten().collect()
}

fn texts(frame: &DataFrame, column: &str) -> Vec<String> {
    let column = frame.column(column).unwrap().as_materialized_series().clone();
    column.str().unwrap().iter().map(|text| text.unwrap_or("null").to_string()).collect()
}

/// Values by key columns.
fn by(frame: &DataFrame, keys: &[&str], value: &str) -> HashMap<Vec<String>, f64> {
    let as_text = |key: &&str| frame.column(key).unwrap().cast(&DataType::String).unwrap().into_frame();
    let keys: Vec<Vec<String>> = keys.iter().map(|key| texts(&as_text(key), key)).collect();
    let values = numbers(frame, value);
    assert_eq!(values.len(), frame.height(), "no nulls in {value}");
    let found: HashMap<_, _> =
        (0..frame.height()).map(|row| (keys.iter().map(|key| key[row].clone()).collect(), values[row])).collect();
    assert_eq!(found.len(), frame.height(), "each key once");
    found
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-5 * b.abs().max(1.0)
}

#[test]
fn from_a_spec_to_rows_and_files() {
    let folder = tempfile::tempdir().unwrap();
    // Kept, to be looked at.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reading-steps");
    let (loaded, done) = results(&[], &dir);
    done.unwrap();
    assert!(dir.join("figures/attention.png").metadata().unwrap().len() > 1000);

    for step in &loaded.spec.steps {
        for (name, empty) in empty_frames(step, &loaded, &Frames::default()).unwrap() {
            let found = rows(&dir, &name);
            assert_eq!(found.schema(), empty.schema(), "{name}");
            assert!(found.height() > 0, "{name}");
        }
    }

    lens_of_the_last_stream_is_the_model(&dir);
    lens_of_the_last_stream_has_the_models_difference(&dir);
    attributions_sum_to_the_logit(&dir);
    attention_sums_to_one(&dir);
    kept_activations_are_the_models(&loaded, &dir);

    // Batches change nothing but the rounding of products.
    let (_, done) = results(&[("[prompts]", "[run]\nbatch = 5\n[prompts]")], folder.path());
    done.unwrap();
    for (name, column) in [("lens", "mean"), ("direct", "mean"), ("patterns", "mean"), ("listed", "value")] {
        let pairs = numbers(&rows(&dir, name), column).into_iter().zip(numbers(&rows(folder.path(), name), column));
        pairs.for_each(|(one, other)| assert!(close(one, other), "{name}: {one} and {other}"));
    }
}

/// The last stream's logit is the whole logit of the attribution, and its measures belong together.
fn lens_of_the_last_stream_is_the_model(dir: &Path) {
    let lens = by(&rows(dir, "lens.prompts"), &["component", "position", "text", "measure"], "value");
    let direct = by(&rows(dir, "direct.prompts"), &["component", "text"], "value");
    let mut seen = 0;
    for (key, value) in &lens {
        let [component, position, text, measure] = key.as_slice() else { unreachable!() };
        let get = |measure: &str| lens[&[component, position, text, measure].map(str::to_string).to_vec()];
        assert!(
            close(lens[&vec![component.clone(), "last".into(), text.clone(), measure.clone()]], *value)
                || position == "b"
        );
        match measure.as_str() {
            "accuracy" => assert_eq!(*value == 1.0, get("rank") == 0.0, "{key:?}"),
            "probability" => {
                assert!((0.0..=1.0).contains(value) && (*value <= 0.5 || get("accuracy") == 1.0), "{key:?}")
            }
            "rank" => assert!(*value == value.trunc() && (0.0..105.0).contains(value), "{key:?}"),
            "logit" if component == "L3.hook_resid_post" && position == "last" => {
                seen += 1;
                let whole = direct[&vec!["total".to_string(), text.clone()]];
                assert!(close(*value, whole), "{text}: {value} is not {whole}");
            }
            _ => {}
        }
    }
    assert_eq!(seen, 24);
}

/// At the last stream the difference is the model's own, which is what direct attribution takes apart.
fn lens_of_the_last_stream_has_the_models_difference(dir: &Path) {
    let lens = by(&rows(dir, "ahead"), &["component", "operator", "measure"], "mean");
    let whole = by(&rows(dir, "difference"), &["component", "operator"], "mean");
    let logits = by(&rows(dir, "lens"), &["component", "position", "operator", "measure"], "mean");
    for operator in ["+", "*"] {
        let of = |component: &str, measure: &str| lens[&[component, operator, measure].map(String::from).to_vec()];
        let total = whole[&["total", operator].map(String::from).to_vec()];
        assert!(close(of("L3.hook_resid_post", "logit-difference"), total), "{total}");
        assert!(!close(of("L0.hook_resid_mid", "logit-difference"), total), "an early stream says something else");
        // Every prompt has a counterfactual here, so that the others are those of all prompts.
        let logit = logits[&["L0.hook_resid_mid", "last", operator, "logit"].map(String::from).to_vec()];
        assert!(close(of("L0.hook_resid_mid", "logit"), logit));
    }
    assert_eq!(rows(dir, "ahead.pairs").height(), rows(dir, "difference.pairs").height());
}

fn attributions_sum_to_the_logit(dir: &Path) {
    for name in ["direct", "difference"] {
        let values = by(&rows(dir, name), &["component", "operator"], "mean");
        for operator in ["+", "*"] {
            let of = |wanted: &dyn Fn(&str) -> bool| -> f64 {
                values.iter().filter(|(key, _)| key[1] == operator && wanted(&key[0])).map(|(_, value)| value).sum()
            };
            let total = of(&|name| name == "total");
            assert!(total > 1.0, "the model knows its answers: {total}");
            // A neuron of an MLP that is listed itself is part of it.
            let sum = of(&|name| name != "total" && name != "L0N1");
            assert!((sum - total).abs() < 1e-4, "{name}: {sum} is not {total}");
            let rest = of(&|name| name == "rest");
            assert_eq!(rest.abs() < 1e-4, name == "direct", "{name}: {rest}");
        }
    }
    assert_eq!(rows(dir, "difference.pairs").height(), 24);
    assert!(texts(&rows(dir, "difference"), "measure").iter().all(|measure| measure == "logit-difference"));
}

fn attention_sums_to_one(dir: &Path) {
    for (name, value, of) in [("patterns", "mean", "operator"), ("patterns.prompts", "value", "text")] {
        let frame = rows(dir, name);
        let mut sums: HashMap<Vec<String>, f64> = HashMap::new();
        for (key, weight) in by(&frame, &["component", of, "query", "key"], value) {
            assert!((0.0..=1.0).contains(&weight));
            *sums.entry(key[..3].to_vec()).or_default() += weight;
        }
        assert_eq!(sums.len(), 16 * 4 * if of == "text" { 24 } else { 2 });
        sums.iter().for_each(|(key, sum)| assert!((sum - 1.0).abs() < 1e-5, "{key:?}: {sum}"));
        assert!(frame.height() == sums.len() / 4 * 10, "keys up to the query");
    }
    let means = by(&rows(dir, "patterns"), &["component", "operator", "query_index", "key_index"], "mean");
    let each = rows(dir, "patterns.prompts");
    let text = by(&each, &["component", "operator", "query_index", "key_index", "text"], "value");
    for (key, mean) in means {
        let values: Vec<f64> = text.iter().filter(|(of, _)| of[..4] == key[..]).map(|(_, value)| *value).collect();
        assert!(close(values.iter().sum::<f64>() / 12.0, mean) && values.len() == 12, "{key:?}");
    }
}

fn kept_activations_are_the_models(loaded: &Loaded, dir: &Path) {
    let bytes = std::fs::read(dir.join("activations/kept.safetensors")).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!((metadata["model"].as_str(), metadata["step"].as_str()), ("model", "kept"));
    assert_eq!(metadata["ablate"], env!("CARGO_PKG_VERSION"));
    assert!(metadata["units"].contains(r#""blocks.1.attn.hook_z":[0,2]"#), "{}", metadata["units"]);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let integers = |name: &str| -> Vec<i64> {
        file.tensor(name).unwrap().data().as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()
    };
    let floats = |name: &str| -> Vec<f32> {
        file.tensor(name).unwrap().data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    assert_eq!(integers("positions"), [1, 3]);
    assert_eq!(file.tensor("tokens").unwrap().shape(), [24, 4]);

    let model = Model::open(
        loaded.spec.model.as_ref().unwrap(),
        Lookup { base: Path::new("."), checkpoint: None, quiet: true },
    )
    .unwrap();
    let ids = integers("tokens").into_iter().map(|id| id as u32).collect();
    let tokens = Tokens { ids, batch: 24, pos: 4 };
    let sites = [Site::ResidPost, Site::Z, Site::Pattern, Site::MlpPost];
    let hooks = sites.iter().flat_map(|&site| (0..4).map(move |layer| Hook::Block(layer, site)));
    let wanted: HookPositions = hooks.map(|hook| (hook, Positions::At(vec![1, 3]))).collect();
    let (found, _) =
        capture(model.transformer(), &tokens, &wanted, 24, || Ok::<(), ablate::model::NotFinite>(())).unwrap();
    let same = |hook: Hook, expected: &Activation| {
        let tensor = file.tensor(&hook.to_string()).unwrap();
        assert_eq!(tensor.shape(), expected.shape(), "{hook}");
        let off = floats(&hook.to_string()).iter().zip(&expected.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-5, "{hook} is off by {off}");
    };
    for layer in 0..4 {
        let [resid, post] = [Site::ResidPost, Site::MlpPost].map(|site| Hook::Block(layer, site));
        same(resid, &found[&resid]);
        same(post, &found[&post].of_units(&[7]));
    }
    let (z, pattern) = (Hook::Block(1, Site::Z), Hook::Block(0, Site::Pattern));
    same(z, &found[&z].of_units(&[0, 2]));
    same(pattern, &found[&pattern]);
    assert_eq!(file.len(), 2 + 4 + 1 + 1 + 4);

    let prompts = rows(dir, "kept.prompts");
    assert_eq!((prompts.height(), texts(&prompts, "text")), (24, texts(&rows(dir, "listed.prompts"), "text")));
    let listed = rows(dir, "listed");
    assert_eq!(listed.height(), 24 * 2 * (4 * 16 + 4 + 3));
    let order = texts(&prompts, "text");
    let values = by(&listed, &["site", "component", "position_index", "index", "text"], "value");
    for (key, value) in values {
        let [site, component, position, index, text] = key.as_slice() else { unreachable!() };
        let (hook, unit) = match site.as_str() {
            "attn.hook_z" => (z, component[3..].parse().unwrap()),
            "attn.hook_pattern" => (pattern, 1),
            _ => (Hook::Block(2, Site::MlpPost), component[3..].parse().unwrap()),
        };
        let activation = &found[&hook];
        let row = order.iter().position(|other| other == text).unwrap();
        let stream = matches!(activation.layout, Layout::Stream { .. });
        assert_eq!(stream, index == "null");
        let index: usize = if stream { 0 } else { index.parse().unwrap() };
        let expected = activation.unit(row, position.parse().unwrap(), unit).unwrap()[index];
        assert!(close(value, f64::from(expected)), "{key:?}: {value} is not {expected}");
    }
}

#[test]
fn several_templates_have_a_file_each() {
    let folder = tempfile::tempdir().unwrap();
    let templates = "[prompts]\ntemplate = { plain = \"{a}{op}{b}=\", turned = \"{a}{op}{b}=\" }";
    let (_, done) = results(
        &[("[prompts]", templates), ("kind = \"logit-lens\"", "kind = \"logit-lens\"\nmodels = [\"model\"]")],
        folder.path(),
    );
    done.unwrap();
    for name in ["plain", "turned"] {
        assert!(folder.path().join(format!("activations/kept.{name}.safetensors")).exists(), "{name}");
    }
    let manifest = std::fs::read_to_string(folder.path().join("manifest.json")).unwrap();
    assert!(manifest.contains("activations/kept.turned.safetensors"), "the manifest has their checksums");
}

#[test]
fn what_can_not_be_read_is_refused() {
    let wrong = [
        ("\"embed\", \"resid_pre\"", "\"mlp_post\", \"resid_pre\"", "not in the residual stream; write 'resid_pre'"),
        ("\"embed\", \"resid_pre\"", "\"resid_pre[3]\", \"embed\"", "write 'resid_pre'"),
        ("positions = [\"b\", \"last\", -1]", "positions = [\"all\"]", "write 'each'"),
        ("heads = [\"L*H*\"]", "heads = [\"L0MLP\"]", "no attention pattern; write heads"),
        ("heads = [\"L*H*\"]", "heads = [\"L9H0\"]", "there is no layer 9"),
        ("sites = [\"resid_post\",", "sites = [\"blocks.7.hook_resid_post\",", "there is no layer 7"),
    ];
    for (from, to, text) in wrong {
        let folder = tempfile::tempdir().unwrap();
        let (_, done) = results(&[(from, to)], folder.path());
        let error = done.unwrap_err();
        let shown = error.render(false);
        assert!(shown.contains(text) && shown.contains("reading.toml:"), "{shown}");
        assert_eq!(error.exit_code(), 2);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "refused before any work");
    }
    let folder = tempfile::tempdir().unwrap();
    let many = [
        (
            "operands = { a = \"0..30\", b = \"1..9\" }\noperators = [\"+\", \"*\"]\nsample = 12\nseeds = [0]",
            "operands = { a = \"0..100\", b = \"0..100\" }",
        ),
        ("\"blocks.2.mlp.hook_post[0..3]\"", "\"blocks.*.mlp.hook_post\""),
        ("kind = \"capture\"\nsites = [\"resid_post\"", "kind = \"capture\"\nsites = [\"embed\""),
        ("components = [\"L*H*\", \"L0..3MLP\", \"L3N0..4\", \"L0N1\"]", "components = [\"L0H0\"]"),
        ("heads = [\"L*H*\"]\nper_prompt = true", "heads = [\"L0H0\"]"),
        ("positions = [\"b\", \"last\", -1]\nper_prompt = true", "bootstrap = 0"),
    ];
    let (_, done) = results(&many, folder.path());
    let shown = done.unwrap_err().render(false);
    assert!(shown.contains("at most 20000000") && shown.contains("format = \"safetensors\""), "{shown}");
}

/// The largest of what `capture` keeps of the same places; of heads the length of all that it keeps.
#[test]
fn the_largest_activations_are_those_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let step = "[[step]]\nname = \"strongest\"\nkind = \"max-activations\"\ncomponents = [\"L2N0..3\", \"L1H2\", \"L1H0\"]\n\
                positions = [\"op\", \"last\"]\ntop = 7\n\n[[figure]]";
    // Two draws, which have prompts in common: these count once too.
    let (_, done) = results(&[("[[figure]]", step), ("seeds = [0]", "seeds = [0, 1]")], folder.path());
    done.unwrap();
    let (all, largest) = (rows(folder.path(), "listed"), rows(folder.path(), "strongest"));
    // A beginning that several prompts have in common counts once.
    let texts_of = |frame: &DataFrame| {
        let mut all = ["component", "position", "operator", "text"].map(|name| texts(frame, name));
        let read = |row: usize| match all[1][row].as_str() {
            "op" => all[3][row].split(['+', '*']).next().unwrap_or_default().to_string(),
            _ => all[3][row].clone(),
        };
        all[3] = (0..frame.height()).map(read).collect();
        all
    };
    // Of each place the first prompt that has it, and the sum of its squares.
    let mut squares: HashMap<[String; 4], ((String, f64), f64)> = HashMap::new();
    let (names, seeds, values) = (texts_of(&all), numbers(&all, "seed"), numbers(&all, "value"));
    let whole = texts(&all, "text");
    for row in 0..all.height() {
        let key = names.each_ref().map(|column| column[row].clone());
        let prompt = (whole[row].clone(), seeds[row]);
        let (first, sum) = squares.entry(key).or_insert((prompt.clone(), 0.0));
        if *first == prompt {
            // A neuron has one value, and its sign counts.
            *sum = if names[0][row].contains('N') { values[row] } else { *sum + values[row].powi(2) };
        }
    }
    let size = |component: &str, sum: f64| if component.contains('N') { sum } else { sum.sqrt() };
    let (components, found) = (texts(&largest, "component"), numbers(&largest, "value"));
    for component in ["L2N0", "L2N1", "L2N2", "L1H2", "L1H0"] {
        let of = |(key, (_, sum)): (&[String; 4], &(_, f64))| (key[0] == component).then(|| size(component, *sum));
        let mut expected: Vec<f64> = squares.iter().filter_map(of).collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        let found: Vec<f64> =
            (0..found.len()).filter(|&row| components[row] == component).map(|row| found[row]).collect();
        assert_eq!(found.len(), 7, "{component}");
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5, "{component}: {found} {expected}");
        }
    }
    // The prompt, place and token of each are those that its value is of.
    let (names, tokens) = (texts_of(&largest), texts(&largest, "token"));
    for row in 0..largest.height() {
        let key = names.each_ref().map(|column| column[row].clone());
        let sum = squares[&key].1;
        assert!((size(&key[0], sum) - found[row]).abs() < 1e-5, "{key:?}");
        assert_eq!(tokens[row], if key[1] == "op" { key[2].as_str() } else { "=" });
    }
}

#[test]
fn a_whole_mlp_has_no_largest_activation() {
    let folder = tempfile::tempdir().unwrap();
    let step = "[[step]]\nname = \"strongest\"\nkind = \"max-activations\"\ncomponents = [\"L2MLP\"]\n\n[[figure]]";
    let (_, done) = results(&[("[[figure]]", step)], folder.path());
    let text = done.unwrap_err().render(false);
    assert!(
        text.contains("'L2MLP' is a whole MLP; write its neurons: 'L2N*'") && text.contains("reading.toml"),
        "{text}"
    );
}
