//! Why a key is another: every change of a step is named.

use super::parameters::{Apart, Samples, kinds, step};
use ablate::Error;
use ablate::spec::Step;
use ablate::store::key::canonical::{self, Tree};
use ablate::store::key::difference::{Change, between};
use ablate::store::key::parameters::{Named, of_step};
use proptest::prelude::*;
use toml::Value;

/// A key with these parameters.
fn text(parameters: &Value) -> String {
    format!("format 1\nbuild b\nprocessor p\nstep kind version 1\nparameters {}\n", canonical::text(parameters))
}

/// The keys that changes are about; indices of lists left out.
fn keys(changes: &[Change]) -> Vec<String> {
    let key = |change: &Change| match change {
        Change::Value { key, .. } | Change::Rows { key, .. } => {
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
        assert!(between(&text(&whole), &text(&whole)).is_empty());
        for (at, other) in others {
            let other = parameters(&step(&other, &format!("{kind}{at}")));
            if other == whole {
                continue;
            }
            let field = at.trim_start_matches('.').replace("[]", "");
            for changes in [between(&text(&whole), &text(&other)), between(&text(&other), &text(&whole))] {
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

impl Named for Rows {
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
    let changes = between(&text(&ablation("aa")), &text(&ablation("bb")));
    assert_eq!(changes, [Change::Rows { key: "ranked.from".into(), digest: digest("bb") }]);
}

#[test]
fn changes_are_told_in_words() {
    let old = "format 1\nbuild a\nprocessor x86_64 avx\nstep ablation version 1\n\
        model {\"dtype\":\"f32\",\"name\":\"model\",\"checkpoint\":\"\",\"files\":\"OLD\",}\n\
        model {\"dtype\":\"f32\",\"name\":\"gone\",\"checkpoint\":\"\",\"files\":\"00\",}\n\
        parameters {\"bootstrap\":10,\"prompts\":{\"sample\":100,\"seeds\":[1,2,],},}\n";
    let new = "format 1\nbuild b\nprocessor x86_64 avx avx2\nstep ablation version 2\n\
        model {\"dtype\":\"bf16\",\"name\":\"model\",\"checkpoint\":\"\",\"files\":\"NEW\",}\n\
        model {\"dtype\":\"f32\",\"name\":\"model\",\"checkpoint\":\"late\",\"files\":\"00\",}\n\
        parameters {\"per_prompt\":true,\"bootstrap\":10,\"prompts\":{\"sample\":50,\"seeds\":[1,],\"bos\":\"a\\nb\",},}\n";
    let (old, new) = (old.replace("OLD", &digest("aa")), new.replace("NEW", &digest("bb")));
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

fn tree(value: &Value) -> Tree {
    match value {
        Value::String(text) => Tree::Text(text.clone()),
        Value::Array(list) => Tree::List(list.iter().map(tree).collect()),
        Value::Table(table) => Tree::Table(table.iter().map(|(key, value)| (key.clone(), tree(value))).collect()),
        number => Tree::Bare(canonical::text(number)),
    }
}

proptest! {
    #[test]
    fn what_a_key_has_can_be_read_back(value in values()) {
        prop_assert_eq!(canonical::parse(&canonical::text(&value)), Some(tree(&value)));
    }

    #[test]
    fn no_text_makes_it_panic(old in any::<String>(), new in "(model|parameters|build) [\\[\\]{}\":,a0\\\\]*") {
        between(&old, &new);
        prop_assert!(between(&new, &new).is_empty());
    }
}
