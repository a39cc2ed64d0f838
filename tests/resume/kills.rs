//! SIGKILL at random times, again and again: the results are to the bit those of a run that nobody disturbed, and no finished block is
//! computed twice.

use super::start;
use crate::support::{Sandbox, files_below};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Steps of every kind that takes long, with little memory, so that each has several blocks.
const MANY: &str = r#"
title = "many"

[run]
memory_mib = 1

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..30", b = "1..25" }
operators = ["+", "*"]
keep = "correct"
sample = 60

[[step]]
name = "neurons"
kind = "neuron-patching"
layers = "2..4"
per_prompt = true
bootstrap = 0

[[step]]
name = "heads"
kind = "activation-patching"
sites = ["z[head]"]
positions = ["each"]

[[step]]
name = "circuits"
kind = "ablation"
mode = "keep"
components = ["L*MLP"]
ranked = { from = "heads", k = [0, 2, 4], measure = "indirect-effect" }

[[step]]
name = "paths"
kind = "path-patching"
senders = ["L0H*", "L*MLP"]
receivers = ["L1H*.q", "L2H*.v", "L1MLP", "L2MLP", "L3MLP", "logits"]
positions = ["last", "all"]

[[step]]
name = "gradients"
kind = "attribution-patching"
sites = ["mlp_post[neuron]"]
integrated_points = 3

[[step]]
name = "probe"
kind = "probe"
sites = ["resid_post", "z[head]"]
positions = ["each"]
epochs = 12

[[step]]
name = "found"
kind = "heuristics"
ranked = { from = "neurons", k = 100 }
examples = 1
min_associated = 4

[[step]]
name = "out"
kind = "prompt-knockout"
from = "found"
k = [0, 3, 40]
seeds = [1, 2]
per_prompt = true

[[step]]
name = "rules"
kind = "heuristic-knockout"
from = "found"
at_least = 2
sample = 10

[[step]]
name = "acts"
kind = "capture"
sites = ["resid_post"]

[[step]]
name = "lens"
kind = "logit-lens"

[[step]]
name = "texts"
kind = "generate"
max_new_tokens = 12
temperature = 1.0
samples = 3
interventions = [{ name = "pushed", edits = [{ site = "1.resid_post", value = 0.3, add = true }] }]

[[step]]
name = "train"
kind = "train"
prompts = "learned"
numbers = 100
layers = 2
d_model = 32
heads = 2
d_mlp = 64
steps = 400
batch = 64
log_every = 50
checkpoints = [0, 100, 250]
optimizer = { lr = 0.001 }

[prompt_sets.learned]
operands = { a = "0..40", b = "0..40" }
operators = ["+", "-"]
keep = "all"

[[table]]
name = "best"
from = "neurons"
where = { operator = "+" }
select = ["component", "mean"]
"#;

/// Numbers that look random, the same in every run of the test; when a kill comes is random enough.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % most.max(1)
    }
}

/// What was seen of the store after each kill.
#[derive(Default)]
struct Seen {
    /// When each block was written.
    blocks: HashMap<PathBuf, SystemTime>,
    /// How many blocks there ever were.
    written: usize,
    /// Blocks that were written twice.
    again: usize,
    /// Steps of the training that were taken.
    trained: u64,
    entries: Vec<PathBuf>,
}

