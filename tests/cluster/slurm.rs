//! The real Slurm of Debian on loopback, two nodes: whatever strikes, in the end there are the bytes of a run on one machine.
//!
//! Slow, and needs root and `apt-get install -y slurm-wlm munge`:
//!
//!     cargo test --release -- --ignored --nocapture cluster::slurm

use crate::support::{Ran, Sandbox, arith_spec, files_below, repository, says};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A Slurm that goes with the test.
struct Cluster {
    sandbox: Sandbox,
    folder: PathBuf,
    _only: MutexGuard<'static, ()>,
}

/// There is one at a time: its daemons' ports are always the same.
static ONLY: Mutex<()> = Mutex::new(());

impl Cluster {
    fn start(spec: &str) -> Self {
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        let sandbox = Sandbox::stored(spec);
        let folder = sandbox.at("slurm");
        let status =
            Command::new("bash").arg(repository("tests/cluster/up.sh")).arg("start").arg(&folder).arg("2").status();
        assert!(status.expect("bash runs").success(), "no Slurm: apt-get install -y slurm-wlm munge, and root");
        Self { sandbox, folder, _only: only }
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = self.sandbox.program(program);
        command.env("SLURM_CONF", self.folder.join("slurm.conf")).args(args);
        command
    }

    /// What a program of Slurm prints.
    fn slurm(&self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        Ran::of(&mut self.command(words[0], &words[1..])).ok().out
    }

    fn ablate(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(crate::support::ABLATE, args))
    }

    /// Submits the spec; the numbers of its arrays and of the job that gathers.
    fn submit(&self, args: &[&str]) -> Vec<u64> {
        let said = self.ablate(&[&["submit", "spec.toml"], args].concat()).ok().out;
        let number = |line: &str| line.split(" as job ").nth(1)?.split(':').next()?.parse().ok();
        said.lines().filter_map(number).collect()
    }

    fn queue(&self) -> String {
        self.slurm("squeue --array --noheader --format=%i|%T|%r")
    }

    /// Waits until it is so; what is in the queue is shown where it never is.
    #[track_caller]
    fn wait(&self, what: &str, so: impl Fn(&str) -> bool) {
        let began = Instant::now();
        loop {
            let queue = self.queue();
            if so(&queue) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(900), "{what}: {queue}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn entries(&self) -> usize {
        self.sandbox.entries().iter().filter(|path| path.ends_with("entry.json")).count()
    }

    /// All logs, each with its name.
    fn logs(&self) -> String {
        let submissions = fs::read_dir(self.sandbox.store().join("submissions")).into_iter().flatten().flatten();
        let logs = submissions.flat_map(|one| fs::read_dir(one.path().join("logs")).into_iter().flatten().flatten());
        logs.map(|log| format!("== {}\n{}", log.path().display(), fs::read_to_string(log.path()).unwrap_or_default()))
            .collect()
    }

    /// The results are those of a run on one machine, without any cluster.
    #[track_caller]
    fn agrees(&self) {
        self.sandbox.run_into("whole", &["--no-store"]);
        assert!(self.sandbox.results("whole") == self.sandbox.results("results/spec"), "{}", self.logs());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = Command::new("bash").arg(repository("tests/cluster/up.sh")).arg("stop").arg(&self.folder).status();
    }
}

/// A small cell, and the table of all.
const CELL: &str = arith_spec!(
    "cells",
    r#"
operands = { a = "0..30", b = "1..30" }
operators = ["+"]
sample = 4
"#,
    effects,
    "positions = [\"last\"]\n",
    heads,
    "\n[run]\nthreads = 1\n",
);

/// `count` small cells, each a draw of its own.
fn cells(count: usize) -> String {
    let values: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    format!("{CELL}\n[matrix]\nskip = {{ key = \"prompts.skip\", values = [{}] }}\n", values.join(", "))
}

/// A step of many blocks, which takes longer than a task's time limit.
const LONG: &str = r#"
title = "long"

[run]
threads = 1
memory_mib = 1

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..100", b = "1..100" }
operators = ["+", "-"]
sample = 6000

[[step]]
name = "effects"
kind = "neuron-patching"
bootstrap = 0

[[step]]
name = "circuits"
kind = "ablation"
mode = "keep"
components = ["L*H*"]
ranked = { from = "effects", k = [0, 2] }

[[table]]
name = "circuit"
from = "circuits"
"#;

