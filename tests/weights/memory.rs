//! Peak memory while a model is loaded: its weights and one piece more, not two copies.

use ablate::model::checkpoint::Checkpoint;
use ablate::model::host::HostModel;
use ablate::model::processing::Processed;
use ablate::model::transformer::Transformer;
use ablate::spec::Processing;
use burn::tensor::{DType, Device};

/// Llama's shape with 57 million weights, a tenth of them in the embedding.
const CONFIG: &str = r#"{"model_type": "llama", "vocab_size": 10000, "hidden_size": 512, "intermediate_size": 1536,
    "num_hidden_layers": 14, "num_attention_heads": 8, "tie_word_embeddings": false}"#;

/// Peak resident memory of this process, in bytes.
#[cfg(target_os = "linux")]
pub fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
}

/// Run by the test below in a process of its own, whose peak is not that of other tests.
#[test]
#[ignore = "part of a_loaded_model_peaks_near_the_size_of_its_weights"]
#[cfg(target_os = "linux")]
fn load_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.json");
    std::fs::write(&config, CONFIG).unwrap();
    let before = peak();
    let host = Processed::new(Checkpoint::random(&config, 0).unwrap(), Processing::default());
    let bytes = host.parameters() as f64 * 4.0;
    let model = Transformer::load(&host, &Device::flex(), DType::F32).unwrap();
    println!("ratio {} of {bytes}", (peak() - before) / bytes);
    drop(model);
}

#[test]
#[cfg(target_os = "linux")]
fn a_loaded_model_peaks_near_the_size_of_its_weights() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["weights::memory::load_alone", "--exact", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let ratio = text.split("ratio ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_else(|| panic!("{text}"));
    let ratio: f64 = ratio.parse().unwrap();
    assert!((1.0..1.2).contains(&ratio), "peak is {ratio} of the weights");
}
