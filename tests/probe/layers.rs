//! `{NAME}` among layers: which keys take it, what it makes a step need, and where a wrong one is refused.

use ablate::spec::{ErrorStyle, Layers, Loaded, Numbers, parse, schema};
use serde_json::Value;
use std::collections::BTreeSet;

const BASE: &str = r#"title = "layers"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..9", b = "1..9" }

"#;

const PROBES: &str = "[[step]]\nname = \"probes\"\nkind = \"probe\"\n\n";

fn step(kind: &str, keys: &str) -> String {
    format!("{BASE}[[step]]\nname = \"after\"\nkind = \"{kind}\"\n{keys}\n\n{PROBES}")
}

fn refused(spec: &str) -> String {
    parse("spec.toml", spec).map(|_| ()).expect_err(spec).render(ErrorStyle::Plain)
}

fn loaded(spec: &str) -> Loaded {
    parse("spec.toml", spec).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Every key of a step that says layers, with a value of it.
const KEYS: [(&str, &str, &str); 27] = [
    ("activation-patching", "sites", "sites = [\"blocks.{probes}.attn.hook_z[head]\"]"),
    ("neuron-patching", "layers", "layers = \"{probes}\""),
    ("attribution-patching", "sites", "sites = [\"0.z\", \"{probes}.mlp_post[neuron]\"]"),
    ("ablation", "components", "components = [\"L{probes}N*\"]"),
    ("ablation", "among", "mode = \"keep\"\namong = [\"L{probes}N3,7\"]"),
    (
        "intervention",
        "interventions.edits.site",
        "interventions = [{ name = \"a\", edits = [{ site = \"{probes}.z\" }] }]",
    ),
    (
        "intervention",
        "interventions.edits.cut",
        "interventions = [{ name = \"a\", edits = [{ cut = [\"L{probes}H0\"] }] }]",
    ),
    (
        "intervention",
        "interventions.layers",
        "interventions = [{ name = \"a\", layers = \"{probes}\", edits = [{ site = \"z\", value = 0 }] }]",
    ),
    ("direction", "sites", "method = \"pca\"\nsites = [\"{probes}.resid_post\"]"),
    (
        "loss",
        "interventions.layers",
        "interventions = [{ name = \"a\", layers = \"{probes}\", edits = [{ site = \"z\", value = 0 }] }]",
    ),
    (
        "loss",
        "interventions.edits.site",
        "interventions = [{ name = \"a\", edits = [{ site = \"{probes}.z\", value = 0 }] }]",
    ),
    ("loss", "interventions.edits.cut", "interventions = [{ name = \"a\", edits = [{ cut = [\"L{probes}H0\"] }] }]"),
    (
        "generate",
        "interventions.layers",
        "interventions = [{ name = \"a\", layers = \"{probes}\", edits = [{ site = \"z\", value = 0 }] }]",
    ),
    (
        "generate",
        "interventions.edits.site",
        "interventions = [{ name = \"a\", edits = [{ site = \"{probes}.z\", value = 0 }] }]",
    ),
    (
        "generate",
        "interventions.edits.cut",
        "interventions = [{ name = \"a\", edits = [{ cut = [\"L{probes}H0\"] }] }]",
    ),
    ("path-patching", "senders", "senders = [\"L{probes}H*\"]\nreceivers = [\"logits\"]"),
    ("path-patching", "receivers", "senders = [\"L0MLP\"]\nreceivers = [\"L{probes}H*.q\"]"),
    ("path-patching", "receivers", "senders = [\"L0MLP\"]\nreceivers = [\"logits\", \"L{probes}MLP\"]"),
    ("logit-lens", "sites", "sites = [\"{probes}.resid_post\"]"),
    ("logit-attribution", "components", "components = [\"L{probes}MLP\"]"),
    ("attention-patterns", "heads", "heads = [\"L{probes}H*\"]"),
    ("max-activations", "components", "components = [\"L{probes}N0\"]"),
    ("capture", "sites", "sites = [\"blocks.{probes}.hook_mlp_out\"]"),
    ("probe", "sites", "sites = [\"{probes}.resid_mid\"]"),
    // Names are what steps may be called; units in braces are none.
    ("ablation", "components", "components = [\"L{probes}H{0,2}\"]"),
    ("capture", "sites", "sites = [\"{probes}.z[{0,2}]\"]"),
    ("ablation", "components", "components = [\" L{probes}MLP \"]"),
];

#[test]
fn every_key_that_says_layers_makes_the_step_need_the_probes() {
    for (kind, key, keys) in KEYS {
        let loaded = loaded(&step(kind, keys));
        let after = &loaded.spec.steps[0];
        assert!(after.needs().contains(&"probes"), "{kind}.{key}: {keys}");
        assert_eq!(after.probes().collect::<Vec<_>>(), ["probes"], "{kind}.{key}");
        assert!(loaded.spec.steps[1].probes().next().is_none());
        let without = refused(&step(kind, keys).replace("name = \"probes\"", "name = \"other\""));
        assert!(without.contains("no step 'probes', whose layers are asked for"), "{without}");
    }
    let listed: BTreeSet<(String, String)> = KEYS.map(|(kind, key, _)| (kind.to_string(), key.to_string())).into();
    assert_eq!(listed, in_schema(), "a new key that says layers belongs in the list above, and in `Step::layer_texts`");
}

/// Every key, of every kind of step, whose texts say layers.
fn in_schema() -> BTreeSet<(String, String)> {
    let schema = schema();
    let mut found = BTreeSet::new();
    for kind in schema["$defs"]["Step"]["anyOf"].as_array().unwrap() {
        let name = kind["properties"]["kind"]["const"].as_str().unwrap();
        let mut keys = BTreeSet::new();
        walk(kind, &schema, "", &mut keys);
        found.extend(keys.into_iter().map(|key| (name.to_string(), key)));
    }
    found
}

fn walk(node: &Value, root: &Value, key: &str, found: &mut BTreeSet<String>) {
    if let Some(name) = node["$ref"].as_str() {
        return walk(root.pointer(name.trim_start_matches('#')).unwrap(), root, key, found);
    }
    if ["site", "component", "receiver", "layers", "numbers"].contains(&node["format"].as_str().unwrap_or_default()) {
        found.insert(key.to_string());
    }
    for (name, below) in node["properties"].as_object().into_iter().flatten() {
        let path = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        walk(below, root, &path, found);
    }
    for below in
        ["items", "additionalProperties"].map(|below| &node[below]).into_iter().filter(|below| below.is_object())
    {
        walk(below, root, key, found);
    }
    for branch in ["anyOf", "oneOf"].iter().filter_map(|branches| node[*branches].as_array()).flatten() {
        walk(branch, root, key, found);
    }
}

#[test]
fn a_name_that_is_none_is_pointed_at_within_the_text() {
    let spec = step("ablation", "components = [\"L0MLP\", \"L{nosuch}N*\"]");
    let text = refused(&spec);
    let expected = "  x no step 'nosuch', whose layers are asked for
    ,-[spec.toml:12:27]
 11 | kind = \"ablation\"
 12 | components = [\"L0MLP\", \"L{nosuch}N*\"]
    :                           ^^^^^^
    `----
  help: write {probes}, or layers: *, 15, 16..32
";
    assert!(text.contains(expected), "{text}");
    let near = refused(&step("neuron-patching", "layers = \"{prboes}\""));
    assert!(near.contains("help: write {probes}") && near.contains("[spec.toml:12:12]"), "{near}");
    let none = refused(&format!("{BASE}[[step]]\nname = \"a\"\nkind = \"neuron-patching\"\nlayers = \"{{b}}\"\n"));
    assert!(none.contains("add a [[step]] with kind = \"probe\", or write layers: *, 15, 16..32"), "{none}");
}

#[test]
fn a_step_that_is_no_probe_finds_no_layers() {
    let other = "[[step]]\nname = \"effects\"\nkind = \"activation-patching\"\nsites = [\"z\"]\n";
    let text = refused(&format!("{}{other}", step("neuron-patching", "layers = \"{effects}\"")));
    assert!(text.contains("step 'effects' finds no layers: only a step of kind \"probe\" does"), "{text}");
    assert!(text.contains("[spec.toml:12:12]") && text.contains("write {probes}"), "{text}");
    // A table of that name is no step.
    let table = "[[table]]\nname = \"means\"\nfrom = \"probes\"\n";
    let text = refused(&format!("{}{table}", step("neuron-patching", "layers = \"{means}\"")));
    assert!(text.contains("no step 'means', whose layers are asked for"), "{text}");
}

#[test]
fn probes_that_wait_for_what_takes_layers_from_them_are_a_circle() {
    let text = refused(
        &step("neuron-patching", "layers = \"{probes}\"").replace("\"probe\"", "\"probe\"\nneeds = [\"after\"]"),
    );
    assert!(text.contains("these need each other in a circle: after -> probes -> after"), "{text}");
    let own = refused(&format!("{BASE}{PROBES}sites = [\"{{probes}}.z\"]"));
    assert!(own.contains("these need each other in a circle: probes -> probes"), "{own}");
}

#[test]
fn braces_around_numbers_stay_numbers() {
    assert_eq!(Layers::parse("{0,2..4}"), Ok(Layers::Written(Numbers::Ranges(vec![(0, 1), (2, 4)]))));
    assert_eq!(Layers::parse(" {my-probes_2} "), Ok(Layers::Probed("my-probes_2".into())));
    for text in ["{probes}", "3", "0..4,7", "*"] {
        assert_eq!(Layers::parse(text).unwrap().to_string(), text);
    }
    for wrong in ["{}", "{a b}", "{a", "a}", "{a},3", "{a}{b}", "probes", ""] {
        assert!(Layers::parse(wrong).is_err(), "{wrong}");
    }
    for wrong in ["L{probes", "L{a b}N*", "L3N{probes}", "L{}MLP"] {
        let text = refused(&step("ablation", &format!("components = [\"{wrong}\"]")));
        assert!(text.contains(&format!("'{wrong}' is not a component")), "{text}");
    }
    let units = refused(&step("capture", "sites = [\"z[{probes}]\"]"));
    assert!(units.contains("'[{probes}]' does not name units"), "{units}");
}
