//! Directions, subspaces and noise as a spec writes them: swept over layers and strengths, with placebos, in one batch.

use super::spec::{Ran, ran, refused};
use crate::support::{Sandbox, numbers};
use polars::prelude::{ParquetReader, SerReader};
use safetensors::tensor::{Dtype, TensorView};
use std::path::{Path, PathBuf};

/// The width of the built-in model's stream.
const WIDTH: usize = 64;
const LAYERS: usize = 4;

/// A vector `v` and two vectors `plane` in a file.
fn vectors(folder: &Path) -> PathBuf {
    let path = folder.join("vectors.safetensors");
    let bytes = |values: Vec<f32>| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let wave =
        |row: usize| (0..WIDTH).map(move |place| ((place * (7 + row) + 3 * row) as f32).sin()).collect::<Vec<f32>>();
    let (one, two) = (bytes(wave(0)), bytes([wave(1), wave(2)].concat()));
    let tensors = [
        ("v", TensorView::new(Dtype::F32, vec![WIDTH], &one).unwrap()),
        ("plane", TensorView::new(Dtype::F32, vec![2, WIDTH], &two).unwrap()),
    ];
    safetensors::serialize_to_file(tensors, None, &path).unwrap();
    path
}

fn step(interventions: &str, more: &str) -> String {
    format!(
        "[[step]]\nname = \"steer\"\nkind = \"intervention\"\nmeasures = [\"logit-difference\"]\n{more}\ninterventions = [{interventions}]\n"
    )
}

/// The mean of each intervention, by name, layer and strength, of the first group.
fn means(ran: &Ran, swept: bool) -> Vec<(String, Option<f64>, Option<f64>, f64)> {
    let names = ran.texts("steer", "intervention");
    let groups = ran.texts("steer", "operator");
    let first = groups[0].clone();
    let none = || vec![None; names.len()];
    let (layers, strengths) = match swept {
        true => (ran.numbers("steer", "layer"), ran.numbers("steer", "strength")),
        false => (none(), none()),
    };
    let means = ran.numbers("steer", "mean");
    (0..names.len())
        .filter(|&row| groups[row] == first)
        .map(|row| (names[row].clone().unwrap(), layers[row], strengths[row], means[row].unwrap()))
        .collect()
}

#[test]
fn a_sweep_is_its_interventions_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = vectors(folder.path());
    let value = format!("value = {{ file = {file:?}, tensor = \"v\" }}, add = true, positions = [\"last\"]");
    let swept = format!(
        "{{ name = \"along\", layers = \"1..3\", strengths = [0.0, -2.0, 3.0], edits = [{{ site = \"resid_post\", {value} }}] }}"
    );
    let swept = ran(&step(&swept, ""));
    let rows = means(&swept, true);
    // The vector and three placebos.
    assert_eq!(rows.len(), 4 * 2 * 3);
    let baseline = swept.numbers("steer", "baseline")[0].unwrap();
    for (name, layer, strength, mean) in &rows {
        assert_eq!(*mean == baseline, *strength == Some(0.0), "{name} {layer:?} {strength:?}");
    }
    let alone = format!(
        "{{ name = \"one\", edits = [{{ site = \"2.resid_post\", {value}, strength = 3.0 }}] }}, \
         {{ name = \"other\", edits = [{{ site = \"1.resid_post\", {value}, strength = -2.0 }}] }}"
    );
    let alone = ran(&step(&alone, "control = { draws = 0 }"));
    let apart = means(&alone, false);
    assert_eq!(apart.len(), 2);
    let of = |layer: f64, strength: f64| {
        let found = rows.iter().find(|row| row.0 == "along" && row.1 == Some(layer) && row.2 == Some(strength));
        found.expect("a row of each layer and strength").3
    };
    assert!((apart[0].3 - of(2.0, 3.0)).abs() < 1e-5 && (apart[1].3 - of(1.0, -2.0)).abs() < 1e-5);
    assert!((apart[0].3 - baseline).abs() > 1e-3, "the vector does something");
    // Columns of a sweep stand where something is swept.
    assert!(alone.rows("steer").column("layer").is_err() && alone.rows("steer").column("strength").is_err());
}

#[test]
fn placebos_are_drawn_by_their_seed() {
    let folder = tempfile::tempdir().unwrap();
    let file = vectors(folder.path());
    let plane = |used: &str| format!("value = {{ file = {file:?}, tensor = \"plane\", as = \"{used}\" }}");
    let interventions = format!(
        "{{ name = \"out\", edits = [{{ site = \"2.resid_post\", {} }}] }}, \
         {{ name = \"swap\", edits = [{{ site = \"2.resid_post\", positions = [\"last\"], {} }}] }}, \
         {{ name = \"zero\", edits = [{{ site = \"2.mlp_out\", value = 0.0 }}] }}",
        plane("project-out"),
        plane("subspace")
    );
    let with =
        |seed: u64| means(&ran(&step(&interventions, &format!("control = {{ draws = 2, seed = {seed} }}"))), false);
    let (first, again, other) = (with(0), with(0), with(1));
    assert_eq!(first, again);
    let names: Vec<&str> = first.iter().map(|row| row.0.as_str()).collect();
    let expected = [
        "out",
        "out (random subspace 1)",
        "out (random subspace 2)",
        "swap",
        "swap (random subspace 1)",
        "swap (random subspace 2)",
        "zero",
    ];
    assert_eq!(names, expected);
    for (row, other) in first.iter().zip(&other) {
        assert_eq!(row.3 == other.3, !row.0.contains("random"), "{}", row.0);
    }
    assert!(first[1].3 != first[2].3);
}