impl Seen {
    fn look(&mut self, sandbox: &Sandbox) {
        let there = sandbox.blocks();
        for path in &there {
            if let Some(steps) = training(&sandbox.bytes(path)) {
                assert!(steps >= self.trained, "optimiser steps are lost: {steps} after {}", self.trained);
                self.trained = steps;
                continue;
            }
            let when = fs::metadata(path).and_then(|about| about.modified()).expect("a time");
            match self.blocks.insert(path.clone(), when) {
                None => self.written += 1,
                Some(before) if before != when => self.again += 1,
                Some(_) => {}
            }
        }
        let mut entries = sandbox.entries();
        entries.retain(|path| path.ends_with("entry.json"));
        for entry in &self.entries {
            assert!(entries.contains(entry), "a finished step is lost: {}", entry.display());
        }
        // A block goes only when what it is part of is finished: the step, which then has an entry, or the block around it.
        let folders: BTreeSet<PathBuf> = self.blocks.keys().filter_map(|path| Some(path.parent()?.into())).collect();
        let (going_on, done): (Vec<&PathBuf>, Vec<&PathBuf>) = folders.iter().partition(|folder| folder.exists());
        assert!(
            done.len() <= entries.len(),
            "{} steps are without their blocks, {} are done",
            done.len(),
            entries.len()
        );
        // A kill may come while the blocks of a step that is done are taken away.
        let is_done =
            |folder: &Path| entries.iter().any(|entry| entry.parent().and_then(Path::file_name) == folder.file_name());
        let going_on: Vec<&PathBuf> = going_on.into_iter().filter(|folder| !is_done(folder)).collect();
        for path in self.blocks.keys().filter(|path| going_on.iter().any(|folder| path.starts_with(folder))) {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let around = name.split_once('.').map(|(around, _)| path.with_file_name(format!("{around}.block")));
            let within = name.matches('.').count() > 1 && around.is_some_and(|around| around.exists());
            assert!(within || there.contains(path), "{name} is lost");
        }
        self.entries = entries;
    }
}

/// How many optimiser steps a state of a training is after; `None` of other blocks.
fn training(block: &[u8]) -> Option<u64> {
    let rest = block.strip_prefix(b"ablate block 1\n")?.get(32..)?;
    let number = |bytes: &[u8]| bytes.get(..8)?.try_into().ok().map(u64::from_le_bytes);
    let length = number(rest)? as usize;
    let identity = std::str::from_utf8(rest.get(8..8 + length)?).ok()?;
    identity.contains("training #").then(|| number(rest.get(8 + length..)?))?
}

/// Kills runs at random times until `kills` of them were; each time one gets to its end, its results are compared and all begins anew.
fn kill_at_random(kills: usize, seed: u64) {
    let sandbox = Sandbox::stored(MANY);
    let began = Instant::now();
    sandbox.run_into("whole", &["--no-store"]);
    let whole = began.elapsed();
    let expected = sandbox.results("whole");
    let mut random = Random(seed);
    let (mut killed, mut ended, mut written, mut again) = (0, 0, 0, 0);
    while killed < kills || ended == 0 {
        let mut seen = Seen::default();
        let (mut kills_of_this, enough) = (0, 3 + random.below(10) as usize);
        loop {
            let mut child = start(&sandbox, "results");
            if kills_of_this < enough {
                // Sometimes early, while what is there is read; mostly in the midst of the work.
                let most = if random.below(4) == 0 { 150 } else { (whole.as_millis() as u64 / 2).max(300) };
                std::thread::sleep(Duration::from_millis(random.below(most)));
                child.kill().expect("SIGKILL");
            }
            let status = child.wait().expect("it ends");
            seen.look(&sandbox);
            if status.success() {
                break;
            }
            assert!(status.code().is_none(), "it failed: {:?}", status.code());
            kills_of_this += 1;
        }
        killed += kills_of_this;
        ended += 1;
        written += seen.written;
        again += seen.again;
        assert!(sandbox.results("results") == expected, "after {kills_of_this} kills");
        assert!(sandbox.blocks().is_empty());
        let left = files_below(&sandbox.at("results"));
        assert!(left.iter().all(|path| !path.to_string_lossy().ends_with(".part")), "{left:?}");
        sandbox.remove("store");
    }
    assert!(written > 0, "no block was left by any of {killed} kills");
    assert_eq!(again, 0, "finished blocks that were computed again, of {written}");
    println!(
        "{killed} kills, {ended} runs to the end, {written} blocks left by kills, none computed again; a whole run: {whole:.1?}"
    );
}

#[test]
fn runs_that_are_killed_end_as_one_that_was_not() {
    kill_at_random(15, 1);
}

#[test]
#[ignore = "takes minutes: 200 kills"]
fn two_hundred_kills() {
    kill_at_random(200, 2);
}
