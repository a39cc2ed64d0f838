//! Step `probe`, and steps that take layers from it.

use crate::intervene::spec::{Ran, ran, refused};
use std::collections::HashSet;

const PROBES: &str = r#"
[[step]]
name = "probes"
kind = "probe"
lr = 0.01
epochs = 60
"#;

fn column(ran: &Ran, rows: &str, name: &str) -> Vec<f64> {
    ran.numbers(rows, name).into_iter().map(|number| number.unwrap_or(f64::NAN)).collect()
}

fn texts(ran: &Ran, rows: &str, name: &str) -> Vec<String> {
    ran.texts(rows, name).into_iter().map(Option::unwrap_or_default).collect()
}

#[test]
fn a_row_for_each_site_position_and_operator() {
    let ran = ran(PROBES);
    // 4 layers, 4 positions, 2 operators and both together.
    let [n, classes, unseen, accuracy] =
        ["n", "classes", "unseen", "accuracy"].map(|name| column(&ran, "probes", name));
    assert_eq!(n.len(), 4 * 4 * 3);
    let operators = texts(&ran, "probes", "operator");
    let (low, high) = (column(&ran, "probes", "ci_low"), column(&ran, "probes", "ci_high"));
    let learned = column(&ran, "probes", "train_n");
    for row in 0..n.len() {
        assert!(low[row] <= accuracy[row] && accuracy[row] <= high[row] && low[row] < high[row]);
        assert!(accuracy[row] <= 1.0 - unseen[row] / n[row] + 1e-12, "what is not learned is not given");
        assert_eq!(classes[row], classes[0], "all operators share a classifier");
        assert_eq!((operators[row].as_str(), row % 3), (["+", "*", "all"][row % 3], row % 3));
        if operators[row] == "all" {
            // 7 × 7 operands of 2 operators, four fifths of them learned.
            assert_eq!((n[row], learned[row]), (20.0, 78.0));
            assert_eq!(n[row], n[row - 1] + n[row - 2]);
            let pooled = (accuracy[row - 1] * n[row - 1] + accuracy[row - 2] * n[row - 2]) / n[row];
            assert!((pooled - accuracy[row]).abs() < 1e-12);
        }
    }
    assert!(ran.report().contains("no classifier can give"), "{}", ran.report());
    let learning = ["of 16 classifiers was still learning", "of 16 classifiers were still learning"];
    assert!(learning.iter().any(|told| ran.report().contains(told)), "{}", ran.report());

    // Read from the last layer's stream the answer is there; from the first operand alone it cannot be.
    let (layer, position) = (column(&ran, "probes", "layer"), texts(&ran, "probes", "position"));
    let of = |wanted: f64, at: &str| {
        let row = (0..n.len()).find(|&row| layer[row] == wanted && position[row] == at && operators[row] == "all");
        row.unwrap()
    };
    let train = column(&ran, "probes", "train_accuracy");
    assert!(train[of(3.0, "=")] > 0.95, "{}", train[of(3.0, "=")]);
    assert!(train[of(3.0, "a")] < 0.4, "{}", train[of(3.0, "a")]);

    // The rule, by the rows.
    let last: Vec<f64> = (0..4).map(|layer| accuracy[of(f64::from(layer), "=")]).collect();
    let best = last.iter().copied().fold(0.0, f64::max);
    let first = (0..4).find(|&from| last[from..].iter().all(|accuracy| *accuracy >= 0.5 * best));
    let found = |name: &str| column(&ran, "probes.layers", name)[0];
    assert_eq!((found("first_layer"), found("last_layer")), (first.unwrap() as f64, 4.0));
    assert_eq!((found("best"), found("share"), found("n")), (best, 0.5, 20.0));
    assert_eq!((found("accuracy"), last[found("best_layer") as usize]), (last[first.unwrap()], best));
    assert_eq!(texts(&ran, "probes.layers", "layers"), [format!("{}..4", first.unwrap())]);
}

#[test]
fn each_operator_may_have_a_classifier_of_its_own() {
    let ran = ran(&format!(
        "{PROBES}sites = [\"3.resid_post\", \"2.z[head]\", \"mlp_post[0]\"]\npositions = [\"last\", -1]\noperators = \"each\"\n"
    ));
    let classes = ran.numbers("probes", "classes");
    // (1 stream + 4 heads + 4 layers' neuron 0) at the last position under two names.
    assert_eq!(classes.len(), (1 + 4 + 4) * 2 * 3);
    let pairs = (2..9).flat_map(|a| (2..9).map(move |b| (a, b)));
    let distinct = |answers: &mut dyn Iterator<Item = i32>| Some(answers.collect::<HashSet<_>>().len() as f64);
    let (sums, products) = (distinct(&mut pairs.clone().map(|(a, b)| a + b)), distinct(&mut pairs.map(|(a, b)| a * b)));
    assert_eq!(classes[..3], [sums, products, None]);
    let accuracy = ran.numbers("probes", "accuracy");
    let component = texts(&ran, "probes", "component");
    for row in (0..classes.len()).step_by(3) {
        let other = row + if (row / 3) % 2 == 0 { 3 } else { 0 };
        assert_eq!(accuracy[row..row + 3], accuracy[other..other + 3], "two names of one position: {}", component[row]);
    }
    assert!(component.contains(&"L2H3".into()) && component.contains(&"L1N0".into()));
    // No later layer was asked: the rule has the one.
    assert_eq!(ran.numbers("probes.layers", "first_layer"), [Some(3.0)]);
}