/// From which folder a spec is run, and as what its path is written, is nothing that placebos are drawn by.
#[test]
fn placebos_of_a_file_are_the_same_from_everywhere() {
    let value = "value = { file = \"vectors.safetensors\", tensor = \"v\" }, add = true";
    let along = |name: &str| format!("{{ name = \"{name}\", edits = [{{ site = \"2.resid_post\", {value} }}] }}");
    let head = "title = \"a test\"\n[model]\nsource = \"builtin:arith\"\n[prompts]\noperators = [\"+\"]\noperands = { a = \"2..9\", b = \"2..9\" }\n";
    let sandbox = Sandbox::empty();
    sandbox.write("specs/spec.toml", format!("{head}{}", step(&along("along"), "control = { draws = 2 }")));
    vectors(&sandbox.at("specs"));
    let of = |results: &str| {
        let file = std::fs::File::open(sandbox.at(results).join("rows/steer.parquet")).unwrap();
        ParquetReader::new(file).finish().unwrap()
    };
    let run = |spec: &str, results: &str| {
        sandbox.run(&["run", spec, "--set", &format!("output.dir={}", sandbox.at(results).display())]).ok();
        numbers(&of(results), "mean")
    };
    let near = run("specs/spec.toml", "near");
    let far = run(sandbox.at("specs/spec.toml").to_str().unwrap(), "far");
    assert_eq!(near.len(), 3);
    assert_eq!(near, far);
    assert!(near[1] != near[0] && near[1] != near[2], "{near:?}");
}

#[test]
fn noise_is_the_mean_over_its_seeds() {
    let with = |seeds: &str| {
        let noise = format!("value = {{ noise = 2.0, seeds = [{seeds}] }}");
        let edits = format!("{{ name = \"noise\", edits = [{{ site = \"embed\", positions = [\"a\"], {noise} }}] }}");
        means(&ran(&step(&edits, "")), false)[0].3
    };
    let (one, two, both) = (with("1"), with("2"), with("1, 2"));
    assert!(one != two, "seeds draw other noise");
    assert!((both - (one + two) / 2.0).abs() < 1e-6, "{both} of {one} and {two}");
}

/// By `tests/fixtures/make_noise.py`, which has SHA-256, ChaCha and Box and Muller of its own.
#[test]
fn noise_is_drawn_as_its_page_says() {
    let near = |found: Vec<f32>, wanted: &[f32]| {
        assert_eq!(found.len(), wanted.len());
        found
            .iter()
            .zip(wanted)
            .for_each(|(found, wanted)| assert!((found - wanted).abs() < 2e-6, "{found} of {wanted}"));
    };
    let first = ablate::step::standard_noise(3, &[1, 450, 70_000], 2, 6);
    near(first, &[1.42021, 2.515874, -0.653809, 1.463283, 0.379186, -0.869039]);
    near(ablate::step::standard_noise(0, &[7], 0, 3), &[1.160307, 2.084688, 0.057478]);
}

#[test]
fn what_a_value_says_together_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = vectors(folder.path());
    let of = |edit: &str| refused(&step(&format!("{{ name = \"one\", edits = [{{ {edit} }}] }}"), ""));
    let says = |edit: &str, texts: &[&str]| {
        let message = of(edit);
        texts.iter().for_each(|text| assert!(message.contains(text), "{edit}: {message}"));
    };
    says("site = \"embed\", value = { }", &["'value' is empty"]);
    // What is wrong with a step is not said again of the values that read it.
    let without_method = "[[step]]\nname = \"way\"\nkind = \"direction\"\n";
    let edits = "{ name = \"one\", edits = [{ site = \"resid_post\", value = { direction = \"way\" }, add = true }] }";
    let message = refused(&format!("{without_method}{}", step(edits, "")));
    assert!(
        message.contains("[[step]] 'way' has no 'method'")
            && message.contains("write method = \"difference-of-means\" or"),
        "{message}"
    );
    assert!(!message.contains("value"), "{message}");
    says("site = \"embed\", value = { noise = 1.0, tensor = \"v\" }", &["'tensor' has no effect beside 'noise'"]);
    says(
        "site = \"1.resid_post\", value = { noise = 1.0 }",
        &["noise can be added to embeddings only", "site = \"embed\""],
    );
    says("site = \"embed\", value = { noise = 0.0 }", &["noise"]);
    let of_file = |more: &str| format!("site = \"1.mlp_post\", value = {{ file = {file:?}, {more} }}");
    says(&of_file("tensor = \"w\""), &["no tensor 'w'", "'plane', 'v'"]);
    says(&of_file("tensor = \"v\""), &["the vector has 64 values"]);
    says(&of_file("tensor = \"plane\", as = \"subspace\""), &["the vectors of the subspace have 64 values"]);
    says("site = \"embed\", value = { file = \"nowhere.safetensors\", tensor = \"v\" }", &["nowhere.safetensors"]);
    let other = "{ name = \"one\", edits = [{ site = \"embed\", value = { direction = \"accuracy\" }, add = true }] }";
    let accuracy = "[[step]]\nname = \"accuracy\"\nkind = \"accuracy\"\n".to_string();
    assert!(refused(&(accuracy + &step(other, ""))).contains("of kind 'accuracy' finds no direction"));
    let layers = "{ name = \"one\", layers = \"2\", edits = [{ site = \"1.mlp_out\", value = 0.0 }] }";
    assert!(refused(&step(layers, "")).contains("to be made in layer 2, where none of its edits has a site or heads"));
    let control = "{ name = \"one\", edits = [{ site = \"1.mlp_out\", value = 0.0 }] }";
    assert!(refused(&step(control, "control = { draws = 5 }")).contains("no edit writes a direction"));
}

