//! Why a key is another: every change of a step is named.

use super::parameters::{Apart, Samples, kinds, step};
use ablate::Error;
use ablate::spec::Step;
use ablate::store::key::difference::{KeyChange, between};
use ablate::store::key::inputs::{Inputs, json};
use ablate::store::key::parameters::{NameResolver, of_step};
use proptest::prelude::*;
use toml::Value;

/// A key with these parameters.
fn inputs(parameters: &Value) -> Inputs {
    Inputs { parameters: json(parameters), ..Inputs::default() }
}

/// The keys that changes are about; indices of lists left out.
fn keys(changes: &[KeyChange]) -> Vec<String> {
    let key = |change: &KeyChange| match change {
        KeyChange::Value { key, .. } | KeyChange::Rows { key, .. } => {
            key.split('.').filter(|part| part.parse::<usize>().is_err()).collect::<Vec<_>>().join(".")
        }
        other => panic!("a parameter was changed, not {other:?}"),
    };
    changes.iter().map(key).collect()
}

#[test]
fn every_field_of_every_kind_is_named_when_it_changes() {
    let parameters = |step: &Step| of_step(step, &Apart).expect("parameters");
    let mut named = 0;
    for (kind, Samples { base, others }) in kinds() {
        let whole = parameters(&step(&base, &kind));
        assert!(between(&inputs(&whole), &inputs(&whole)).is_empty());
        for (at, other) in others {
            let other = parameters(&step(&other, &format!("{kind}{at}")));
            if other == whole {
                continue;
            }
            let field = at.trim_start_matches('.').replace("[]", "");
            for changes in [between(&inputs(&whole), &inputs(&other)), between(&inputs(&other), &inputs(&whole))] {
                let keys = keys(&changes);
                assert!(!keys.is_empty(), "{kind}{at}: nothing is named");
                for key in keys {
                    // A type may be written otherwise than it is read: then the whole of it is named.
                    assert!(field.starts_with(&key) || key.starts_with(&field), "{kind}: {at} changed, not {key}");
                }
            }
            named += 1;
        }
    }
    assert!(named > 200, "{named} changes");
}

/// Rows are told by checksums.
struct Rows;

impl NameResolver for Rows {
    fn prompts(&self, set: Option<&str>) -> Option<Value> {
        Some(toml::toml!(operators = ["+"]).into()).filter(|_| set.is_none())
    }
    fn rows(&self, name: &str) -> Result<String, Error> {
        let (root, part) = name.split_at(name.find('.').unwrap_or(name.len()));
        Ok(format!("{}{part}", digest(root)))
    }
}

fn digest(name: &str) -> String {
    format!("{name:0>64}").replace(|letter: char| !letter.is_ascii_hexdigit(), "f")
}

#[test]
fn other_rows_are_told_by_their_checksum() {
    let step = |text: &str| -> Step { toml::from_str(text).expect("a step") };
    let ablation = |from: &str| {
        let text = format!(
            "name = \"x\"\nkind = \"ablation\"\nmode = \"keep\"\ncomponents = [\"L*MLP\"]\nranked = {{ from = \"{from}\", k = [1] }}\n"
        );
        of_step(&step(&text), &Rows).expect("parameters")
    };
    let changes = between(&inputs(&ablation("aa")), &inputs(&ablation("bb")));
    assert_eq!(changes, [KeyChange::Rows { key: "ranked.from".into(), digest: digest("bb") }]);
}

#[test]
fn changes_are_told_in_words() {
    let model = |dtype: &str, checkpoint: &str, name: &str, files: &str| serde_json::json!({ "dtype": dtype, "name": name, "checkpoint": checkpoint, "files": files });
    let old = Inputs {
        format: 1,
        build: "a".into(),
        processor: "x86_64 avx".into(),
        step: "ablation version 1".into(),
        models: vec![model("f32", "", "model", &digest("aa")), model("f32", "", "gone", "00")],
        parameters: serde_json::json!({ "bootstrap": 10, "prompts": { "sample": 100, "seeds": [1, 2] } }),
    };
    let new = Inputs {
        format: 1,
        build: "b".into(),
        processor: "x86_64 avx avx2".into(),
        step: "ablation version 2".into(),
        models: vec![model("bf16", "", "model", &digest("bb")), model("f32", "late", "model", "00")],
        parameters: serde_json::json!({
            "per_prompt": true, "bootstrap": 10, "prompts": { "sample": 50, "seeds": [1], "bos": "a\nb" },
        }),
    };
    let told: Vec<String> = between(&old, &new).iter().map(ToString::to_string).collect();
    let wanted = [
        "another build of ablate",
        "instruction sets of the processor x86_64 avx → x86_64 avx avx2",
        "step ablation version 1 → ablation version 2",
        "model 'model at late' is new",
        "model 'gone' is gone",
        "model 'model': other weights, tokenizer or configuration",
        "model 'model'.dtype \"f32\" → \"bf16\"",
        "per_prompt not there → true",
        "prompts.sample 100 → 50",
        "prompts.seeds [1, 2] → [1]",
        "prompts.bos not there → \"a\\nb\"",
    ];
    assert_eq!(told, wanted);
}

/// Values of any form.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..5)
                .prop_map(|table| Value::Table(table.into_iter().collect())),
        ]
    })
}

/// Whether values are the same, order of keys, kind of number and sign of zero included.
fn same(a: &Value, b: &Value) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// As keys have it: 0.0 is not -0.0.
fn text(value: &Value) -> String {
    json(value).to_string()
}

proptest! {
    #[test]
    fn other_values_have_other_texts(a in values(), b in values()) {
        prop_assert_eq!(text(&a) == text(&b), same(&a, &b));
    }

    /// As an entry of the store has it.
    #[test]
    fn what_a_key_has_can_be_read_back(value in values()) {
        let text = serde_json::to_string_pretty(&inputs(&value)).expect("JSON");
        let back: Inputs = serde_json::from_str(&text).expect("inputs");
        prop_assert_eq!(back.parameters.to_string(), json(&value).to_string());
    }

    #[test]
    fn every_change_is_named(old in values(), new in values()) {
        let changes = between(&inputs(&old), &inputs(&new));
        prop_assert_eq!(changes.is_empty(), text(&old) == text(&new));
    }
}

#[test]
fn numbers_that_json_has_not_are_apart() {
    let texts =
        [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1.0, -0.0, 0.0].map(|number| json(&number.into()).to_string());
    let texts: std::collections::BTreeSet<String> =
        texts.into_iter().chain([json(&1.into()).to_string(), json(&"inf".into()).to_string()]).collect();
    assert_eq!(texts.len(), 8, "{texts:?}");
}
