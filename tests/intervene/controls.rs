//! Random matched sets beside the units that a step names, and p-values beside its means.

use super::results::{Results, refused};
use ablate::measure::{SignFlips, holm};
use polars::prelude::*;
use std::collections::BTreeMap;

/// A column of a step's rows by operator, measure and k.
fn column(results: &Results, step: &str, name: &str) -> BTreeMap<(String, String, Option<i64>), Option<f64>> {
    let rows = results.rows(step);
    let texts = |name: &str| rows.column(name).unwrap().str().unwrap().clone();
    let (operators, measures, k) = (texts("operator"), texts("measure"), rows.column("k").unwrap().i64().unwrap());
    let values = rows.column(name).unwrap().cast(&DataType::Float64).unwrap();
    let values = values.f64().unwrap();
    let key = |row: usize| (operators.get(row).unwrap().into(), measures.get(row).unwrap().into(), k.get(row));
    (0..rows.height()).map(|row| (key(row), values.get(row))).collect()
}

/// Two of four heads: the only others are the other two, which every draw is then.
#[test]
fn controls_are_as_many_other_units_of_the_layer() {
    let mut steps = String::new();
    for value in ["mean", "zero", "resample"] {
        for (name, mode, components, control) in [
            ("named", "ablate", r#"["L1H0,1", "L2MLP"]"#, r#"{ draws = 7 }"#),
            ("others", "ablate", r#"["L1H2,3", "L2MLP"]"#, r#""none""#),
            ("kept", "keep", r#"["L*MLP", "L1H0,1", "L3H*"]"#, r#""random-matched""#),
            ("others-kept", "keep", r#"["L*MLP", "L1H2,3", "L3H*"]"#, r#""none""#),
        ] {
            steps += &format!(
                r#"
                [[step]]
                name = "{name}-{value}"
                kind = "ablation"
                mode = "{mode}"
                value = "{value}"
                components = {components}
                control = {control}
                measures = ["logit", "kl", "faithfulness"]
                "#
            );
        }
    }
    let results = Results::of(&steps);
    for value in ["mean", "zero", "resample"] {
        for (named, others, draws) in [("named", "others", 7), ("kept", "others-kept", 10)] {
            let (named, others) = (format!("{named}-{value}"), format!("{others}-{value}"));
            assert!(results.rows(&others).column("control_mean").is_err(), "asked for none");
            let [own, whole, p, count] =
                ["mean", "baseline", "control_p", "control_draws"].map(|name| column(&results, &named, name));
            let wanted = column(&results, &others, "mean");
            for name in ["control_mean", "control_low", "control_high"] {
                for (key, value) in column(&results, &named, name) {
                    let (value, wanted) = (value.unwrap(), wanted[&key].unwrap());
                    assert!((value - wanted).abs() < 1e-9 * wanted.abs().max(1.0), "{named} {key:?}: {value} {wanted}");
                }
            }
            for (key, p) in p {
                assert_eq!(count[&key], Some(f64::from(draws)));
                let far = |value: f64| (value - whole[&key].unwrap()).abs();
                let (own, other) = (far(own[&key].unwrap()), far(wanted[&key].unwrap()));
                let as_strong = if named.starts_with("kept") { other <= own } else { other >= own };
                let wanted = if as_strong { 1.0 } else { 1.0 / f64::from(draws + 1) };
                assert!((p.unwrap() - wanted).abs() < 1e-12, "{named} {key:?}: {p:?} {wanted}");
            }
        }
    }
}

/// The others of a layer first; where those are fewer, named ones for the rest. Whole MLPs have no others.
#[test]
fn a_layer_without_enough_others_keeps_named_ones() {
    let results = Results::of(
        r#"
        [[step]]
        name = "three"
        kind = "ablation"
        components = ["L1H0..3"]
        control = { draws = 40, seed = 1 }
        measures = ["logit"]
        [[step]]
        name = "mlp"
        kind = "ablation"
        components = ["L1MLP"]
        measures = ["logit"]
        "#,
    );
    // Three of four: each draw is head 3 with two of the others, of which there are three pairs.
    let mut singles = String::new();
    for (name, components) in [("a", "L1H0,1,3"), ("b", "L1H0,2,3"), ("c", "L1H1,2,3")] {
        singles += &format!(
            "[[step]]\nname = \"{name}\"\nkind = \"ablation\"\ncomponents = [\"{components}\"]\nmeasures = [\"logit\"]\ncontrol = \"none\"\n"
        );
    }
    let pairs = Results::of(&singles);
    for (key, low) in column(&results, "three", "control_low") {
        let mut wanted: Vec<f64> = ["a", "b", "c"].map(|name| column(&pairs, name, "mean")[&key].unwrap()).to_vec();
        wanted.sort_by(f64::total_cmp);
        let high = column(&results, "three", "control_high")[&key].unwrap();
        assert!(
            (low.unwrap() - wanted[0]).abs() < 1e-6 && (high - wanted[2]).abs() < 1e-6,
            "{low:?} {high} {wanted:?}"
        );
    }
    let report = results.report();
    assert!(report.contains("fewer other units than are named"), "{report}");
    assert!(report.contains("layers have no other units of the kind that is named"), "{report}");
    assert!(column(&results, "mlp", "control_mean").values().all(Option::is_none));
}

/// Each circuit of a curve has controls of its own size, and the rows are otherwise what they are without.
#[test]
fn every_circuit_of_a_curve_has_controls() {
    let steps = |control: &str| {
        format!(
            r#"
            [[step]]
            name = "effects"
            kind = "activation-patching"
            sites = ["z[head]"]
            [[step]]
            name = "circuits"
            kind = "ablation"
            mode = "keep"
            components = ["L*MLP"]
            ranked = {{ from = "effects", k = [0, 3, 16] }}
            measures = ["faithfulness"]
            control = {control}
            [[step]]
            name = "enough"
            kind = "smallest"
            from = "circuits"
            "#
        )
    };
    let (with, without) = (Results::of(&steps("{ draws = 3 }")), Results::of(&steps("\"none\"")));
    let (rows, plain) = (with.rows("circuits"), without.rows("circuits"));
    let names: Vec<PlSmallStr> = plain.columns().iter().map(|column| column.name().clone()).collect();
    assert!(rows.select(names).unwrap().equals_missing(&plain));
    for (key, draws) in column(&with, "circuits", "control_draws") {
        // No head, and all of them, leave nothing to draw.
        assert_eq!(draws, (key.2 == Some(3)).then_some(3.0), "{key:?}");
    }
    let enough = with.rows("enough");
    assert!(enough.column("control_mean").is_ok() && without.rows("enough").column("control_mean").is_err());
}

#[test]
fn p_values_stand_beside_means() {
    let results = Results::of(
        r#"
        [[step]]
        name = "heads"
        kind = "activation-patching"
        sites = ["0..2.z[head]"]
        measures = ["logit-difference", "kl"]
        test = "sign-flip"
        correction = "holm"
        per_prompt = true
        "#,
    );
    let rows = results.rows("heads");
    let each = results.rows("heads.prompts");
    let texts = |rows: &DataFrame, name: &str| -> Vec<String> {
        rows.column(name).unwrap().str().unwrap().iter().map(|text| text.unwrap_or_default().to_string()).collect()
    };
    let numbers = |rows: &DataFrame, name: &str| -> Vec<f64> {
        rows.column(name).unwrap().f64().unwrap().iter().map(|number| number.unwrap_or(f64::NAN)).collect()
    };
    let key = |rows: &DataFrame| -> Vec<(String, String, String)> {
        let [components, operators, measures] = ["component", "operator", "measure"].map(|name| texts(rows, name));
        components.into_iter().zip(operators).zip(measures).map(|((one, two), three)| (one, two, three)).collect()
    };
    let mut differences: BTreeMap<(String, String, String), Vec<f64>> = BTreeMap::new();
    for ((key, value), whole) in key(&each).into_iter().zip(numbers(&each, "value")).zip(numbers(&each, "baseline")) {
        differences.entry(key).or_default().push(value - whole);
    }
    let p = numbers(&rows, "p");
    for (key, p) in key(&rows).iter().zip(&p) {
        let values = &differences[key];
        let wanted = SignFlips::of(&(0..values.len()).collect::<Vec<_>>(), 0, 0).p(values);
        assert!((p - wanted).abs() < 1e-12, "{key:?}: {p} {wanted}");
    }
    let corrected = numbers(&rows, "p_holm");
    for operator in ["+", "*"] {
        for measure in ["logit-difference", "kl"] {
            let of = |index: &usize| key(&rows)[*index].1 == operator && key(&rows)[*index].2 == measure;
            let members: Vec<usize> = (0..rows.height()).filter(of).collect();
            let own: Vec<f64> = members.iter().map(|&row| p[row]).collect();
            let found: Vec<f64> = members.iter().map(|&row| corrected[row]).collect();
            assert_eq!(own.len(), 8);
            assert_eq!(found, holm(&own));
        }
    }
    assert!(results.report().contains("take more prompts, or fewer cells"), "5 prompts can not tell 8 cells apart");
}

#[test]
fn a_correction_of_nothing_is_refused() {
    let step = "[[step]]\nname = \"heads\"\nkind = \"activation-patching\"\nsites = [\"0.z[head]\"]\n";
    let message = refused(&format!("{step}correction = \"holm\"\n"));
    assert!(message.contains("'correction' has no effect") && message.contains("test = \"sign-flip\""), "{message}");
    let message = refused(&format!("{step}test = \"t\"\n"));
    assert!(message.contains("sign-flip"), "{message}");
}

/// Heads of an intervention by others of the layer, the same ones in every edit; rows of their own where they are asked for.
#[test]
fn interventions_have_controls_where_they_are_asked_for() {
    let steps = |control: &str, named: &str| {
        format!(
            r#"
            [[step]]
            name = "edits"
            kind = "intervention"
            measures = ["logit-difference"]
            {control}
            [[step.interventions]]
            name = "one"
            edits = [{{ site = "1.z[{named}]", positions = ["last"], value = 0 }}, {{ cut = ["L1H{named}"], positions = ["="] }}]
            "#
        )
    };
    let with = Results::of(&steps("control = { draws = 12 }", "1"));
    let names: std::collections::BTreeSet<String> = with
        .rows("edits")
        .column("intervention")
        .unwrap()
        .str()
        .unwrap()
        .iter()
        .map(|name| name.unwrap().to_string())
        .collect();
    assert_eq!(names.len(), 13, "{names:?}");
    let means = |results: &Results, wanted: &str| -> Vec<f64> {
        let rows = results.rows("edits");
        let of = rows.column("intervention").unwrap().str().unwrap().equal(wanted);
        rows.filter(&of).unwrap().column("mean").unwrap().f64().unwrap().iter().flatten().collect()
    };
    let others: Vec<Vec<f64>> = ["0", "2", "3"].map(|head| means(&Results::of(&steps("", head)), "one")).to_vec();
    let mut seen = [false; 3];
    for draw in 1..=12 {
        let found = means(&with, &format!("one (random {draw})"));
        let near = |other: &Vec<f64>| other.iter().zip(&found).all(|(one, other)| (one - other).abs() < 1e-5);
        seen[others.iter().position(near).expect("another head of the layer")] = true;
    }
    assert_eq!(seen, [true; 3], "12 draws of three heads");
}
