//! Every field of every kind of step is in its key: each is changed in turn, as the schema says it can be.

use ablate::Error;
use ablate::spec::Step;
use ablate::store::key::parameters::{NameResolver, of_step, reads};
use serde::Deserialize;
use serde_json::Value as Json;
use std::sync::LazyLock;
use toml::{Table, Value};

/// Fields that must not change a key: how the step is called and what comes before it. Models are told apart by what they are.
const LEFT_OUT: [&str; 3] = ["name", "needs", "models"];

/// Fields that are left out or have the one value that there is.
const ONE_WORD: [&str; 1] = ["correction"];

/// Names stand for themselves.
pub(super) struct Apart;
/// All names stand for the same thing.
struct Alike;

impl NameResolver for Apart {
    fn prompts(&self, set: Option<&str>) -> Option<Value> {
        Some(format!("prompts {set:?}").into())
    }
    fn rows(&self, name: &str) -> Result<String, Error> {
        Ok(format!("rows {name}"))
    }
}

impl NameResolver for Alike {
    fn prompts(&self, _: Option<&str>) -> Option<Value> {
        Some("prompts".into())
    }
    fn rows(&self, _: &str) -> Result<String, Error> {
        Ok("rows".into())
    }
}

/// A value that a schema allows, and further ones that differ from it in one field each.
pub(super) struct Samples {
    pub base: Value,
    pub others: Vec<(String, Value)>,
}

/// Samples of a schema. A type that reads texts of its own needs two of them here, by the `format` of its schema.
fn samples(shape: &Json, path: &str) -> Samples {
    if let Some(name) = shape.get("$ref").and_then(Json::as_str) {
        return samples(schema().pointer(&name[1..]).expect("a definition"), path);
    }
    for list in ["anyOf", "oneOf"] {
        if let Some(branches) = shape.get(list).and_then(Json::as_array) {
            let mut each = branches.iter().map(|branch| samples(branch, path));
            let mut first = each.next().expect("a branch");
            for branch in each {
                first.others.push((path.to_string(), branch.base));
                first.others.extend(branch.others);
            }
            return first;
        }
    }
    let leaf = |base: Value, other: Value| Samples { base, others: vec![(path.to_string(), other)] };
    if let Some(only) = shape.get("const").and_then(Json::as_str) {
        return Samples { base: only.into(), others: Vec::new() };
    }
    if let Some(choices) = shape.get("enum").and_then(Json::as_array) {
        let mut choices = choices.iter().filter_map(Json::as_str).map(Value::from);
        let base = choices.next().expect("a choice");
        return Samples { base, others: choices.map(|choice| (path.to_string(), choice)).collect() };
    }
    let format = shape.get("format").and_then(Json::as_str);
    match shape.get("type").and_then(Json::as_str) {
        Some("boolean") => leaf(false.into(), true.into()),
        Some("integer") => leaf(3.into(), 5.into()),
        Some("number") => leaf(0.25.into(), 0.75.into()),
        Some("string") if format == Some("edit-value") => leaf("counterfactual".into(), "mean".into()),
        Some("string") if format == Some("site") => leaf("z[head]".into(), "1.mlp_post".into()),
        Some("string") if format == Some("component") => leaf("L0H1".into(), "L2MLP".into()),
        Some("string") if format == Some("receiver") => leaf("L1H0.q".into(), "logits".into()),
        Some("string") if format == Some("layers") => leaf("*".into(), "1..3".into()),
        Some("string") if format == Some("range") => leaf("0..3".into(), "0..5".into()),
        Some("string") => leaf("alpha".into(), "beta".into()),
        Some("array") => list(shape, path),
        Some("object") => table(shape, path),
        // A condition: any value.
        _ => leaf("alpha".into(), "beta".into()),
    }
}

fn list(schema: &Json, path: &str) -> Samples {
    let number = |key: &str| schema.get(key).and_then(Json::as_u64);
    let least = number("minItems").unwrap_or(1).max(1) as usize;
    let item = samples(&schema["items"], &format!("{path}[]"));
    let with = |first: &Value| {
        let rest = std::iter::repeat_n(item.base.clone(), least - 1);
        Value::Array(std::iter::once(first.clone()).chain(rest).collect())
    };
    let mut others: Vec<(String, Value)> = item.others.iter().map(|(at, other)| (at.clone(), with(other))).collect();
    if number("maxItems").is_none_or(|most| most > least as u64) {
        others.push((path.to_string(), Value::Array(vec![item.base.clone(); least + 1])));
    }
    Samples { base: with(&item.base), others }
}

fn table(schema: &Json, path: &str) -> Samples {
    let mut base = Table::new();
    let mut others = Vec::new();
    let none = serde_json::Map::new();
    let properties = schema.get("properties").and_then(Json::as_object).unwrap_or(&none);
    let mut add = |key: &str, schema: &Json| {
        let Samples { base: value, others: further } = samples(schema, &format!("{path}.{key}"));
        base.insert(key.into(), value);
        others.extend(further.into_iter().map(|(at, other)| (at, key.to_string(), other)));
    };
    properties.iter().for_each(|(key, schema)| add(key, schema));
    if let Some(schema) = schema.get("additionalProperties").filter(|schema| schema.is_object()) {
        add("alpha", schema);
    }
    let changed = |(at, key, other): (String, String, Value)| {
        let mut table = base.clone();
        table.insert(key, other);
        (at, Value::Table(table))
    };
    let others = others.into_iter().map(changed).collect();
    Samples { base: Value::Table(base), others }
}

fn schema() -> &'static Json {
    static SCHEMA: LazyLock<Json> = LazyLock::new(ablate::spec::schema);
    &SCHEMA
}