/// A step of tracing, and one of plain patching beside it.
fn traced(direction: &str, sites: &str, more: &str) -> Ran {
    ran(&format!(
        r#"
[[step]]
name = "trace"
kind = "activation-patching"
corrupt = {{ noise = 3.0, positions = ["a"], seeds = [0, 1] }}
direction = "{direction}"
sites = [{sites}]
measures = ["logit-difference"]
{more}

[[step]]
name = "clean"
kind = "activation-patching"
sites = ["0.mlp_out"]
measures = ["logit-difference"]
"#
    ))
}

#[test]
fn restoring_the_embeddings_is_the_clean_run() {
    let ran = traced("denoising", "\"embed\"", "positions = [\"a\", \"b\"]");
    let (means, noised) = (ran.numbers("trace", "mean"), ran.numbers("trace", "baseline"));
    let (positions, clean) = (ran.texts("trace", "position"), ran.numbers("clean", "baseline"));
    let groups = ran.texts("trace", "operator");
    let clean_of = |row: usize| {
        let at = ran.texts("clean", "operator").iter().position(|group| *group == groups[row]);
        clean[at.expect("the same groups")].unwrap()
    };
    for row in 0..means.len() {
        let (mean, noised) = (means[row].unwrap(), noised[row].unwrap());
        assert!((clean_of(row) - noised).abs() > 0.01, "noise does something");
        let expected = if positions[row].as_deref() == Some("a") { clean_of(row) } else { noised };
        assert!((mean - expected).abs() < 1e-4, "{:?}: {mean} of {expected}", positions[row]);
    }
    // The other way the clean run gets the noise.
    let back = traced("noising", "\"embed\"", "positions = [\"a\"]");
    for (row, mean) in back.numbers("trace", "mean").iter().enumerate() {
        let other = positions.iter().zip(&groups).position(|(position, group)| {
            position.as_deref() == Some("a") && *group == back.texts("trace", "operator")[row]
        });
        assert!((mean.unwrap() - noised[other.unwrap()].unwrap()).abs() < 1e-4);
    }
}

#[test]
fn windows_are_their_layers_together() {
    let of = |window: usize| traced("denoising", "\"mlp_out\"", &format!("window = {window}\npositions = [\"last\"]"));
    let (single, wide) = (of(1), of(2 * LAYERS));
    let plain = traced("denoising", "\"mlp_out\"", "positions = [\"last\"]");
    assert_eq!(single.numbers("trace", "mean"), plain.numbers("trace", "mean"));
    // Every layer is in every window.
    let (layers, means) = (wide.numbers("trace", "layer"), wide.numbers("trace", "mean"));
    let groups = means.len() / LAYERS;
    for (row, mean) in means.iter().enumerate() {
        assert!((mean.unwrap() - means[row % groups].unwrap()).abs() < 1e-5, "layer {:?}", layers[row]);
    }
    // Of two, the row's layer and the one before it.
    let two = of(2);
    let edits = ["0", "{0,1}", "{1,2}", "{2,3}"];
    let named: Vec<String> = edits
        .iter()
        .enumerate()
        .map(|(layer, layers)| {
            format!("{{ name = \"l{layer}\", edits = [{{ site = \"{layers}.mlp_out\", positions = [\"last\"] }}] }}")
        })
        .collect();
    let one_by_one = ran(&step(&named.join(", "), ""));
    let clean = ran(
        "[[step]]\nname = \"steer\"\nkind = \"activation-patching\"\nsites = [\"mlp_out\"]\nwindow = 2\nmeasures = [\"logit-difference\"]\n",
    );
    let (a, b) = (one_by_one.numbers("steer", "mean"), clean.numbers("steer", "mean"));
    assert_eq!(a.len(), b.len());
    a.iter().zip(&b).for_each(|(a, b)| assert!((a.unwrap() - b.unwrap()).abs() < 1e-5));
    assert_eq!(two.numbers("trace", "mean").len(), means.len());
}
