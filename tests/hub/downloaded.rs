use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ablate::model::hub::HubError;

use super::hub;
use super::server::{COMMIT, Fault, Server};
use crate::support::{Ran, Sandbox};

fn file(name: &str, content: &[u8]) -> (String, Vec<u8>) {
    (name.to_string(), content.to_vec())
}

/// A repository with weights in one file, and files that are none of ours.
fn single() -> BTreeMap<String, Vec<u8>> {
    let weights: Vec<u8> = (0..100_000u32).map(|i| (i % 251) as u8).collect();
    let small =
        [file("config.json", b"{}"), file("tokenizer.json", b"{\"a\": 1}"), file("tokenizer_config.json", b"{}")];
    let others = [file("README.md", b"hello"), file("model.safetensors", &weights), file("pytorch_model.bin", b"old")];
    small.into_iter().chain(others).collect()
}

fn same(folder: &Path, files: &BTreeMap<String, Vec<u8>>, names: &[&str]) {
    for name in names {
        assert_eq!(fs::read(folder.join(name)).unwrap(), files[*name], "{name}");
    }
}

#[test]
fn what_is_needed_and_no_more() {
    let server = Server::start(single(), Fault::None);
    let home = tempfile::tempdir().unwrap();
    let hub = hub(home.path(), &[("HF_ENDPOINT", &server.address), ("HF_TOKEN", "secret")]);
    let folder = hub.snapshot("owner/name", "main").unwrap();
    assert!(folder.starts_with(home.path().join("hub/models--owner--name/snapshots")), "{}", folder.display());
    same(&folder, &single(), &["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]);
    assert!(!folder.join("README.md").exists() && !folder.join("pytorch_model.bin").exists());
    assert!(server.requests.lock().unwrap().iter().any(|(_, token)| token.as_deref() == Some("Bearer secret")));

    // The second time nothing is asked, by branch or by commit.
    let asked = server.paths().len();
    assert_eq!(hub.snapshot("owner/name", "main").unwrap(), folder);
    assert_eq!(hub.snapshot("owner/name", COMMIT).unwrap(), folder);
    assert_eq!(server.paths().len(), asked);
}

#[test]
fn shards_by_their_index() {
    let index =
        br#"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}}"#;
    let files: BTreeMap<_, _> = [
        file("config.json", b"{}"),
        file("vocab.json", b"{}"),
        file("merges.txt", b"a b"),
        file("model.safetensors.index.json", index),
        file("model-1.safetensors", &[1; 5000]),
        file("model-2.safetensors", &[2; 70_000]),
        file("model-3.safetensors", &[3; 10]),
    ]
    .into_iter()
    .collect();
    let server = Server::start(files.clone(), Fault::None);
    let home = tempfile::tempdir().unwrap();
    let folder = hub(home.path(), &[("HF_ENDPOINT", &server.address)]).snapshot("owner/name", COMMIT).unwrap();
    same(&folder, &files, &["vocab.json", "merges.txt", "model-1.safetensors", "model-2.safetensors"]);
    assert!(!folder.join("model-3.safetensors").exists());
    // One shard lost: not complete any more, and fetched again.
    fs::remove_file(folder.join("model-2.safetensors")).unwrap();
    let offline = hub(home.path(), &[("HF_HUB_OFFLINE", "1")]).snapshot("owner/name", COMMIT).unwrap_err();
    assert!(offline.to_string().contains("model-2.safetensors is missing in"), "{offline}");
    let again = hub(home.path(), &[("HF_ENDPOINT", &server.address)]).snapshot("owner/name", COMMIT).unwrap();
    same(&again, &files, &["model-2.safetensors"]);
}

/// A connection that is lost in the middle of the weights, whether or not their length had been announced.
#[test]
fn half_a_download_is_not_a_model() {
    for fault in [Fault::CutsWeightsAt(1000), Fault::CutsWeightsUnsaid(1000)] {
        let server = Server::start(single(), fault);
        let home = tempfile::tempdir().unwrap();
        let error = hub(home.path(), &[("HF_ENDPOINT", &server.address)]).snapshot("owner/name", "main").unwrap_err();
        assert!(matches!(error, HubError::Download { ref file, .. } if file == "model.safetensors"), "{error}");
        assert!(error.to_string().ends_with("run again to go on where it stopped"), "{error}");
        // Not offline either.
        let offline = hub(home.path(), &[("HF_HUB_OFFLINE", "1")]);
        assert!(matches!(offline.snapshot("owner/name", "main"), Err(HubError::Offline { .. })));
        let by_commit = offline.snapshot("owner/name", COMMIT).unwrap_err().to_string();
        assert!(by_commit.contains("model.safetensors is missing in"), "{by_commit}");

        let server = Server::start(single(), Fault::None);
        let folder = hub(home.path(), &[("HF_ENDPOINT", &server.address)]).snapshot("owner/name", "main").unwrap();
        same(&folder, &single(), &["model.safetensors"]);
    }
}

/// An unfinished download that is longer than the file, or as long: begun anew.
#[test]
fn leftovers_of_another_file() {
    for length in [100_000, 100_001] {
        let server = Server::start(single(), Fault::None);
        let home = tempfile::tempdir().unwrap();
        let blobs = home.path().join("hub/models--owner--name/blobs");
        fs::create_dir_all(&blobs).unwrap();
        fs::write(blobs.join("etag-of-model.part"), vec![0; length]).unwrap();
        let folder = hub(home.path(), &[("HF_ENDPOINT", &server.address)]).snapshot("owner/name", "main").unwrap();
        same(&folder, &single(), &["model.safetensors"]);
    }
}

#[test]
fn refusals_say_what_to_do() {
    let error = |fault, files| {
        let server = Server::start(files, fault);
        let home = tempfile::tempdir().unwrap();
        let error = hub(home.path(), &[("HF_ENDPOINT", &server.address)]).snapshot("owner/name", "main").unwrap_err();
        error.to_string().replace(&server.address, "HUB")
    };
    for status in [401, 403] {
        let text = error(Fault::Status(status), single());
        assert!(text.contains("refuses access to 'owner/name'") && text.contains("HF_TOKEN"), "{text}");
        assert!(text.contains("accept its terms at HUB/owner/name") && text.contains("not set"), "{text}");
    }
    let text = error(Fault::Status(404), single());
    assert!(text.starts_with("the hub at HUB has no 'owner/name' with a revision 'main'"), "{text}");
    let text = error(Fault::Status(500), single());
    assert!(text.contains("the list of files failed") && text.contains("500"), "{text}");
    let gguf = [file("model-Q4.gguf", b"GGUF")].into_iter().collect();
    let text = error(Fault::None, gguf);
    assert!(text.contains("has no config.json with") && text.contains("GGUF"), "{text}");
    let without_tokenizer = [file("config.json", b"{}"), file("model.safetensors", b"0")].into_iter().collect();
    let text = error(Fault::None, without_tokenizer);
    assert!(text.contains("tokenizer.json failed: the repository has no such file"), "{text}");
}

#[test]
fn no_network() {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let home = tempfile::tempdir().unwrap();
    let hub = hub(home.path(), &[("HF_ENDPOINT", &format!("http://{address}"))]);
    let error = hub.snapshot("owner/name", "step1000").unwrap_err();
    assert!(matches!(error, HubError::Unreachable { .. }), "{error}");
    let text = error.to_string();
    let looked = home.path().join("hub/models--owner--name").display().to_string();
    assert!(text.contains(&looked) && text.contains("owner/name@step1000") && text.contains("HF_HOME"), "{text}");
}

/// `--quiet` is for downloads too.
#[test]
fn a_quiet_run_shows_no_download() {
    let spec = "title = \"t\"\n[model]\nsource = \"hf:owner/name\"\n[prompts]\noperands = { a = \"0..3\", b = \"0..3\" }\n\
        [[step]]\nname = \"accuracy\"\nkind = \"accuracy\"\n";
    for quiet in [false, true] {
        let server = Server::start(single(), Fault::None);
        let sandbox = Sandbox::with(spec);
        let mut command = sandbox.command(&["run", "spec.toml"]);
        command.args(quiet.then_some("--quiet")).env_remove("TRANSFORMERS_OFFLINE");
        command.env("HF_HOME", sandbox.path()).env("HF_ENDPOINT", &server.address);
        // The files are no model; that is said either way.
        let text = Ran::of(&mut command).refused();
        assert_eq!(text.contains("downloading owner/name/model.safetensors"), !quiet, "{text}");
    }
}
