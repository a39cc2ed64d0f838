//! Step `ablation` on the built-in model: what must hold of any circuit, and what is refused.

use super::results::{Results, close, of, refused};
use std::collections::BTreeMap;

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
        .i64()
        .unwrap()
        .iter()
        .zip(asked.column("first_correct").unwrap().bool().unwrap().iter())
        .map(|(id, correct)| ((None, id.unwrap() as u64), f64::from(u8::from(correct.unwrap()))))
        .collect();
    close(&of(&everything, "accuracy"), &correct, 0.0);
    let components = results.rows("everything").column("components").unwrap().i64().unwrap().get(0);
    assert_eq!(components, Some(4 * 4 + 4), "a component that is named twice counts once");

    let nothing = results.values("nothing");
    assert!(of(&nothing, "faithfulness").values().all(|value| value.abs() < 1e-9), "{nothing:?}");
    for (key, value) in of(&nothing, "cross-entropy") {
        assert!((value + of(&nothing, "probability")[&key].ln()).abs() < 1e-9);
    }
    assert_eq!(results.rows("nothing.components").height(), 0);
    assert!(
        results.report().contains("means are over 96 prompts, legal or not, 48 of each of + \\*"),
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

#[test]
fn what_can_not_be_ablated_is_refused_at_its_place() {
    let effects = "[[step]]\nname = \"effects\"\nkind = \"activation-patching\"\nsites = [\"z[head]\"]\nmeasures = [\"kl\", \"accuracy\"]\n";
    let step = "[[step]]\nname = \"ablated\"\nkind = \"ablation\"\n";
    let cases = [
        (
            format!("{step}components = [\"L0MLP\", \"L40H0\"]"),
            vec!["there is no layer 40, because there are 4 layers; write 0 to 3", "spec.toml:13:24", "^^^"],
        ),
        (format!("{step}components = [\"L0N256\"]"), vec!["there is no neuron 256"]),
        (format!("{step}mode = \"keep\"\namong = [\"L0H4\"]"), vec!["there is no head 4", "spec.toml:14:10"]),
        (
            format!("{step}components = []"),
            vec!["nothing says which components to ablate", "mode = \"keep\"", "spec.toml:13"],
        ),
        (
            format!("{effects}{step}ranked = {{ from = \"effects\", by = \"maen\", k = [1] }}"),
            vec!["rows of 'effects' have no column 'maen'; write 'mean'", "spec.toml:18:"],
        ),
        (
            format!("{effects}{step}ranked = {{ from = \"effects\", by = \"site\", k = [1] }}"),
            vec!["column 'site' of 'effects' does not hold numbers"],
        ),
        (
            format!("[[step]]\nname = \"a\"\nkind = \"accuracy\"\n{step}ranked = {{ from = \"a\", k = [1] }}"),
            vec!["rows of 'a' have no columns 'layer' and 'head' or 'neuron'"],
        ),
        (
            format!("{effects}{step}ranked = {{ from = \"effects\", k = [1] }}"),
            vec!["'effects' has rows of several measures, 'kl', 'accuracy'; write measure = \"kl\" beside 'from'"],
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
            vec!["there are no prompts with operator '+' over which its mean could be taken"],
        ),
    ];
    for (steps, says) in cases {
        let text = refused(&steps);
        for part in says {
            assert!(text.contains(part), "{part:?} in {text}");
        }
    }
}