pub(super) fn step(value: &Value, about: &str) -> Step {
    Step::deserialize(value.clone()).unwrap_or_else(|error| {
        panic!(
            "{about}: {error}; a type that reads texts of its own needs samples in tests/store/parameters.rs: {value}"
        )
    })
}

/// Every kind with all its fields, and the changes of each.
pub(super) fn kinds() -> Vec<(String, Samples)> {
    let kinds = schema().pointer("/$defs/Step/anyOf").and_then(Json::as_array).expect("the kinds of steps");
    let named = kinds.iter().map(|kind| {
        let name = kind.pointer("/properties/kind/const").and_then(Json::as_str).expect("a kind");
        (name.to_string(), table(kind, ""))
    });
    named.collect()
}

#[test]
fn every_field_of_every_kind_changes_the_key_or_is_listed() {
    let kinds = kinds();
    assert_eq!(kinds.len(), ablate::spec::step::KINDS.len());
    for (kind, Samples { base, others }) in kinds {
        let whole = step(&base, &kind);
        let key = |step: &Step| of_step(step, &Apart).expect("parameters");
        let fields: Vec<String> =
            base.as_table().expect("a table").keys().filter(|key| *key != "kind").cloned().collect();
        for field in &fields {
            let mut changes = 0;
            let inside = |at: &String| at[1..].split(['.', '[']).next() == Some(field.as_str());
            for (at, other) in others.iter().filter(|(at, _)| inside(at)) {
                let other = step(other, &format!("{kind}{at}"));
                if Value::try_from(&other) == Value::try_from(&whole) {
                    continue;
                }
                changes += 1;
                let same = key(&other) == key(&whole);
                assert_eq!(same, LEFT_OUT.contains(&field.as_str()), "{kind}{at}: in the key or on the list, not both");
            }
            assert!(
                changes > 0 || ONE_WORD.contains(&field.as_str()),
                "{kind}.{field}: no other value of it was found"
            );
        }
    }
}

#[test]
fn names_count_for_what_they_name() {
    for (kind, Samples { base, others }) in kinds() {
        let whole = step(&base, &kind);
        for (at, other) in others.iter().filter(|(at, _)| at == ".prompts") {
            let other = step(other, &format!("{kind}{at}"));
            assert_eq!(
                of_step(&other, &Alike).unwrap(),
                of_step(&whole, &Alike).unwrap(),
                "{kind}: a set by another name"
            );
            assert_ne!(of_step(&other, &Apart).unwrap(), of_step(&whole, &Apart).unwrap(), "{kind}: another set");
        }
        if kind == "ablation" {
            assert_eq!(reads(&whole), ["alpha"], "its ranking");
        }
        for (at, other) in &others {
            let other = step(other, &format!("{kind}{at}"));
            // Another sort of value may read rows where this one reads none.
            if reads(&other) != reads(&whole) && reads(&other).len() == reads(&whole).len() {
                let parameters = |named: &dyn NameResolver| [&other, &whole].map(|step| of_step(step, named).unwrap());
                let ([one, two], [other_rows, rows]) = (parameters(&Alike), parameters(&Apart));
                assert!(one == two && other_rows != rows, "{kind}{at}: rows count, and not what they are called");
            }
        }
        assert!(!reads(&whole).iter().any(|read| read.is_empty()), "{kind}");
    }
}

#[test]
fn directions_count_for_what_they_name() {
    let values =
        ["direction = \"STEP\"", "subspace = \"STEP\"", "project_out = \"STEP\"", "class = \"c\", of = \"STEP\""];
    for value in values {
        let of = |name: &str| {
            let value = value.replace("STEP", name);
            let edits = format!("[{{ site = \"embed\", value = {{ {value} }} }}]");
            let text = format!(
                "kind = \"intervention\"\nname = \"edits\"\ninterventions = [{{ name = \"one\", edits = {edits} }}]"
            );
            step(&Value::Table(text.parse().unwrap()), value.as_str())
        };
        let (one, two) = (of("alpha"), of("beta"));
        assert_eq!((reads(&one), reads(&two)), (vec!["alpha".to_string()], vec!["beta".to_string()]));
        assert_eq!(of_step(&one, &Alike).unwrap(), of_step(&two, &Alike).unwrap(), "{value}");
        assert_ne!(of_step(&one, &Apart).unwrap(), of_step(&two, &Apart).unwrap(), "{value}");
    }
}

/// Another kind of reference must be known to content keys.
#[test]
fn every_kind_of_reference_is_known() {
    fn walk(schema: &Json) {
        if let Some(to) = schema.get("x-refers-to").and_then(Json::as_str) {
            assert!(
                ["step", "rows", "step-rows", "model", "prompts", "known"].contains(&to),
                "src/spec/references.rs has no '{to}'"
            );
        }
        match schema {
            Json::Object(object) => object.values().for_each(walk),
            Json::Array(list) => list.iter().for_each(walk),
            _ => {}
        }
    }
    walk(schema());
}

/// What a step needs before it, without reading its rows, is not in its key and its rows are not to be seen.
#[test]
fn what_only_comes_before_is_not_read() {
    let text = |needs: &str| format!("kind = \"accuracy\"\nname = \"x\"\nneeds = [{needs}]\n");
    let read = |text: String| Step::deserialize(text.parse::<Table>().unwrap()).unwrap();
    let (with, without) = (read(text("\"other\"")), read(text("")));
    assert!(reads(&with).is_empty());
    assert_eq!(of_step(&with, &Apart).unwrap(), of_step(&without, &Apart).unwrap());
}