/// A few cells, one of which is started again: what CI tries where it can.
#[test]
#[ignore = "needs root, and Slurm: apt-get install -y slurm-wlm munge"]
fn a_few_cells() {
    let cluster = Cluster::start(&cells(6));
    let jobs = cluster.submit(&["--set", "slurm.minutes=0"]);
    assert_eq!(jobs.len(), 2, "an array, and the job that gathers: {jobs:?}");
    // Slurm puts back what has begun.
    cluster.wait("the first task has begun", |queue| !queue.contains(&format!("{}_0|PENDING", jobs[0])));
    let requeued = cluster.command("scontrol", &["requeue", &format!("{}_0", jobs[0])]).status();
    assert!(requeued.is_ok_and(|status| status.success()));
    cluster.wait("all jobs have ended", str::is_empty);
    says(cluster.ablate(&["status", "spec.toml"]).ok().out, ["6 steps: 6 done\n"]);
    cluster.agrees();
}

/// 200 cells as 64 and 64 and 64 and 8 tasks; one is started again in the midst of it, one is cancelled, and a node goes down and comes
/// back. What is cancelled is missing then, and said; a second submission computes that alone.
#[test]
#[ignore = "takes minutes, root, and Slurm: apt-get install -y slurm-wlm munge"]
fn an_array_of_many_cells_that_is_disturbed() {
    let cluster = Cluster::start(&cells(200));
    let jobs = cluster.submit(&["--set", "slurm.minutes=0"]);
    assert_eq!(jobs.len(), 5, "{jobs:?}");
    cluster.wait("the first cells", |_| cluster.entries() >= 10);
    let running = |queue: &str| {
        queue
            .lines()
            .find(|line| line.contains("|RUNNING"))
            .map(|line| line.split('|').next().unwrap_or_default().to_string())
    };
    cluster.wait("a task runs", |queue| {
        running(queue).is_some_and(|task| {
            cluster.command("scontrol", &["requeue", &task]).status().is_ok_and(|status| status.success())
        })
    });
    cluster.slurm(&format!("scancel {}_60", jobs[2]));
    cluster.wait("more cells", |_| cluster.entries() >= 30);
    // While it is at a task.
    let at_it = || cluster.slurm("squeue --noheader --nodelist=n1 --states=RUNNING --format=%i");
    cluster.wait("a task on the node", |_| !at_it().trim().is_empty());
    cluster.slurm("scontrol update nodename=n1 state=down reason=test");
    cluster.wait("cells of the other node", |_| cluster.entries() >= 50);
    let status = cluster.ablate(&["status", "spec.toml"]);
    says(&status.out, ["200 steps: ", " done, ", " queued"]);
    // With ReturnToService=2 it may be back by itself, and is then not to be resumed.
    let _ = cluster.command("scontrol", &["update", "nodename=n1", "state=resume"]).output();
    cluster.wait("all jobs have ended", str::is_empty);
    assert_eq!(cluster.entries(), 199, "{}", cluster.logs());
    let status = cluster.ablate(&["status", "spec.toml"]).ends(1);
    // Slurm forgets what was cancelled before it began.
    says(&status.out, ["200 steps: 199 done, 1 stopped\n", "stopped: step 'effects' (skip=", ": its task "]);
    says(&status.err, ["1 step has failed or was stopped"]);
    says(
        cluster.logs(),
        ["is not in the store: no part of the run has computed it yet", "stopped: step 'effects' (skip="],
    );
    let again = cluster.submit(&["--set", "slurm.minutes=0"]);
    assert_eq!(again.len(), 2, "one array of one task, and the job that gathers");
    cluster.wait("all jobs have ended", str::is_empty);
    says(cluster.ablate(&["status", "spec.toml"]).ok().out, ["200 steps: 200 done\n"]);
    cluster.agrees();
}

/// A step whose node goes down goes on in another start, and one that takes longer than the time limit in the next, and the one after;
/// the step that reads it waits.
#[test]
#[ignore = "takes minutes, root, and Slurm: apt-get install -y slurm-wlm munge"]
fn a_time_limit_that_strikes() {
    let cluster = Cluster::start(LONG);
    let jobs = cluster.submit(&["--set", "slurm.minutes=0", "--set", "slurm.time=\"1\"", "--set", "slurm.requeues=20"]);
    assert_eq!(jobs.len(), 3, "two levels and the job that gathers");
    cluster.wait("blocks", |_| files_below(&cluster.sandbox.store().join("blocks")).len() > 10);
    let node = cluster.slurm("squeue --noheader --states=RUNNING --format=%N").trim().to_string();
    cluster.slurm(&format!("scontrol update nodename={node} state=down reason=test"));
    cluster.wait("another start", |queue| queue.contains("|RUNNING"));
    let status = cluster.ablate(&["status", "spec.toml"]).ok();
    says(&status.out, ["2 steps: ", "1 queued\n", "left: "]);
    let _ = cluster.command("scontrol", &["update", &format!("nodename={node}"), "state=resume"]).output();
    cluster.wait("all jobs have ended", str::is_empty);
    let logs = cluster.logs();
    says(
        &logs,
        [
            "the time limit is reached; job ",
            "starts again and continues",
            "blocks are there from an interrupted run",
            "started again (2)",
        ],
    );
    cluster.agrees();
    let record = cluster.sandbox.json("results/spec/manifest.json");
    let job = &record["steps"][0]["from_store"]["job"];
    assert!(
        job["restarts"].as_u64() > Some(0) && job["node"].as_str().is_some_and(|node| node.starts_with('n')),
        "{job}"
    );
}

