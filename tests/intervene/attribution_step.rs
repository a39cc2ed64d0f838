//! Step `attribution-patching` through a spec.

use super::spec::{ran, refused};

const EXACT: &str = r#"
[[step]]
name = "exact"
kind = "neuron-patching"
measures = ["indirect-effect", "logit-difference"]
bootstrap = 0

[[step]]
name = "heads"
kind = "activation-patching"
sites = ["blocks.*.attn.hook_z[head]"]
measures = ["logit-difference"]
bootstrap = 0
"#;

#[test]
fn attribution_agrees_with_exact_patching() {
    let ran = ran(&format!(
        r#"{EXACT}
[[step]]
name = "gradient"
kind = "attribution-patching"
sites = ["blocks.*.mlp.hook_post[neuron]"]
measure = "logit-difference"
compare = "exact"
top = [10, 100000]
bootstrap = 0

[[step]]
name = "integrated"
kind = "attribution-patching"
sites = ["blocks.*.mlp.hook_post[neuron]"]
measure = "logit-difference"
compare = "exact"
integrated_points = 8
top = [10]
per_prompt = true
bootstrap = 0

[[step]]
name = "effect"
kind = "attribution-patching"
sites = ["blocks.*.mlp.hook_post[neuron]"]
compare = "exact"
top = []
bootstrap = 0

[[step]]
name = "of_heads"
kind = "attribution-patching"
sites = ["blocks.*.attn.hook_z[head]"]
measure = "logit-difference"
compare = "heads"
bootstrap = 0
"#
    ));
    for name in ["gradient", "integrated", "of_heads"] {
        let name = format!("{name}.agreement");
        let layers = ran.numbers(&name, "layer");
        for (row, spearman) in ran.numbers(&name, "spearman").into_iter().enumerate() {
            let spearman = spearman.unwrap_or_else(|| panic!("{name}: no correlation in row {row}"));
            assert!((-1.0..=1.0).contains(&spearman), "{name}: {spearman}");
            assert!(layers[row].is_some() || spearman > 0.5, "{name}: {spearman} in all layers");
        }
    }
    // More than there are have no share; top = [] leaves the correlations, a row each.
    let too_many = ran.numbers("gradient.agreement", "k").into_iter().zip(ran.numbers("gradient.agreement", "overlap"));
    for (top, overlap) in too_many {
        assert_eq!(top == Some(100000.0), overlap.is_none());
    }
    assert!(ran.numbers("effect.agreement", "k").iter().all(Option::is_none));
    let groups = ran.numbers("gradient.agreement", "k").len() / 2;
    assert_eq!(ran.numbers("effect.agreement", "k").len(), groups);

    // The same numbers from the rows of both, by their definitions: all layers, the first operator.
    let plus = |name: &str| -> Vec<f64> {
        let rows =
            ran.texts(name, "operator").into_iter().zip(ran.texts(name, "measure")).zip(ran.numbers(name, "mean"));
        rows.filter(|((operator, measure), _)| {
            operator.as_deref() == Some("+") && measure.as_deref() == Some("logit-difference")
        })
        .map(|(_, mean)| mean.unwrap())
        .collect()
    };
    let (found, exact) = (plus("gradient"), plus("exact"));
    let ranks = |values: &[f64]| -> Vec<f64> {
        let below = |value: &f64| values.iter().filter(|other| *other < value).count() as f64;
        let equal = |value: &f64| values.iter().filter(|other| *other == value).count() as f64;
        values.iter().map(|value| below(value) + equal(value) / 2.0).collect()
    };
    let row = ran.numbers("gradient.agreement", "layer").iter().position(Option::is_none).unwrap();
    let said = |column: &str| ran.numbers("gradient.agreement", column)[row].unwrap();
    assert_eq!(said("n") as usize, found.len());
    assert!((said("pearson") - correlation(&found, &exact)).abs() < 1e-9);
    assert!((said("spearman") - correlation(&ranks(&found), &ranks(&exact))).abs() < 1e-9);
    let lowest = |values: &[f64]| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        order[..10].to_vec()
    };
    let common = lowest(&found).into_iter().filter(|unit| lowest(&exact).contains(unit)).count();
    assert_eq!(said("overlap"), common as f64 / 10.0);

    // The indirect effect is, to first order, minus half the change of the logit difference.
    let (effect, change) = (ran.numbers("effect", "mean"), ran.numbers("gradient", "mean"));
    assert_eq!(effect.len(), change.len());
    assert!(effect.iter().zip(&change).all(|(effect, change)| effect.unwrap() == -0.5 * change.unwrap()));
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| f(a - mean_a, b - mean_b)).sum::<f64>();
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

