//! Submissions and their tasks, with a scheduler that only takes note: what is submitted in which order, and what its tasks do.

use crate::shard;
use crate::support::{Ran, Sandbox, says};
use std::process::Command;

/// Programs of Slurm's names that write down how they are called.
fn cluster(spec: &str) -> Sandbox {
    let sandbox = Sandbox::stored(spec);
    let programs = [
        (
            "sbatch",
            "echo \"sbatch $*\" >> calls; n=$(grep -c ^sbatch calls); [ \"$n\" = \"$FAIL_AT\" ] && { echo 'no such partition' >&2; exit 1; }; echo $((100 + n))",
        ),
        ("squeue", "cat queue 2>/dev/null"),
        ("sacct", "exit 1"),
        ("scontrol", "echo 'MaxArraySize            = 5'"),
        ("scancel", "echo \"scancel $*\" >> calls"),
    ];
    for (name, script) in programs {
        let file = format!("bin/{name}");
        sandbox.write(&file, format!("#!/bin/sh\n{script}\n"));
        let status = Command::new("chmod").arg("+x").arg(sandbox.at(&file)).status();
        assert!(status.expect("chmod runs").success());
    }
    sandbox
}

fn on_cluster(sandbox: &Sandbox, args: &[&str], vars: &[(&str, &str)]) -> Ran {
    let path = format!("{}:{}", sandbox.at("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut command = sandbox.command(args);
    command.env("PATH", path).envs(vars.iter().copied());
    Ran::of(&mut command)
}

/// The folder of the one submission.
fn submission(sandbox: &Sandbox) -> String {
    let folder = std::fs::read_dir(sandbox.store().join("submissions")).expect("submissions").flatten().next();
    folder.expect("a submission").path().display().to_string()
}

#[test]
fn levels_wait_for_each_other_and_the_last_job_for_all() {
    let sandbox = cluster(shard::SPEC);
    let ran = on_cluster(&sandbox, &["submit", "spec.toml", "--set", "slurm.minutes=0"], &[]).ok();
    says(&ran.out, ["level1-1 as job 101: ", "scripts and logs in "]);
    let calls = sandbox.read("calls");
    let calls: Vec<&str> = calls.lines().collect();
    // Ten cells that need nothing are two arrays of at most five; the four circuits need their effects.
    assert_eq!(calls.len(), 4, "{calls:?}");
    assert!(calls[0].starts_with("sbatch --parsable /") && calls[0].ends_with("level1-1.sh"), "{}", calls[0]);
    says(calls[2], ["--dependency=afterok:101:102 --kill-on-invalid-dep=yes", "level2.sh"]);
    says(calls[3], ["--dependency=afterany:101:102:103", "gather.sh"]);
    // Its tasks, in order, then the run that gathers: the results of a run.
    let folder = submission(&sandbox);
    for (array, tasks) in [("level1-1", 5), ("level1-2", 5), ("level2", 4)] {
        for task in 0..tasks {
            let job = [
                ("SLURM_JOB_ID", "777"),
                ("SLURM_ARRAY_JOB_ID", "101"),
                ("SLURMD_NODENAME", "n7"),
                ("SLURM_RESTART_COUNT", "2"),
            ];
            let task = task.to_string();
            let vars = [&job[..], &[("SLURM_ARRAY_TASK_ID", &task)]].concat();
            says(
                on_cluster(&sandbox, &["worker", &folder, array], &vars).ok().err,
                ["1 step computed, 0 were in the store"],
            );
        }
    }
    sandbox.run_into("whole", &["--no-store"]);
    let gathered = sandbox.run_into("gathered", &["--gather"]);
    assert_eq!(gathered.recalled().len(), shard::STEPS);
    assert!(sandbox.results("whole") == sandbox.results("gathered"));
    // Who computed what is on record.
    let steps = sandbox.json("gathered/manifest.json")["steps"].clone();
    let job = &steps[0]["from_store"]["job"];
    assert_eq!(
        (job["id"].as_u64(), job["node"].as_str(), job["restarts"].as_u64()),
        (Some(777), Some("n7"), Some(2)),
        "{steps}"
    );
    let again = on_cluster(&sandbox, &["submit", "spec.toml"], &[]).ok();
    says(&again.out, ["the store has all steps"]);
}

/// A scheduler that refuses a script: what was submitted before is taken back.
#[test]
fn what_is_half_submitted_is_taken_back() {
    let sandbox = cluster(shard::SPEC);
    let ran = on_cluster(&sandbox, &["submit", "spec.toml", "--set", "slurm.minutes=0"], &[("FAIL_AT", "3")]).ends(1);
    says(&ran.err, ["no such partition"]);
    says(sandbox.read("calls"), ["scancel 101", "scancel 102"]);
}

#[test]
fn a_spec_that_has_changed_is_not_computed_as_if_it_had_not() {
    let sandbox = cluster(shard::SPEC);
    on_cluster(&sandbox, &["submit", "spec.toml"], &[]).ok();
    sandbox.edit("spec.toml", "sample = 6", "sample = 7");
    let folder = submission(&sandbox);
    let said = on_cluster(&sandbox, &["worker", &folder, "level1", "--task", "0"], &[]).refused();
    says(&said, ["has changed since it was submitted; submit it again"]);
    says(on_cluster(&sandbox, &["worker", &folder, "level1", "--task", "9"], &[]).refused(), ["it has no task 9"]);
    says(
        on_cluster(&sandbox, &["worker", &folder, "level7", "--task", "0"], &[]).refused(),
        ["the submission has no such array"],
    );
    says(on_cluster(&sandbox, &["worker", &folder, "level1"], &[]).refused(), ["--task N"]);
}

#[test]
fn how_far_it_is() {
    let sandbox = cluster(shard::SPEC);
    let status = |args: &[&str]| on_cluster(&sandbox, &[&["status", "spec.toml"], args].concat(), &[]);
    says(status(&[]).ok().out, [format!("{} steps: {} not begun\n", shard::STEPS, shard::STEPS)]);
    on_cluster(&sandbox, &["submit", "spec.toml", "--set", "slurm.minutes=0"], &[]).ok();
    sandbox.write(
        "queue",
        "101_[0-4]|PENDING|Resources\n102_0|RUNNING|None\n102_[1-4%2]|PENDING|Priority\n103_[0-3]|PENDING|Dependency\n",
    );
    says(
        status(&["--all"]).ok().out,
        ["14 steps: 14 queued\n", "queued: PENDING (Resources)\n", "queued: its task is running\n"],
    );
    let folder = submission(&sandbox);
    on_cluster(&sandbox, &["worker", &folder, "level1-1", "--task", "0"], &[]).ok();
    says(status(&[]).ok().out, ["14 steps: 1 done, 13 queued\n", "left: "]);
    // A task that was killed: Slurm knows how, and its log ends with why.
    sandbox.write("queue", "101_1|OUT_OF_MEMORY|None\n101_[2-4]|PENDING|Resources\n102_[0-4]|PENDING|Priority\n103_[0-3]|PENDING|Dependency\n");
    std::fs::write(format!("{folder}/logs/101_1.log"), "first\nslurmstepd: error: Detected 1 oom-kill event(s)\n")
        .expect("a log");
    let failed = status(&[]).ends(1);
    says(
        &failed.out,
        [
            "14 steps: 1 done, 11 queued, 1 stopped, 1 waiting for one of those\n",
            "its task took more memory than it asked for",
            "101_1.log:\n",
            "  | slurmstepd: error: Detected 1 oom-kill event(s)\n",
        ],
    );
    says(&failed.err, ["1 step has failed or was stopped"]);
}
