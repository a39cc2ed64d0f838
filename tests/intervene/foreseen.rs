//! What a step will not find in another step's rows, or in a prompt set, is refused before any step has run.

use super::results::HEAD;
use crate::support::{Sandbox, says};

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
    let heads = patching("effects", "sites = [\"z[head]\"]");
    let cases = [
        (
            format!("{heads}{}", ablation("components = [\"L*MLP\"]\nranked = { from = \"effects\", k = [4, 17] }")),
            vec!["k = 17: 'effects' ranks 16 components besides the components named; write 0 to 16", "^^"],
        ),
        (
            format!(
                "{heads}{}",
                ablation(
                    "ranked = { from = \"effects\", where = { layer = \">= 2\" }, k = [9], per_operator = false }"
                )
            ),
            vec!["k = 9: 'effects' ranks 8 components; write 0 to 8"],
        ),
        (
            format!(
                "{}{}",
                patching("effects", "sites = [\"resid_post\", \"attn_out\"]"),
                ablation("ranked = { from = \"effects\", k = [1] }")
            ),
            vec![
                "rows of 'effects' of 'hook_resid_post', 'hook_attn_out' are of no head, MLP or neuron",
                "mlp_post[neuron]",
            ],
        ),
        (
            format!(
                "{}{}",
                patching("effects", "sites = [\"z[head]\"]\nmeasures = [\"kl\", \"accuracy\"]"),
                ablation("ranked = { from = \"effects\", k = [1] }")
            ),
            vec!["'effects' has rows of 'kl', 'accuracy'; write measure = \"kl\" beside 'from'"],
        ),
        (
            format!(
                "{}{}",
                patching("effects", "sites = [\"z[head]\", \"q[head]\"]"),
                ablation("ranked = { from = \"effects\", k = [1] }")
            ),
            vec!["rows of 'effects' are of the same components at attn.hook_z and attn.hook_q"],
        ),
        (
            format!(
                "{}{}[prompt_sets.sums]\noperators = [\"+\"]\n",
                patching("effects", "sites = [\"z[head]\"]\nprompts = \"sums\""),
                ablation("ranked = { from = \"effects\", k = [1] }")
            ),
            vec!["'effects' has no rows of model 'model', template 'default', operator '*'"],
        ),
        (
            format!("{heads}[[step]]\nname = \"rules\"\nkind = \"heuristics\"\nranked = {{ from = \"effects\" }}\n"),
            vec!["'effects' ranks no neurons for operator '+'; write a step of neuron-patching"],
        ),
        (
            "[[step]]\nname = \"effects\"\nkind = \"neuron-patching\"\nlayers = \"2..4\"\n\
             [[step]]\nname = \"overlap\"\nkind = \"neuron-overlap\"\nfrom = \"effects\"\nk = [10, 300]\n\
             per_layer = true\n"
                .to_string(),
            vec!["k = 300: 'effects' ranks 256 neurons in each layer (operator '+'); write 1 to 256"],
        ),
    ];
    for (steps, says) in cases {
        let text = refused(&steps);
        for part in says.iter().chain(&["spec.toml:"]) {
            assert!(text.contains(part), "{part:?} in {text}");
        }
    }
}

#[test]
fn heads_that_share_keys_are_no_ranking_of_heads() {
    let steps = |unit: &str| {
        format!(
            "{}{}",
            patching("effects", &format!("sites = [\"{unit}[head]\"]")),
            ablation("components = [\"L*MLP\"]\nranked = { from = \"effects\", k = [99] }")
        )
    };
    let text = refused_of("random:shared.json#1", &steps("k"));
    assert!(text.contains("heads at attn.hook_k are key/value heads, each of several heads"), "{text}");
    let text = refused_of("random:shared.json#1", &steps("q"));
    assert!(text.contains("ranks 8 components"), "query heads are heads: {text}");
}

#[test]
fn sets_without_a_prompt_that_is_needed() {
    let pairs = |counterfactual: &str, set: &str| {
        refused(&format!(
            "{}[prompt_sets.other]\n{set}\n",
            patching("effects", &format!("sites = [\"z[head]\"]\ncounterfactual = {counterfactual}"))
        ))
    };
    let text = pairs("{ prompts = \"other\" }", "operands = { a = \"5000..5009\", b = \"1..7\" }");
    assert!(text.contains("no legal prompt for '+'") && text.contains("[spec.toml:"), "{text}");
    let text = pairs("{ prompts = \"other\", operators = \"same\" }", "operators = [\"+\"]");
    assert!(text.contains("prompt set 'other' has no prompts with operator '*'"), "{text}");
    assert!(text.contains("write operators = \"all\", or add \"*\" to [prompt_sets.other]"), "{text}");
    let text = pairs("{ prompts = \"other\" }", "template = \"{b}{op}{a}=\"");
    assert!(text.contains("prompt set 'other' has no prompt with the template and the positions of"), "{text}");

    let means = |mean: &str, set: &str| {
        refused(&format!(
            "{}[prompt_sets.other]\n{set}\n",
            ablation(&format!("components = [\"L0H0\"]\nmean = {mean}"))
        ))
    };
    let text = means("{ prompts = \"other\" }", "template = { asked = \"{a}{op}{b}=\" }");
    assert!(text.contains("prompt set 'other' has no template 'default' to take means over"), "{text}");
    let text = means("{ prompts = \"other\", operators = \"same\" }", "operators = [\"-\"]");
    assert!(text.contains("no prompts with operator '+' to take its mean over"), "{text}");
    let text = means("{ prompts = \"other\" }", "template = \"{b}{op}{a}=\"");
    assert!(text.contains("no prompt for '+' in template 'default'"), "{text}");
}

#[test]
fn comparisons_with_steps_of_other_places() {
    let steps = |exact: &str, own: &str| {
        format!(
            "{}[[step]]\nname = \"gradients\"\nkind = \"attribution-patching\"\ncompare = \"exact\"\n{own}\n",
            patching("exact", exact)
        )
    };
    for (exact, own, says) in [
        (
            "sites = [\"z[head]\"]",
            "sites = [\"z[head]\", \"mlp_post\"]",
            "no rows of layer 0, mlp.hook_post at position",
        ),
        ("sites = [\"1..4.z[head]\"]", "sites = [\"z[head]\"]", "no rows of layer 0, attn.hook_z [0] at position"),
        ("sites = [\"z[head]\"]", "sites = [\"z[head]\"]\npositions = [\"each\"]", "[0] at position 'a'"),
    ] {
        let text = refused(&steps(exact, own));
        assert!(text.contains(says) && text.contains("write the same sites and positions in both"), "{text}");
    }
    let other = "[models.other]\nsource = \"builtin:arith\"\n";
    let text =
        refused(&format!("{}{other}", steps("sites = [\"z[head]\"]\nmodels = [\"model\"]", "sites = [\"z[head]\"]")));
    assert!(text.contains("step 'exact' does not run model 'other'"), "{text}");
}

#[test]
fn what_steps_ask_of_their_model_in_vain_is_said_at_once() {
    let text = refused(&format!(
        "{}{}{}",
        patching("one", "sites = [\"9.z[head]\"]"),
        patching("two", "sites = [\"z[head]\"]\npositions = [\"c\"]"),
        ablation("components = [\"L0H40\"]")
    ));
    says(&text, ["layer 9 of 4", "has no position 'c'", "head 40 of 4", "3 errors"]);
}
