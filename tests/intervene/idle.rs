//! Keys that are set and change nothing are refused before any work, and so is what steps cannot find in a model.

use super::spec::{ran, refused};
use crate::support::{Sandbox, says};
use ablate::experiment::Specs;

const EFFECTS: &str =
    "[[step]]\nname = \"effects\"\nkind = \"activation-patching\"\nsites = [\"z[head]\"]\nbootstrap = 0\n";

fn step(kind: &str, keys: &str) -> String {
    format!("[[step]]\nname = \"s\"\nkind = \"{kind}\"\n{keys}\n")
}

#[test]
fn keys_that_change_nothing_are_refused() {
    let ablation = |keys: &str| step("ablation", &format!("components = [\"L0MLP\"]\n{keys}"));
    let gradients = |keys: &str| step("attribution-patching", &format!("sites = [\"z[head]\"]\n{keys}"));
    let direct = |keys: &str| step("logit-attribution", keys);
    let edits = |keys: &str, edit: &str| {
        step("intervention", &format!("{keys}\ninterventions = [{{ name = \"one\", edits = [{{ {edit} }}] }}]"))
    };
    let cases = [
        ablation("value = \"zero\"\nmean = { sample = 9 }"),
        ablation("counterfactual.operators = \"same\""),
        ablation("measures = [\"kl\"]\namong = [\"L*MLP\"]"),
        EFFECTS.to_string() + &ablation("listed = [{ from = \"effects\", by = \"n\" }]"),
        gradients("top = [3]"),
        gradients("compare_measure = \"kl\""),
        direct("counterfactual.operators = \"same\""),
        edits("mean.sample = 9", "site = \"0.z\", value = 0"),
        edits("", "site = \"0.z\", to = [\"a\"]"),
        edits("", "cut = [\"L0H1\"], add = true"),
    ];
    insta::assert_snapshot!(cases.map(|steps| refused(&steps)).join("\n\n"));
}

/// What changes nothing for one value of an axis changes something for another; and a default that is written out is none that is set.
#[test]
fn keys_that_work_in_some_variant_are_not_idle() {
    let spec = |values: &str, keys: &str| {
        format!(
            "title = \"values\"\n[model]\nsource = \"builtin:arith\"\n[prompts]\noperands = {{ a = \"2..9\", b = \"2..9\" }}\n\
             [matrix.to]\nkey = \"step.s.value\"\nvalues = {values}\n[[step]]\nname = \"s\"\nkind = \"ablation\"\n\
             components = [\"L0MLP\"]\n{keys}\n"
        )
    };
    let prepared = |text: String| {
        let sandbox = Sandbox::with(&text);
        let mut specs = Specs::read(&[sandbox.at("spec.toml")], &[], true).unwrap();
        specs.plan(true).map(drop).map_err(|error| error.render(false))
    };
    assert_eq!(prepared(spec("[\"mean\", \"zero\"]", "mean.sample = 9")), Ok(()));
    assert_eq!(prepared(spec("[\"zero\", \"resample\"]", "mean.sample = 1000")), Ok(()));
    let text = prepared(spec("[\"zero\", \"resample\"]", "mean.sample = 9")).unwrap_err();
    assert_eq!(text.matches("'mean' has no effect in this step").count(), 1, "{text}");
}

#[test]
fn a_kept_component_is_one_that_would_be_ablated() {
    let keep = |components: &str, among: &str| {
        step("ablation", &format!("mode = \"keep\"\ncomponents = {components}\namong = {among}"))
    };
    let text = refused(&keep("[\"L1H0\", \"L0MLP\"]", "[\"L*H*\"]"));
    says(&text, ["'L0MLP' is never ablated, because it is not in 'among'", "[spec.toml:6:23]", "leave it out"]);
}

#[test]
fn a_place_that_several_sites_name_has_one_row() {
    let spec = "[[step]]\nname = \"effects\"\nkind = \"activation-patching\"\nbootstrap = 0\n\
                sites = [\"0.z[1]\", \"blocks.0.attn.hook_z[head]\"]\npositions = [\"b\", \"each\"]\n";
    let rows = ran(spec).rows("effects");
    // Four heads at four positions, of two operators; `last` is the name that `each` gives no position.
    assert_eq!(rows.height(), 4 * 4 * 2);
}

#[test]
fn layers_of_neurons_are_refused_where_they_are_written() {
    for method in ["exact", "attribution"] {
        let text = refused(&step("neuron-patching", &format!("layers = \"7\"\nmethod = \"{method}\"")));
        says(&text, ["'7': there is no layer 7, because there are 4 layers; write 0 to 3", "[spec.toml:5:10]"]);
        assert!(!text.contains("hook_post"), "{text}");
    }
}

#[test]
fn positions_that_are_not_there_are_all_named() {
    let text = refused(&step("logit-lens", "positions = [\"c\", \"last\", \"opp\"]"));
    says(
        &text,
        ["no position 'c'", "[spec.toml:5:14]", "help: the positions are 'a', 'op', 'b', '=', 'last', 'each', 'all'"],
    );
    says(&text, ["no position 'opp'", "[spec.toml:5:27]", "help: write 'op'; the positions are"]);
}

#[test]
fn a_ranking_of_nothing_says_why() {
    let ranked = |keys: &str, ranked: &str| {
        format!(
            "{EFFECTS}{}",
            step("ablation", &format!("{keys}\nranked = {{ from = \"effects\", k = [0, 3]{ranked} }}"))
        )
    };
    let text = refused(&ranked("", ", where = { layer = \"> 7\" }"));
    says(&text, ["k = 3: 'effects' ranks nothing: no row meets this condition"]);
    let text = refused(&ranked("components = [\"L*H*\"]", ""));
    says(&text, ["k = 3: 'effects' ranks nothing: its 16 components are all named", "write k = [0]"]);
    let text = refused(&ranked("mode = \"keep\"\namong = [\"L*MLP\"]", ""));
    says(&text, ["its 16 components are all named in 'components' or 'listed' or not in 'among'"]);
}

#[test]
fn a_mean_over_legal_prompts_of_which_there_are_none_says_so() {
    let steps = step("ablation", "components = [\"L0MLP\"]\nmean = { prompts = \"negative\", legality = \"legal\" }");
    let text = refused(&format!(
        "{steps}[prompt_sets.negative]\noperators = [\"-\"]\noperands = {{ a = \"2..4\", b = \"5..9\" }}\n"
    ));
    says(&text, ["no prompt for '-' in template 'default' is legal", "legality = \"any\""]);
}
