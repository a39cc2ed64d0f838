//! Step `neuron-overlap`.

use crate::intervene::spec::{Ran, ran, refused};
use std::collections::{BTreeMap, BTreeSet};

const EFFECTS: &str = "[[step]]\nname = \"effects\"\nkind = \"neuron-patching\"\nlayers = \"2..4\"\nbootstrap = 0\n";

/// By hand: the k neurons of each layer with the largest mean effect.
fn best(ran: &Ran, operator: &str, k: usize, per_layer: bool) -> BTreeSet<String> {
    let columns = ["operator", "component"].map(|column| ran.texts("effects", column));
    let (layers, means) = (ran.numbers("effects", "layer"), ran.numbers("effects", "mean"));
    let mut by_layer: BTreeMap<u32, Vec<(f64, String)>> = BTreeMap::new();
    for row in (0..means.len()).filter(|&row| columns[0][row].as_deref() == Some(operator)) {
        let layer = if per_layer { layers[row].unwrap() as u32 } else { 0 };
        by_layer.entry(layer).or_default().push((means[row].unwrap(), columns[1][row].clone().unwrap()));
    }
    let top = |mut neurons: Vec<(f64, String)>| {
        neurons.sort_by(|one, other| other.0.total_cmp(&one.0));
        neurons.into_iter().take(k).map(|(_, name)| name).collect::<Vec<_>>()
    };
    by_layer.into_values().flat_map(top).collect()
}

#[test]
fn overlap_is_intersection_over_union() {
    let ran = ran(&format!(
        "[[step]]\nname = \"overlap\"\nkind = \"neuron-overlap\"\nfrom = \"effects\"\nk = [5, 40, 256]\n\
         [[step]]\nname = \"whole\"\nkind = \"neuron-overlap\"\nfrom = \"effects\"\nk = [60]\nper_layer = false\n{EFFECTS}"
    ));
    for (step, ks, per_layer) in [("overlap", vec![5, 40, 256], true), ("whole", vec![60], false)] {
        let [operator, other] = ["operator", "other"].map(|column| ran.texts(step, column));
        let [k, iou, shared, n] = ["k", "iou", "shared", "n"].map(|column| ran.numbers(step, column));
        let rows: BTreeMap<(usize, String, String), [f64; 3]> = (0..iou.len())
            .map(|row| {
                let key = (k[row].unwrap() as usize, operator[row].clone().unwrap(), other[row].clone().unwrap());
                (key, [iou[row].unwrap(), shared[row].unwrap(), n[row].unwrap()])
            })
            .collect();
        assert_eq!(rows.len(), 4 * ks.len());
        for k in ks {
            let of = |one: &str, other: &str| rows[&(k, one.to_string(), other.to_string())];
            let sets = ["+", "*"].map(|operator| best(&ran, operator, k, per_layer));
            let (both, either) = (sets[0].intersection(&sets[1]).count(), sets[0].union(&sets[1]).count());
            assert_eq!(of("+", "*"), [both as f64 / either as f64, both as f64, either as f64], "{step} k = {k}");
            assert_eq!(of("+", "*"), of("*", "+"));
            assert_eq!(of("+", "+")[0], 1.0);
            assert_eq!(of("*", "*")[2] as usize, sets[1].len());
        }
    }
    assert!(ran.numbers("overlap", "iou").iter().flatten().any(|iou| *iou < 1.0), "k = 256 alone is all there are");
}

#[test]
fn overlaps_of_nothing_are_refused() {
    let step = |keys: &str| format!("{EFFECTS}[[step]]\nname = \"overlap\"\nkind = \"neuron-overlap\"\n{keys}\n");
    let refusal = refused(&step("from = \"effects\"\nk = [5, 300]"));
    assert!(refusal.contains("k = 300: 'effects' ranks 256 neurons in each layer"), "{refusal}");
    let refusal = refused(&step("from = \"effects\"\nby = \"operator\""));
    assert!(refusal.contains("column 'operator' of 'effects' does not hold numbers"), "{refusal}");
    let heads = "[[step]]\nname = \"heads\"\nkind = \"ablation\"\ncomponents = [\"L0H0\"]\n";
    let refusal = refused(&format!("{heads}{}", step("from = \"heads\"")));
    assert!(refusal.contains("rows of 'heads' have no columns 'layer'"), "{refusal}");
}
