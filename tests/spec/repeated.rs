//! What is written twice in a step, and names that are nearly right.

use super::errors::{RIGHT, says, text_of};

fn refused(step: &str) -> String {
    text_of(&format!("{RIGHT}\n[[step]]\nname = \"s\"\n{step}\n"))
}

#[test]
fn what_a_list_has_twice_is_refused() {
    let patching = |keys: &str| refused(&format!("kind = \"activation-patching\"\n{keys}"));
    let sites = "sites = [\"z[0]\"]";
    says(
        &patching(&format!("{sites}\npositions = [\"b\", \"b\"]")),
        &["the text \"b\" is in 'positions' twice", "[spec.toml:30:19]", "help: write it once"],
    );
    says(&patching(&format!("{sites}\npositions = [-1, 2, -1]")), &["the integer -1 is in 'positions' twice"]);
    says(&patching(&format!("{sites}\nmeasures = [\"kl\", \"kl\"]")), &["the text \"kl\" is in 'measures' twice"]);
    says(&patching("sites = [\"z[0]\", \"z[0]\"]"), &["the text \"z[0]\" is in 'sites' twice"]);
    let ranked = "kind = \"ablation\"\nranked = { from = \"accuracy\", k = [0, 2, 2] }";
    says(&refused(ranked), &["the integer 2 is in 'k' twice"]);
}

#[test]
fn interventions_of_a_step_have_names_of_their_own() {
    let edit = |name: &str| format!("{{ name = \"{name}\", edits = [{{ site = \"0.z\" }}] }}");
    let one = edit("one");
    let text = refused(&format!("kind = \"intervention\"\ninterventions = [\n{one},\n{one},\n]"));
    says(&text, &["two interventions have the name 'one'", "the first", "the second"]);
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
    let text = text_of(&format!("{RIGHT}\n{}{}", step("kept", "kepd"), step("later", "kept")));
    says(&text, &["no step 'kepd'", "there are accuracy, accuracy.prompts"]);
    assert!(!text.contains("later"), "{text}");
}

#[test]
fn hooks_that_are_nearly_right() {
    let cases = [
        ("blocks.0.attn.z", "write 'blocks.0.attn.hook_z'"),
        ("blocks.0.hook_z", "write 'blocks.0.attn.hook_z'"),
        ("hook_z", "write 'blocks.*.attn.hook_z'"),
        ("attn.z[head]", "write 'blocks.*.attn.hook_z'"),
        ("blocks.attn.z", "write 'blocks.*.attn.hook_z'"),
        ("0..2.mlp_pots", "write '0..2.mlp_post'"),
        ("blocks.1.ln2.scale", "write 'blocks.1.ln2.hook_scale'"),
        ("mlp_pots", "write 'mlp_post'"),
        ("hook_embd", "write 'hook_embed'"),
        ("0..x.z", "no set of numbers: '0..x'"),
        ("something", "hooks are named as in TransformerLens"),
    ];
    for (site, fix) in cases {
        says(&refused(&format!("kind = \"capture\"\nsites = [\"{site}\"]")), &[fix]);
    }
}
