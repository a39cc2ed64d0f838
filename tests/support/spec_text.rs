//! Specs on the built-in model as text: what every one of them begins with, and the steps that many have.

/// A spec's text: its title, the keys of its prompts, then its parts, one after another. A part is a text of its own, or one of these by
/// its name: `effects`, which patches heads; `circuits`, which keeps MLPs; `acts`, which captures the stream after the first layer; and
/// `heads`, a table of the effects. Keys that come right after a step or a table are its own.
macro_rules! arith_spec {
    ($title:literal, $prompts:literal $(, $part:tt)* $(,)?) => {
        concat!(
            "\ntitle = \"", $title, "\"\n\n[model]\nsource = \"builtin:arith\"\n\n[prompts]", $prompts
            $(, $crate::support::spec_part!($part))*
        )
    };
}

macro_rules! spec_part {
    (effects) => {
        "\n[[step]]\nname = \"effects\"\nkind = \"activation-patching\"\nsites = [\"z[head]\"]\n"
    };
    (circuits) => {
        "\n[[step]]\nname = \"circuits\"\nkind = \"ablation\"\nmode = \"keep\"\ncomponents = [\"L*MLP\"]\n"
    };
    (acts) => {
        "\n[[step]]\nname = \"acts\"\nkind = \"capture\"\nsites = [\"0.resid_post\"]\n"
    };
    (heads) => {
        "\n[[table]]\nname = \"heads\"\nfrom = \"effects\"\ngroup_by = [\"layer\", \"head\"]\naggregate = { effect = \"mean(mean)\" }\n"
    };
    ($text:literal) => {
        $text
    };
}

pub(crate) use {arith_spec, spec_part};
