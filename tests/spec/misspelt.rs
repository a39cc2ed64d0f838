//! Wrong texts are refused where they stand.

use ablate::spec::{load, parse, schema};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::path::Path;

/// A spec with a text of every format that the schema names.
const FORMATS: &str = r#"title = "formats"

[model]
source = "builtin:arith"
device = "cpu"

[prompts]
template = "{a}{op}{b}="
completion = "{answer}"
operators = ["+"]
operands = { a = "0..9", b = "0..9" }

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["blocks.*.mlp.hook_post"]
positions = ["last"]

[[step]]
name = "circuit"
kind = "ablation"
components = ["L1H0"]

[[step]]
name = "paths"
kind = "path-patching"
senders = ["L0H*"]
receivers = ["L1H0.q"]
positions = ["b"]

[[step]]
name = "edits"
kind = "intervention"
interventions = [
  { name = "less", layers = "1..3", edits = [{ site = "attn_out", value = "mean" }] },
]

[[table]]
name = "doubled"
from = "effects"
where = { layer = ">= 2" }
derive = { double = "mean * 2" }
group_by = ["layer"]
aggregate = { all = "max(double)" }

[[figure]]
name = "drawn"
kind = "heatmap"
from = "effects"
x = "position"
y = "layer"
value = "log1p(mean)"
width = "column"
"#;

/// Of each format, its text in the spec, and a wrong one in its place.
const WRONG: [(&str, &str, &str); 16] = [
    ("device", "\"cpu\"", "\"gpux\""),
    ("template", "{a}{op}{b}=", "{a}{op}{c}="),
    ("completion", "{answer}", "{answr}"),
    ("operator", "\"+\"", "\"plus and more\""),
    ("range", "\"0..9\"", "\"0.9\""),
    ("site", "blocks.*.mlp.hook_post", "blocks.*.mlp.hook_pots"),
    ("component", "\"L1H0\"", "\"L1G0\""),
    ("receiver", "L1H0.q", "L1H0.w"),
    ("name", "\"less\"", "\"more or less\""),
    ("layers", "1..3", "1.3"),
    ("edit-value", "\"mean\"", "\"maen\""),
    ("condition", ">= 2", "> = 2"),
    ("arithmetic", "mean * 2", "mean ** 2"),
    ("aggregate", "max(double)", "mix(double)"),
    ("value", "log1p(mean)", "log2p(mean)"),
    ("figure-width", "\"column\"", "\"colum\""),
];

/// The formats of texts that a schema names.
fn formats(shape: &Value, found: &mut BTreeSet<String>) {
    let of_numbers = |shape: &Value| matches!(shape.get("type").and_then(Value::as_str), Some("integer" | "number"));
    if let Some(format) = shape.get("format").and_then(Value::as_str).filter(|_| !of_numbers(shape)) {
        found.insert(format.to_string());
    }
    match shape {
        Value::Object(keys) => keys.values().for_each(|below| formats(below, found)),
        Value::Array(items) => items.iter().for_each(|below| formats(below, found)),
        _ => {}
    }
}

/// The line of a place in a text, from 1.
fn line_of(text: &str, place: usize) -> usize {
    text[..place].matches('\n').count() + 1
}

#[test]
fn a_wrong_text_of_each_format_is_refused_at_its_line() {
    parse("spec.toml", FORMATS).unwrap_or_else(|errors| panic!("{errors}"));
    let mut known = BTreeSet::new();
    formats(&schema(), &mut known);
    assert_eq!(known, WRONG.iter().map(|(format, ..)| format.to_string()).collect(), "write a wrong text of each");
    for (format, right, wrong) in WRONG {
        let place = FORMATS.find(right).unwrap_or_else(|| panic!("{right}"));
        let errors = parse("spec.toml", &FORMATS.replacen(right, wrong, 1)).expect_err(format);
        let lines: Vec<_> = errors.iter().filter_map(|error| Some(error.position()?.1)).collect();
        assert_eq!(lines, [line_of(FORMATS, place)], "{format}: {errors}");
    }
}

/// Each text of a line that is quoted, with its place in the line.
fn quoted(line: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut parts = line.split('"');
    let mut place = parts.next().map_or(0, str::len) + 1;
    while let (Some(text), Some(between)) = (parts.next(), parts.next()) {
        found.push((place, text));
        place += text.len() + between.len() + 2;
    }
    found
}

/// The specs of the repository, each of whose texts is misspelt in turn: nothing of it is refused at the top of the file, where no
/// reader would look for it.
#[test]
fn what_is_misspelt_is_refused_where_it_stands() {
    let mut seen: HashSet<String> = HashSet::new();
    let mut refused = 0;
    for name in
        ["quickstart", "interventions", "starter-words", "causal-tracing/tracing", "paper/fig07-knockout-by-heuristic"]
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments").join(format!("{name}.toml"));
        let spec = load(&path, &[], std::iter::empty()).unwrap_or_else(|errors| panic!("{errors}")).to_toml();
        let mut header = "";
        let mut start = 0;
        for line in spec.split_inclusive('\n') {
            let at = start;
            start += line.len();
            if line.starts_with('[') {
                header = line.trim();
            }
            let key = line.split('=').next().unwrap_or_default();
            for (place, text) in quoted(line).into_iter().filter(|(_, text)| !text.is_empty()) {
                // A key of a table says the same everywhere.
                if text.contains('\\') || !seen.insert(format!("{header} {key} {}", text.len() % 3)) {
                    continue;
                }
                let end = at + place + text.len();
                let misspelt = format!("{}q}}{}", &spec[..end], &spec[end..]);
                let Err(errors) = parse("spec.toml", &misspelt) else { continue };
                refused += 1;
                let top = errors.iter().find(|error| error.position().is_some_and(|(_, line, _)| line == 1));
                assert!(top.is_none() || line_of(&spec, at) == 1, "{header} {line}: {errors}");
            }
        }
    }
    assert!(refused >= 80, "only {refused} of them are refused");
}
