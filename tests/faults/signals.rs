//! SIGINT and SIGTERM at any time: the process ends within two seconds, with the exit code that says by which, and says how to go on.

use crate::support::{Sandbox, says, signal, wait_until};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// What the two seconds may take where other tests have the processors.
const SLACK: Duration = Duration::from_millis(1500);

/// Whether the process takes SIGTERM itself by now: before that, it does nothing yet.
fn listens(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    blocked.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & (1 << 14) != 0)
}

/// Starts a command, waits until `begun` and a while longer, and sends a signal; how it ended, what it said, and after how long.
fn stopped(
    sandbox: &Sandbox,
    args: &[&str],
    name: &str,
    begun: impl Fn() -> bool,
    later: Duration,
) -> (Option<i32>, String) {
    let mut child = sandbox.command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let id = child.id();
    wait_until(&mut child, || listens(id) && begun());
    std::thread::sleep(later);
    signal(&child, name);
    let sent = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    let took = sent.elapsed();
    assert!(took < Duration::from_secs(2) + SLACK, "{args:?}: {took:?} after SIG{name}");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Many prompts, a model that takes long to make, steps of many blocks, and figures of many cells.
const SLOW: &str = r#"
title = "slow"

[model]
source = "random:config.json#7"

[prompts]
operands = { a = "0..300", b = "0..300" }
operators = ["+", "-"]
keep = "all"

[[step]]
name = "effects"
kind = "neuron-patching"
"#;

const CONFIG: &str = r#"{ "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 512, "intermediate_size": 2048,
"num_hidden_layers": 8, "num_attention_heads": 8, "num_key_value_heads": 8, "vocab_size": 20000, "max_position_embeddings": 64,
"rms_norm_eps": 1e-6, "hidden_act": "silu", "tie_word_embeddings": false, "rope_theta": 10000.0 }"#;

#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_every_phase_within_two_seconds() {
    let sandbox = Sandbox::stored(SLOW);
    sandbox.write("config.json", CONFIG);
    let mut told = Vec::new();
    for (number, milliseconds) in [0, 30, 150, 400, 900, 1800].into_iter().enumerate() {
        let (name, code) = [("TERM", 143), ("INT", 130)][number % 2];
        let later = Duration::from_millis(milliseconds);
        let (ended, text) = stopped(&sandbox, &["run", "spec.toml"], name, || true, later);
        assert_eq!(ended, Some(code), "after {milliseconds} ms: {text}");
        says(&text, ["error: interrupted", "the same command"]);
        told.push(text);
    }
    assert!(
        told[0].contains("interrupted before anything was computed; the same command starts from the beginning"),
        "{}",
        told[0]
    );
    for args in [&["plan", "spec.toml"][..], &["verify", "spec.toml"], &["logits", "random:config.json#7", "1+1="]] {
        let (ended, text) = stopped(&sandbox, args, "TERM", || true, Duration::ZERO);
        assert_eq!(ended, Some(143), "{args:?}: {text}");
        assert!(text.contains("error: interrupted"), "{args:?}: {text}");
    }
}

/// Who presses Ctrl-C twice, because nothing seems to happen, is told the same, once.
#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_says_what_is_kept_too() {
    let sandbox = Sandbox::stored(SLOW);
    sandbox.write("config.json", CONFIG);
    let mut child = sandbox.command(&["run", "spec.toml"]).stderr(Stdio::piped()).spawn().expect("it starts");
    let begun = sandbox.at("results/spec/.ablate-unfinished");
    let id = child.id();
    wait_until(&mut child, || listens(id) && begun.exists());
    for _ in 0..2 {
        signal(&child, "INT");
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{text}");
    let sentence =
        "error: interrupted; what was complete is kept in the store, and the same command continues from there\n";
    assert_eq!(text.matches(sentence).count(), 1, "{text}");
}

/// While steps are computed, what they had finished is kept, and that is said.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_during_a_step_says_what_is_kept() {
    let sandbox = crate::resume::long();
    for (name, code, sentence) in [
        ("INT", 130, "interrupted; what was complete is kept in the store, and the same command continues from there"),
        ("TERM", 143, "interrupted; what was complete is kept in the store, and the same command continues from there"),
    ] {
        let begun = sandbox.at("results/spec/.ablate-unfinished");
        let _ = fs::remove_dir_all(&begun);
        let (ended, text) =
            stopped(&sandbox, &["run", "spec.toml"], name, || begun.exists(), Duration::from_millis(60));
        assert_eq!(ended, Some(code), "{text}");
        assert!(text.contains(sentence), "{text}");
    }
    let begun = sandbox.at("results/spec/.ablate-unfinished");
    let _ = fs::remove_dir_all(&begun);
    let args = ["run", "spec.toml", "--no-store"];
    let (ended, text) = stopped(&sandbox, &args, "TERM", || begun.exists(), Duration::from_millis(60));
    assert_eq!(ended, Some(143), "{text}");
    assert!(
        text.contains("nothing is kept because the store is off, so the same command starts from the beginning"),
        "{text}"
    );
}
