//! The specs themselves, on every model whose settings are known.

use ablate::spec::{self, Loaded, Need};
use std::path::Path;

fn specs() -> Vec<Loaded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/paper");
    let files = spec::files(&[folder]).expect("specs");
    let specs: Vec<Loaded> =
        files.iter().map(|file| spec::load(file, &[], std::iter::empty()).unwrap_or_else(|e| panic!("{e}"))).collect();
    assert!(specs.len() > 15, "{}", specs.len());
    specs
}

/// Columns, values of conditions, and what steps ask of each other's rows are right with every profile.
#[test]
fn are_right_for_every_model() {
    for loaded in specs() {
        for known in loaded.spec.known.keys() {
            let settled = loaded.with_profile(known).unwrap_or_else(|errors| panic!("{errors}"));
            ablate::check::before_models(&settled).unwrap_or_else(|error| panic!("{known}: {}", error.render(false)));
        }
    }
}

/// A number of the paper is of one of its models, and says where it stands.
#[test]
fn what_is_expected_names_its_model_and_its_source() {
    let specs = specs();
    let all: Vec<_> = specs.iter().flat_map(|loaded| &loaded.spec.expectations).collect();
    for expected in &all {
        let known = expected.model.as_ref().is_some_and(|model| specs[0].spec.known.contains_key(model));
        assert!(known && expected.source.is_some(), "{expected:?}");
    }
    let of = |source: &str| all.iter().filter(|expected| expected.source.as_deref() == Some(source)).count();
    // Faithfulness and number of heads; heads; rates and their average of four models; pairs of operators.
    assert_eq!([of("table 1"), of("table 2"), of("table 3"), of("figure 15")], [8, 38, 20, 6]);
}

/// Of a model without checkpoints figure 10 has nothing to show, and says so before any work.
#[test]
fn training_needs_checkpoints() {
    let needing = specs().into_iter().filter(|loaded| loaded.spec.needs.contains(&Need::Checkpoints));
    let titles: Vec<String> = needing.map(|loaded| loaded.spec.title).collect();
    assert!(matches!(titles.as_slice(), [one] if one.starts_with("Figure 10")), "{titles:?}");
}
