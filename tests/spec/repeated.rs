//! What is written twice in a step, and names that are nearly right.

use super::errors::{RIGHT, text_of};

fn refused(step: &str) -> String {
    text_of(&format!("{RIGHT}\n[[step]]\nname = \"s\"\n{step}\n"))
}

#[test]
fn what_a_list_has_twice_is_refused() {
    let patching = |keys: &str| refused(&format!("kind = \"activation-patching\"\n{keys}"));
    let cases = [
        patching("sites = [\"z[0]\"]\npositions = [\"b\", \"b\"]"),
        patching("sites = [\"z[0]\"]\npositions = [-1, 2, -1]"),
        patching("sites = [\"z[0]\"]\nmeasures = [\"kl\", \"kl\"]"),
        patching("sites = [\"z[0]\", \"z[0]\"]"),
        refused("kind = \"ablation\"\nranked = { from = \"accuracy\", k = [0, 2, 2] }"),
    ];
    insta::assert_snapshot!(cases.join("\n"));
}

#[test]
fn interventions_of_a_step_have_names_of_their_own() {
    let edit = |name: &str| format!("{{ name = \"{name}\", edits = [{{ site = \"0.z\" }}] }}");
    let one = edit("one");
    insta::assert_snapshot!(refused(&format!("kind = \"intervention\"\ninterventions = [\n{one},\n{one},\n]")));
    let both = [edit("one"), edit("other")].join(", ");
    let step = |name: &str| format!("[[step]]\nname = \"{name}\"\nkind = \"intervention\"\ninterventions = [{both}]\n");
    let spec = format!("{RIGHT}\n{}{}", step("s"), step("t"));
    assert!(ablate::spec::parse("spec.toml", &spec).is_ok(), "two steps may have interventions of one name");
}

#[test]
fn a_step_is_not_told_to_wait_for_itself() {
    let step = |name: &str, from: &str| {
        format!("[[step]]\nname = \"{name}\"\nkind = \"ablation\"\nranked = {{ from = \"{from}\", k = [1] }}\n")
    };
    insta::assert_snapshot!(text_of(&format!("{RIGHT}\n{}{}", step("kept", "kepd"), step("later", "kept"))));
}

#[test]
fn hooks_that_are_nearly_right() {
    let sites = [
        "blocks.0.attn.z",
        "blocks.0.hook_z",
        "hook_z",
        "attn.z[head]",
        "blocks.attn.z",
        "0..2.mlp_pots",
        "blocks.1.ln2.scale",
        "mlp_pots",
        "hook_embd",
        "0..x.z",
        "something",
    ];
    let refused = |site: &str| refused(&format!("kind = \"capture\"\nsites = [\"{site}\"]"));
    insta::assert_snapshot!(sites.map(refused).join("\n"));
}
