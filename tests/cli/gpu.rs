//! What a GPU computes, and what is refused on one. The device is that of `ABLATE_TEST_DEVICE`; software does (scripts/software-gpu.sh).
//!
//!     ABLATE_TEST_DEVICE=gpu:0 cargo test --release --features wgpu -- --include-ignored cli::gpu

use super::SMALL;
use crate::support::{Sandbox, device, says};

const EDITS: &str = r#"
[[step]]
name = "heads"
kind = "activation-patching"
sites = ["z[head]", "mlp_post"]
positions = ["op", "last"]
measures = ["indirect-effect", "kl"]
"#;

/// What a spec with other keys of its model is refused with, before any work.
#[track_caller]
fn refused(sets: &[&str]) -> String {
    let sandbox = Sandbox::with(SMALL);
    let sets = sets.iter().flat_map(|set| ["--set", set]);
    let said = sandbox.run(&["run", "spec.toml"].into_iter().chain(sets).collect::<Vec<_>>()).refused();
    assert!(!sandbox.has("results") && !said.contains("panicked"), "{said}");
    said
}

#[test]
#[ignore = "needs a GPU: ABLATE_TEST_DEVICE=gpu:0"]
fn what_a_gpu_has_not_is_refused_with_what_to_write() {
    let name = device::name();
    let (on, kind) = (format!("model.device={name}"), name.split(':').next().unwrap());
    let absent = format!("no device '{kind}:7'");
    says(refused(&[&format!("model.device={kind}:7")]), [&absent, &format!("'{kind}:0'"), &"\"cpu\"".into()]);
    says(refused(&[&format!("model.device=[\"{name}\", \"{kind}:7\"]")]), [&absent]);
    says(
        refused(&[&format!("model.device=[\"{name}\", \"cpu\"]")]),
        [name.as_str(), "'cpu'", "write devices of one kind"],
    );
    if kind == "gpu" {
        says(refused(&[&on, "model.dtype=bf16"]), [&name, "does not compute in bf16", "dtype = \"f32\""]);
        says(refused(&[&on, "model.storage=as-stored"]), ["storage", "leave storage out"]);
    }
}

#[test]
#[ignore = "needs a GPU: ABLATE_TEST_DEVICE=gpu:0"]
fn a_gpu_computes_what_the_cpu_does_alone_and_as_two() {
    let sandbox = Sandbox::with(&SMALL.replacen("[[table]]", &format!("{EDITS}\n[[table]]"), 1));
    let name = device::name();
    let devices = ["cpu".to_string(), name.clone(), format!("[\"{name}\", \"{name}\"]")];
    let folders = ["on-cpu", "on-gpu", "on-two"];
    for (folder, device) in folders.iter().zip(&devices) {
        sandbox.run_into(folder, &["--set", &format!("model.device={device}")]);
    }
    for other in &folders[1..] {
        // The specs differ, in their devices.
        let said = sandbox.run(&["diff", "on-cpu", other, "--rtol", "1e-3", "--atol", "1e-5"]).out;
        assert!(said.contains("\nwithin tolerance\n"), "{said}");
    }
    let manifest = sandbox.json("on-two/manifest.json");
    assert_eq!(manifest["models"][0]["device"], format!("{name}, {name}"));
}