/// Of accuracy the places that matter are those where it is least after the edit: the top one is that whose edit hurts most.
#[test]
fn by_accuracy_the_top_places_are_those_whose_edit_hurts_most() {
    let ran = ran(r#"
[[step]]
name = "exact"
kind = "activation-patching"
sites = ["z[head]"]
measures = ["accuracy"]
bootstrap = 0

[[step]]
name = "gradient"
kind = "attribution-patching"
sites = ["z[head]"]
compare = "exact"
compare_measure = "accuracy"
top = [1, 2, 4, 8]
bootstrap = 0
"#);
    // The heads of a layer, or all, by their place in the rows: the largest value by `sign` first, the first of equals.
    let order = |name: &str, (group, layer): (&str, Option<f64>), sign: f64| -> Vec<usize> {
        let rows =
            ran.texts(name, "operator").into_iter().zip(ran.numbers(name, "layer")).zip(ran.numbers(name, "mean"));
        let own =
            rows.filter(|((operator, of), _)| operator.as_deref() == Some(group) && (layer.is_none() || *of == layer));
        let values: Vec<f64> = own.map(|(_, mean)| sign * mean.unwrap()).collect();
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        order
    };
    let share = |one: &[usize], other: &[usize], k: usize| {
        let common = one.get(..k)?.iter().filter(|unit| other[..k].contains(unit)).count();
        Some(common as f64 / k as f64)
    };
    let name = "gradient.agreement";
    let (layers, groups) = (ran.numbers(name, "layer"), ran.texts(name, "operator"));
    let (sizes, overlaps) = (ran.numbers(name, "k"), ran.numbers(name, "overlap"));
    let mut told = 0;
    for row in 0..layers.len() {
        let (of, k) = ((groups[row].as_deref().unwrap(), layers[row]), sizes[row].unwrap() as usize);
        let found = order("gradient", of, 1.0);
        let (hurt, spared) = (order("exact", of, -1.0), order("exact", of, 1.0));
        assert_eq!(overlaps[row], share(&found, &hurt, k), "{of:?}, top {k}");
        told += usize::from(share(&found, &hurt, k) != share(&found, &spared, k));
    }
    // Two operators, four layers and all of them, four sizes.
    assert_eq!(layers.len(), 2 * 5 * 4);
    assert!(told > 8, "the heads whose edit hurts least would say the same");
    // Of ×, the same head of the third layer is the first of both.
    let is_first =
        |&row: &usize| (groups[row].as_deref(), layers[row], sizes[row]) == (Some("*"), Some(2.0), Some(1.0));
    let first = (0..layers.len()).find(is_first).unwrap();
    assert_eq!(overlaps[first], Some(1.0));
}

/// Replacing all of a stream at once: small steps along the line add up to the exact change.
#[test]
fn the_whole_stream_is_the_whole_change() {
    let ran = ran(r#"
[[step]]
name = "exact"
kind = "activation-patching"
sites = ["blocks.0.hook_resid_pre"]
positions = ["all"]
measures = ["logit-difference"]
bootstrap = 0

[[step]]
name = "none"
kind = "activation-patching"
sites = ["blocks.3.hook_resid_post"]
positions = [0]
measures = ["logit-difference"]
bootstrap = 0

[[step]]
name = "integrated"
kind = "attribution-patching"
sites = ["blocks.0.hook_resid_pre"]
positions = ["all"]
measure = "logit-difference"
integrated_points = 300
bootstrap = 0
"#);
    let [exact, none, integrated] = ["exact", "none", "integrated"].map(|name| ran.numbers(name, "mean"));
    for ((exact, none), integrated) in exact.iter().zip(&none).zip(&integrated) {
        let change = exact.unwrap() - none.unwrap();
        assert!((integrated.unwrap() - change).abs() < 0.03 * change.abs(), "{integrated:?} of {change}");
    }
}

#[test]
fn what_can_not_be_compared_is_refused() {
    let step = |keys: &str| format!("{EXACT}\n[[step]]\nname = \"a\"\nkind = \"attribution-patching\"\n{keys}\n");
    let neurons = "sites = [\"blocks.*.mlp.hook_post[neuron]\"]";
    let refusal = refused(&step(&format!("{neurons}\ncompare = \"heads\"")));
    assert!(refusal.contains("does not measure indirect-effect"), "{refusal}");
    let refusal = refused(&step(&format!("{neurons}\nmeasure = \"logit-difference\"\ncompare = \"heads\"")));
    assert!(refusal.contains("no rows of layer 0, mlp.hook_post [0] at position 'last'"), "{refusal}");
    let refusal = refused(&step("sites = [\"pattern[head]\"]"));
    assert!(refusal.contains("attribution is not available"), "{refusal}");
    let accuracy = "[[step]]\nname = \"b\"\nkind = \"accuracy\"\n";
    let refusal = refused(&format!("{}{accuracy}", step(&format!("{neurons}\ncompare = \"b\""))));
    assert!(refusal.contains("step 'b' of kind 'accuracy' measures no exact effects"), "{refusal}");
    let denoising = EXACT.replace("bootstrap = 0", "bootstrap = 0\ndirection = \"denoising\"");
    let refusal = refused(&step(&format!("{neurons}\ncompare = \"exact\"")).replace(EXACT, &denoising));
    assert!(refusal.contains("clean values into the counterfactual run"), "{refusal}");
}
