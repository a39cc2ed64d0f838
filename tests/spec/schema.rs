//! The JSON schema: as checked in, and as every spec of the repository needs it.

use super::errors::RIGHT;
use ablate::spec::{load, schema};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn json(spec: &str) -> Value {
    serde_json::to_value(spec.parse::<toml::Table>().unwrap()).unwrap()
}

/// Every `.toml` below a folder.
fn specs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            specs(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
}

#[test]
fn the_copy_checked_in_is_current() {
    let path = root().join("schema/ablate.schema.json");
    let current = ablate::cli::schema::schema();
    if std::env::var_os("ABLATE_UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == current, "write it: ablate schema > schema/ablate.schema.json");
}

#[test]
fn every_spec_of_the_repository_is_accepted() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut found = Vec::new();
    specs(&root().join("experiments"), &mut found);
    for path in found {
        let written = std::fs::read_to_string(&path).unwrap();
        let mut texts = vec![written.clone()];
        // What has no title is a part of others: a base, a profile.
        let keys: toml::Table = written.parse().unwrap();
        if keys.contains_key("title") {
            let read = load(&path, &[], std::iter::empty()).unwrap_or_else(|errors| panic!("{errors}"));
            for known in read.spec.known.keys() {
                texts.push(read.with_profile(known).unwrap_or_else(|errors| panic!("{errors}")).to_toml());
            }
            texts.push(read.to_toml());
        }
        for text in texts {
            let errors: Vec<String> = validator
                .iter_errors(&json(&text))
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        }
    }
}

#[test]
fn the_schema_and_the_loader_agree() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    assert!(validator.is_valid(&json(RIGHT)));
    for (old, new) in [
        ("title", "tilte"),
        ("\"bars\"", "\"bar\""),
        ("\"builtin:arith\"", "3"),
        ("\"0..100\"", "\"0-100\""),
        ("\"0..100\"", "[]"),
        ("kind = \"accuracy\"", "kind = \"acuracy\""),
        ("kind = \"accuracy\"", "kind = \"accuracy\"\nlayers = 3"),
        ("[prompts]", "[run]\nthreads = 0\n[prompts]"),
        ("name = \"rates\"", "name = \"../rates\""),
    ] {
        let text = RIGHT.replacen(old, new, 1);
        assert!(!validator.is_valid(&json(&text)), "the schema accepts {new}");
        assert!(ablate::spec::parse("spec.toml", &text).is_err(), "the loader accepts {new}");
    }
    let partial = format!("{RIGHT}[models.half]\ndtype = \"f16\"\n[prompt_sets.few]\nsample = 3\n");
    assert!(validator.is_valid(&json(&partial)), "entries take what they leave out from their parent");
    assert!(validator.is_valid(&json("extends = \"base.toml\"")));
    assert!(validator.is_valid(&json("[prompts]\nsample = 3")), "a part of a spec, such as a profile");
}

/// On top of another file each of these is enough; alone none is.
#[test]
fn what_another_file_has_may_be_left_out() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for part in [
        "[model]\ndtype = \"f16\"",
        "[prompts]\noperands = { a = \"0..3\" }",
        "[[step]]\nname = \"accuracy\"\nper_prompt = true",
        "[[step]]\nname = \"t\"\nkind = \"train\"\noptimizer = { clip = 1.0 }",
        "[[table]]\nname = \"rates\"\npivot = { on = \"template\" }",
        "[[figure]]\nname = \"rates\"\nwhere = { operator = \"+\" }",
    ] {
        assert!(validator.is_valid(&json(&format!("extends = \"base.toml\"\n{part}"))), "{part}");
        assert!(!validator.is_valid(&json(&format!("title = \"alone\"\n{part}"))), "{part}");
    }
    for wrong in [
        "[[figure]]\nx = \"a\"",
        "[[step]]\nname = \"t\"\nkind = \"trian\"",
        "[[step]]\nname = \"t\"\nkind = \"accuracy\"\nlayers = 3",
        "[[table]]\nname = \"rates\"\nform = \"x\"",
        // Lists are replaced as a whole, so a shot has all its keys.
        "[prompts]\nshots = [{ a = 1, b = 2 }]",
    ] {
        assert!(!validator.is_valid(&json(&format!("extends = \"base.toml\"\n{wrong}"))), "{wrong}");
    }
}

/// A pattern is for editors; the checker knows formats. One without the other would be checked by half.
#[test]
fn every_pattern_has_a_format() {
    fn walk(schema: &Value, at: &str) {
        if schema.get("pattern").is_some_and(Value::is_string) {
            assert!(schema.get("format").is_some_and(Value::is_string), "{at}: {schema}");
        }
        match schema {
            Value::Object(object) => object.iter().for_each(|(key, value)| walk(value, &format!("{at}/{key}"))),
            Value::Array(list) => list.iter().for_each(|value| walk(value, at)),
            _ => {}
        }
    }
    walk(&schema(), "");
}
