use std::fs;
use std::path::Path;

use ablate::model::hub::{Hub, HubError};

use super::hub;

/// Nothing answers here: a test that asked would fail.
const NOWHERE: (&str, &str) = ("HF_ENDPOINT", "http://127.0.0.1:9");

/// A cache as Python's `huggingface_hub` leaves it.
fn prepare(cache: &Path, files: &[&str]) {
    let folder = cache.join("models--owner--name");
    fs::create_dir_all(folder.join("refs")).unwrap();
    fs::write(folder.join("refs/step1000"), "abc123").unwrap();
    fs::create_dir_all(folder.join("snapshots/abc123")).unwrap();
    for file in files {
        fs::write(folder.join("snapshots/abc123").join(file), "{}").unwrap();
    }
}

const WHOLE: [&str; 3] = ["config.json", "tokenizer.json", "pytorch_model.bin"];

#[test]
fn a_prepared_cache_needs_no_network() {
    let home = tempfile::tempdir().unwrap();
    prepare(&home.path().join("hub"), &WHOLE);
    for vars in [&[NOWHERE][..], &[NOWHERE, ("HF_HUB_OFFLINE", "1")]] {
        for revision in ["step1000", "abc123"] {
            let folder = hub(home.path(), vars).snapshot("owner/name", revision).unwrap();
            assert_eq!(folder, home.path().join("hub/models--owner--name/snapshots/abc123"));
        }
    }
}

#[test]
fn each_missing_part_is_named() {
    for left_out in WHOLE {
        let home = tempfile::tempdir().unwrap();
        let there: Vec<_> = WHOLE.into_iter().filter(|name| *name != left_out).collect();
        prepare(&home.path().join("hub"), &there);
        let error =
            hub(home.path(), &[NOWHERE, ("HF_HUB_OFFLINE", "1")]).snapshot("owner/name", "step1000").unwrap_err();
        let named = if left_out == "pytorch_model.bin" { "model.safetensors" } else { left_out };
        assert!(error.to_string().contains(&format!("({named} is missing in")), "{error}");
        assert!(error.to_string().contains("HF_HUB_OFFLINE is set"), "{error}");
    }
    let home = tempfile::tempdir().unwrap();
    let error = hub(home.path(), &[NOWHERE, ("HF_HUB_OFFLINE", "1")]).snapshot("owner/name", "main").unwrap_err();
    assert!(error.to_string().contains("(everything is missing in"), "{error}");
}

#[test]
fn where_the_cache_is() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    prepare(&a.path().join("huggingface/hub"), &WHOLE);
    prepare(b.path(), &WHOLE);
    let found = |vars: &[(&str, &Path)]| {
        let get = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, path)| path.display().to_string());
        Hub::from_vars(get).unwrap().snapshot("owner/name", "step1000").unwrap()
    };
    let (in_a, in_b) = (a.path().join("huggingface"), b.path());
    assert!(found(&[("XDG_CACHE_HOME", a.path())]).starts_with(&in_a));
    assert!(found(&[("HF_HOME", &in_a), ("HOME", Path::new("/nowhere"))]).starts_with(&in_a));
    assert!(found(&[("HF_HUB_CACHE", in_b), ("HF_HOME", &in_a)]).starts_with(in_b));
    assert!(matches!(Hub::from_vars(|_| None), Err(HubError::NoHome)));
}

#[test]
fn names_stay_in_the_cache() {
    let home = tempfile::tempdir().unwrap();
    let hub = hub(home.path(), &[NOWHERE]);
    for (repo, revision) in
        [("../name", "main"), ("owner/name", "../main"), ("owner/name", "/etc"), ("owner//name", "main")]
    {
        assert!(matches!(hub.snapshot(repo, revision), Err(HubError::Name { .. })), "{repo} {revision}");
    }
}