/// Blocks of activations, batches and threads change nothing.
#[test]
fn the_same_numbers_whatever_the_memory() {
    let wide = "sites = [\"resid_pre\", \"resid_post\", \"mlp_post\"]\n";
    let accuracy = |memory: &str| {
        let ran = ran(&format!("{PROBES}{wide}[run]\nmemory_mib = {memory}\nbatch = 7\n"));
        (ran.numbers("probes", "accuracy"), ran.numbers("probes", "loss"))
    };
    let (much, little) = (accuracy("512"), accuracy("16"));
    assert_eq!(much.0, little.0);
    for (one, other) in much.1.iter().zip(&little.1) {
        assert!((one.unwrap() - other.unwrap()).abs() < 1e-6, "{one:?} {other:?}");
    }
}

#[test]
fn steps_take_the_layers_that_are_found() {
    let ran = ran(&format!(
        "[[step]]\nname = \"neurons\"\nkind = \"neuron-patching\"\nlayers = \"{{probes}}\"\nbootstrap = 0\n\
         [[step]]\nname = \"lens\"\nkind = \"logit-lens\"\nsites = [\"blocks.{{probes}}.hook_resid_post\"]\n\
         [[step]]\nname = \"kept\"\nkind = \"ablation\"\nmode = \"keep\"\nvalue = \"zero\"\ncomponents = [\"L{{probes}}N0..2\"]\n{PROBES}"
    ));
    let first = ran.numbers("probes.layers", "first_layer")[0].unwrap();
    assert!(first > 0.0, "the first layer does not know the answer");
    let wanted: Vec<f64> = (first as u32..4).map(f64::from).collect();
    for rows in ["neurons", "lens", "kept.components"] {
        let mut layers = column(&ran, rows, "layer");
        layers.sort_by(f64::total_cmp);
        layers.dedup();
        assert_eq!(layers, wanted, "{rows}");
    }
}

#[test]
fn each_template_has_layers_of_its_own() {
    let ran = ran(&format!(
        "[prompt_sets.two]\ntemplate = {{ plain = \"{{a}}{{op}}{{b}}=\", turned = \"{{b}}{{op}}{{a}}=\" }}\n{PROBES}prompts = \"two\"\n\
         [[step]]\nname = \"lens\"\nkind = \"logit-lens\"\nprompts = \"two\"\nsites = [\"{{probes}}.resid_post\"]\nbootstrap = 0\n"
    ));
    let first = column(&ran, "probes.layers", "first_layer");
    assert_eq!(texts(&ran, "probes.layers", "template"), ["plain", "turned"]);
    let (templates, layers) = (texts(&ran, "lens", "template"), column(&ran, "lens", "layer"));
    for (template, first) in ["plain", "turned"].into_iter().zip(first) {
        let own = templates.iter().zip(&layers).filter(|(name, _)| *name == template).map(|(_, layer)| *layer);
        assert_eq!(own.fold(f64::INFINITY, f64::min), first, "{template}");
    }
}

#[test]
fn what_can_not_be_probed_is_refused_before_any_work() {
    let with = |keys: &str| refused(&format!("{PROBES}{keys}"));
    for (keys, problem, place) in [
        ("sites = [\"0.pattern\"]", "attention scores and patterns cannot be probed", "spec.toml:8:10"),
        ("sites = [\"9.resid_post\"]", "there is no layer 9", "spec.toml:8:10"),
        ("positions = [\"all\"]", "write 'each'", "spec.toml:8:14"),
        ("positions = [\"c\"]", "no position 'c'", "spec.toml:8:14"),
        ("train = 0.001", "takes 0 for training and leaves 98", "spec.toml:8:9"),
        ("train = 1", "'train' = 1 is out of range", "spec.toml:8:9"),
        ("share = 0", "'share' = 0 is out of range", "spec.toml:8:9"),
    ] {
        let text = with(keys);
        assert!(text.contains(problem) && text.contains(place), "{keys}: {text}");
    }
    let lens = "[[step]]\nname = \"lens\"\nkind = \"logit-lens\"\nsites = [\"{probes}.resid_post\"]\n";
    for keys in ["positions = [\"a\"]", "sites = [\"resid_pre\"]"] {
        let text = with(&format!("{keys}\n{lens}"));
        assert!(text.contains("needs 'resid_post' at the last position"), "{keys}: {text}");
    }
    let models = "[models.other]\nsource = \"builtin:arith\"\n";
    let text = with(&format!("models = [\"other\"]\n{lens}{models}"));
    assert!(text.contains("does not run model 'model'"), "{text}");
    let sets = "[prompt_sets.two]\ntemplate = { x = \"{a}{op}{b}=\", y = \"{a}{op}{b}=\" }\n";
    let text = with(&format!("prompts = \"two\"\n{lens}{sets}"));
    assert!(text.contains("has no prompts of template 'default'"), "{text}");
}

/// Where the rule finds none, a step that needs them says so.
#[test]
fn layers_that_are_not_found_are_refused_where_they_are_asked_for() {
    let hopeless = "[[step]]\nname = \"probes\"\nkind = \"probe\"\nlr = 1e-9\nepochs = 1\nseed = 0\nshare = 1.0\npositions = [\"last\"]\n\
                    [[step]]\nname = \"lens\"\nkind = \"logit-lens\"\nsites = [\"{probes}.resid_post\"]\n";
    let text = refused(hopeless);
    assert!(text.contains("found no answer-writing layers in model 'model'") && text.contains("spec.toml"), "{text}");
}
