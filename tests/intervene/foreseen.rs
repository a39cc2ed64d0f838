//! What a step will not find in another step's rows, or in a prompt set, is refused before any step has run.

use super::results::HEAD;
use crate::support::Sandbox;

/// What the binary says of a spec that it refuses before any work; `model` is the source of its model.
fn refused_of(model: &str, steps: &str) -> String {
    let config = r#"{"model_type": "llama", "vocab_size": 160, "hidden_size": 24, "intermediate_size": 40,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu",
        "max_position_embeddings": 64, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "tie_word_embeddings": false}"#;
    // The first step would run, and does not.
    let first = "[[step]]\nname = \"first\"\nkind = \"accuracy\"\n";
    let spec = format!("{}{first}{steps}", HEAD.replace("builtin:arith", model));
    Sandbox::of(&[("spec.toml", &spec), ("shared.json", config)]).refused()
}

fn refused(steps: &str) -> String {
    refused_of("builtin:arith", steps)
}

fn patching(name: &str, keys: &str) -> String {
    format!("[[step]]\nname = \"{name}\"\nkind = \"activation-patching\"\n{keys}\n")
}

fn ablation(keys: &str) -> String {
    format!("[[step]]\nname = \"ablated\"\nkind = \"ablation\"\nmode = \"keep\"\n{keys}\n")
}

#[test]
fn rankings_that_rows_will_not_allow() {
    let (heads, best) = ("sites = [\"z[head]\"]", "ranked = { from = \"effects\", k = [1] }");
    let steps = |effects: &str, ranked: &str| format!("{}{}", patching("effects", effects), ablation(ranked));
    let cases = [
        steps(heads, "components = [\"L*MLP\"]\nranked = { from = \"effects\", k = [4, 17] }"),
        steps(heads, "ranked = { from = \"effects\", where = { layer = \">= 2\" }, k = [9], per_operator = false }"),
        steps("sites = [\"resid_post\", \"attn_out\"]", best),
        steps("sites = [\"z[head]\"]\nmeasures = [\"kl\", \"accuracy\"]", best),
        steps("sites = [\"z[head]\", \"q[head]\"]", best),
        steps("sites = [\"z[head]\"]\nprompts = \"sums\"", best) + "[prompt_sets.sums]\noperators = [\"+\"]\n",
        patching("effects", heads)
            + "[[step]]\nname = \"rules\"\nkind = \"heuristics\"\nranked = { from = \"effects\" }\n",
        "[[step]]\nname = \"effects\"\nkind = \"neuron-patching\"\nlayers = \"2..4\"\n\
         [[step]]\nname = \"overlap\"\nkind = \"neuron-overlap\"\nfrom = \"effects\"\nk = [10, 300]\nper_layer = true\n"
            .to_string(),
    ];
    insta::assert_snapshot!(cases.map(|steps| refused(&steps)).join("\n"));
}

/// Query heads are heads.
#[test]
fn heads_that_share_keys_are_no_ranking_of_heads() {
    let refused = |unit: &str| {
        let ranked = ablation("components = [\"L*MLP\"]\nranked = { from = \"effects\", k = [99] }");
        let effects = patching("effects", &format!("sites = [\"{unit}[head]\"]"));
        refused_of("random:shared.json#1", &format!("{effects}{ranked}"))
    };
    insta::assert_snapshot!(["k", "q"].map(refused).join("\n"));
}

#[test]
fn sets_without_a_prompt_that_is_needed() {
    let with = |steps: String, set: &str| refused(&format!("{steps}[prompt_sets.other]\n{set}\n"));
    let pairs = |counterfactual: &str, set: &str| {
        with(patching("effects", &format!("sites = [\"z[head]\"]\ncounterfactual = {counterfactual}")), set)
    };
    let means = |mean: &str, set: &str| with(ablation(&format!("components = [\"L0H0\"]\nmean = {mean}")), set);
    let cases = [
        pairs("{ prompts = \"other\" }", "operands = { a = \"5000..5009\", b = \"1..7\" }"),
        pairs("{ prompts = \"other\", operators = \"same\" }", "operators = [\"+\"]"),
        pairs("{ prompts = \"other\" }", "template = \"{b}{op}{a}=\""),
        means("{ prompts = \"other\" }", "template = { asked = \"{a}{op}{b}=\" }"),
        means("{ prompts = \"other\", operators = \"same\" }", "operators = [\"-\"]"),
        means("{ prompts = \"other\" }", "template = \"{b}{op}{a}=\""),
    ];
    insta::assert_snapshot!(cases.join("\n"));
}

#[test]
fn comparisons_with_steps_of_other_places() {
    let steps = |exact: &str, own: &str| {
        format!(
            "{}[[step]]\nname = \"gradients\"\nkind = \"attribution-patching\"\ncompare = \"exact\"\n{own}\n",
            patching("exact", exact)
        )
    };
    let cases = [
        steps("sites = [\"z[head]\"]", "sites = [\"z[head]\", \"mlp_post\"]"),
        steps("sites = [\"1..4.z[head]\"]", "sites = [\"z[head]\"]"),
        steps("sites = [\"z[head]\"]", "sites = [\"z[head]\"]\npositions = [\"each\"]"),
        steps("sites = [\"z[head]\"]\nmodels = [\"model\"]", "sites = [\"z[head]\"]")
            + "[models.other]\nsource = \"builtin:arith\"\n",
    ];
    insta::assert_snapshot!(cases.map(|steps| refused(&steps)).join("\n"));
}

#[test]
fn what_steps_ask_of_their_model_in_vain_is_said_at_once() {
    insta::assert_snapshot!(refused(&format!(
        "{}{}{}",
        patching("one", "sites = [\"9.z[head]\"]"),
        patching("two", "sites = [\"z[head]\"]\npositions = [\"c\"]"),
        ablation("components = [\"L0H40\"]")
    )));
}
