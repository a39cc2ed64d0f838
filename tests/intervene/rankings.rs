//! Components that are ablated by rank.

use super::results::{HEAD, Results, of};
use ablate::prelude::Experiment;
use ablate::spec;
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

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
    let number =
        |name: &str, row: usize| members.column(name).unwrap().i64().unwrap().get(row).map(|number| number as u32);
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
            measures.get(row) == Some("faithfulness") && rows.column("k").unwrap().i64().unwrap().get(row) == Some(16)
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
    let components: BTreeSet<Option<i64>> = rows.column("components").unwrap().i64().unwrap().iter().collect();
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
    let error = Experiment::from(loaded).without_store().run().unwrap_err();
    assert!(error.render(false).contains("stdd"), "{}", error.render(false));
    assert_eq!(error.exit_code(), 2);
}