/// A task that may not be started again ends with its limit, and what it was at is said.
#[test]
#[ignore = "takes minutes, root, and Slurm: apt-get install -y slurm-wlm munge"]
fn a_time_limit_without_another_try() {
    let cluster = Cluster::start(LONG);
    cluster.submit(&["--set", "slurm.minutes=0", "--set", "slurm.time=\"1\"", "--set", "slurm.requeues=0"]);
    cluster.wait("all jobs have ended", str::is_empty);
    says(cluster.logs(), ["is not started again: it was already started again 0 times"]);
    assert_eq!(cluster.entries(), 0);
    let status = cluster.ablate(&["status", "spec.toml"]).ends(1).out;
    says(
        &status,
        [
            "2 steps: 1 stopped, 1 waiting for one of those\n",
            "stopped: step 'effects': its task ",
            " blocks of it are finished",
        ],
    );
    says(
        cluster.ablate(&["status", "spec.toml", "--all"]).ends(1).out,
        ["step 'circuits': waiting for step 'effects'\n"],
    );
}

/// The disk for temporary files of one node is full: its tasks fail, with the reason in their logs and in the store.
#[test]
#[ignore = "takes minutes, root, and Slurm: apt-get install -y slurm-wlm munge"]
fn a_full_disk_on_one_node() {
    let spec = cells(20)
        .replace("[[table]]", "[[step]]\nname = \"acts\"\nkind = \"capture\"\nsites = [\"resid_post\"]\n\n[[table]]");
    let cluster = Cluster::start(&spec);
    let full = cluster.sandbox.at("full");
    fs::create_dir_all(&full).expect("a folder");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4k", "ablate-test"]).arg(&full).status();
    assert!(mounted.expect("mount runs").success());
    let setup = format!("slurm.setup=[\"[ $SLURMD_NODENAME = n1 ] && export TMPDIR={}\"]", full.display());
    cluster.submit(&["--set", "slurm.minutes=0", "--set", &setup]);
    cluster.wait("all jobs have ended", str::is_empty);
    let status = cluster.ablate(&["status", "spec.toml"]).ends(1);
    says(&status.out, ["No space left on device", " failed", ": it failed on n1 in job "]);
    // The node is mended.
    let _ = Command::new("umount").arg("-l").arg(&full).status();
    cluster.submit(&["--set", "slurm.minutes=0"]);
    cluster.wait("all jobs have ended", str::is_empty);
    cluster.agrees();
}

/// A thousand cells, two of each of 500 variants: what the cluster costs beside the cells.
#[test]
#[ignore = "takes many minutes, root, and Slurm: apt-get install -y slurm-wlm munge"]
fn a_thousand_cells() {
    let second = "[[step]]\nname = \"mlps\"\nkind = \"activation-patching\"\nsites = [\"mlp_out\"]\n\n[[table]]";
    let cluster = Cluster::start(&cells(500).replace("[[table]]", second));
    let began = Instant::now();
    cluster.ablate(&["run", "spec.toml", "--set", "output.dir=whole", "--no-store", "--quiet"]).ok();
    let whole = began.elapsed();
    let began = Instant::now();
    let jobs = cluster.submit(&["--set", "slurm.minutes=0.1"]);
    let submitting = began.elapsed();
    cluster.wait("all jobs have ended", str::is_empty);
    let all = began.elapsed();
    println!("one run: {whole:.1?}; submitting: {submitting:.1?}; until all {} jobs had ended: {all:.1?}", jobs.len());
    assert_eq!(cluster.entries(), 1000, "{}", cluster.logs());
    says(cluster.ablate(&["status", "spec.toml"]).ok().out, ["1000 steps: 1000 done\n"]);
    assert!(cluster.sandbox.results("whole") == cluster.sandbox.results("results/spec"));
}
