//! `listed` of step `ablation`: components that the rows of another step name.

use crate::intervene::spec::{Ran, ran, refused};
use std::collections::BTreeSet;

/// The members of each circuit: operator, k, component.
fn members(ran: &Ran, step: &str) -> BTreeSet<(Option<String>, String)> {
    let rows = format!("{step}.components");
    let components = ran.texts(&rows, "component").into_iter().flatten();
    ran.texts(&rows, "operator").into_iter().zip(components).collect()
}

fn means(ran: &Ran, step: &str) -> Vec<(Option<f64>, Option<f64>)> {
    ran.numbers(step, "mean").into_iter().zip(ran.numbers(step, "n")).collect()
}

#[test]
fn rows_name_what_a_spec_could_write_out() {
    let step = |name: &str, keys: &str| {
        format!(
            "[[step]]\nname = \"{name}\"\nkind = \"ablation\"\nvalue = \"zero\"\npositions = [\"last\"]\nbootstrap = 0\n\
             measures = [\"accuracy\", \"logit\"]\n{keys}\n"
        )
    };
    // The steps that read come first in the spec, and run after what they read.
    let spec = [
        step("all", "listed = [{ from = \"effects\", per_operator = false }]"),
        step("written", "components = [\"L1..3N*\"]"),
        step("best", "listed = [{ from = \"effects\", by = \"mean\", top = 3, per_layer = true }]"),
        step("share", "listed = [{ from = \"effects\", share = 0.0117, per_layer = true }]"),
        step("ranked", "ranked = { from = \"effects\", k = [3], per_layer = true }"),
        step(
            "later",
            "listed = [{ from = \"effects\", where = { layer = \">= 2\", operator = \"+\" }, per_operator = false, top = 7 }]",
        ),
        step(
            "both",
            "components = [\"L3MLP\"]\nlisted = [{ from = \"effects\", top = 2 }, { from = \"effects\", top = 4 }]",
        ),
        step("few", "listed = [{ from = \"effects\", top = 100000 }]"),
        "[[step]]\nname = \"effects\"\nkind = \"neuron-patching\"\nlayers = \"1..3\"\nbootstrap = 0\n".into(),
    ];
    let ran = ran(&spec.concat());

    assert_eq!(members(&ran, "all").len(), 2 * 256);
    assert_eq!(members(&ran, "all"), members(&ran, "written"));
    assert_eq!(means(&ran, "all"), means(&ran, "written"));

    let best = members(&ran, "best");
    assert_eq!(best.len(), 2 * 2 * 3, "three of two layers for two operators");
    for other in ["share", "ranked"] {
        assert_eq!(best, members(&ran, other), "{other}");
        assert_eq!(means(&ran, "best"), means(&ran, other), "{other}");
    }
    assert_ne!(means(&ran, "best"), means(&ran, "all"));
    let layers = ran.numbers("best.components", "layer");
    for layer in [1.0, 2.0] {
        assert_eq!(layers.iter().filter(|other| **other == Some(layer)).count(), 2 * 3);
    }

    let later = members(&ran, "later");
    assert_eq!(later.len(), 7);
    assert!(later.iter().all(|(operator, component)| operator.is_none() && component.starts_with("L2N")), "{later:?}");
    // The four best hold the two best; of each operator, with the MLP.
    assert_eq!(members(&ran, "both").len(), 2 * (1 + 4));
    assert_eq!(members(&ran, "few").len(), 2 * 2 * 256, "all there are");
}

#[test]
fn listings_that_can_not_be_read_are_refused_at_their_place() {
    let effects = "[[step]]\nname = \"effects\"\nkind = \"neuron-patching\"\nlayers = \"3\"\n";
    let table = "[[table]]\nname = \"best\"\nfrom = \"effects\"\nhead = 3\n";
    let step =
        |listed: &str| format!("{effects}{table}[[step]]\nname = \"out\"\nkind = \"ablation\"\nlisted = [{listed}]\n");
    for (listed, says) in [
        ("{ from = \"best\" }", "'best' is a table, and tables are made after all steps"),
        ("{ from = \"efects\" }", "no step 'efects'"),
        ("{ from = \"effects.pairs\" }", "no columns 'layer' and 'head' or 'neuron'"),
        ("{ from = \"effects\", where = { layr = 3 } }", "no column 'layr'; write 'layer'"),
        ("{ from = \"effects\", where = { layer = \"x\" } }", "column 'layer' holds numbers"),
        ("{ from = \"effects\", by = \"maen\", top = 1 }", "no column 'maen'; write 'mean'"),
        ("{ from = \"effects\", top = 1, share = 0.5 }", "'top' and 'share' exclude each other"),
        ("{ from = \"effects\", share = 1.5 }", "'share' = 1.5 is out of range"),
        ("{ from = \"out.components\" }", "need each other in a circle: out -> out"),
    ] {
        let refusal = refused(&step(listed));
        assert!(refusal.contains(says), "{says:?} in {refusal}");
        assert!(refusal.contains("spec.toml:13:"), "{refusal}");
    }
}
