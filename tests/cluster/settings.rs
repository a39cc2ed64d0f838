//! What a cluster is asked for.

use crate::shard;
use crate::support::{Sandbox, says};

fn dry(sandbox: &Sandbox, args: &[&str]) -> String {
    sandbox.run(&[&["submit", "spec.toml", "--dry"], args].concat()).ok().out
}

#[test]
fn a_spec_goes_before_the_sites_file() {
    let own = "[slurm]\npartition = \"own\"\nsetup = [\"module load x\"]\nrequeues = 2\n";
    let sandbox = Sandbox::stored(&format!("{}\n{own}", shard::SPEC));
    sandbox.write("site.toml", "[slurm]\npartition = \"site\"\naccount = \"a b\"\ngres = \"gpu:1\"\ntime = \"8:00:00\"\nmemory = \"4G\"\nparallel = 7\n");
    let text = dry(&sandbox, &["--site", "site.toml"]);
    says(
        &text,
        [
            "==> level1.sh\n#!/bin/bash\n",
            "#SBATCH --partition=own\n",
            "#SBATCH --account='a b'\n",
            "#SBATCH --gres=gpu:1\n",
            "#SBATCH --time=8:00:00\n",
            "#SBATCH --mem=4G\n",
            "%7\n",
            "#SBATCH --requeue\n#SBATCH --open-mode=append\n#SBATCH --signal=USR2@120\nexport ABLATE_CACHE=",
            "\nmodule load x\nexec srun --ntasks=1 ",
            " worker ",
            "==> gather.sh\n",
            " run spec.toml --gather\ncode=$?\n",
            " status spec.toml --failed\nexit $code\n",
        ],
    );
    assert!(!text.contains("site\n"), "{text}");
    // Nothing was done.
    assert!(!sandbox.has("store/submissions") && !sandbox.has("results"));
}

/// Without a word of either, from the plan.
#[test]
fn what_is_left_out_is_from_the_plan() {
    let sandbox = Sandbox::stored(shard::SPEC);
    let text = dry(&sandbox, &["--set", "run.threads=3", "--set", "slurm.minutes=0"]);
    says(
        &text,
        ["#SBATCH --cpus-per-task=3\n", "#SBATCH --time=11\n", "level1: ", "gather: tables, figures and reports\n"],
    );
    let memory = text.lines().find_map(|line| line.strip_prefix("#SBATCH --mem=")).expect("memory");
    let mebibytes: u64 = memory.strip_suffix('M').expect("MiB").parse().expect("a number");
    assert!((1300..4000).contains(&mebibytes), "{memory}");
    // All but the times, which are measured.
    let scripts = |text: String| text.split("\nlevel1: ").next().unwrap_or_default().to_string();
    let run = sandbox.run(&["run", "spec.toml", "--on", "slurm", "--dry"]).ok().out;
    assert_eq!(scripts(run), scripts(dry(&sandbox, &[])));
    says(sandbox.run(&["run", "spec.toml", "--on", "pbs"]).refused(), ["slurm"]);
}

#[test]
fn what_is_wrong_is_refused() {
    let sandbox = Sandbox::stored(shard::SPEC);
    sandbox.write("site.toml", "[slurm]\npartitoin = \"x\"\n");
    says(sandbox.run(&["submit", "spec.toml", "--dry", "--site", "site.toml"]).refused(), ["site.toml", "partitoin"]);
    says(sandbox.run(&["submit", "spec.toml", "--dry", "--site", "none.toml"]).refused(), ["none.toml"]);
    says(sandbox.run(&["submit", "spec.toml", "--dry", "--set", "slurm.partitoin=x"]).refused(), ["partition"]);
    says(
        sandbox.run(&["submit", "spec.toml", "--dry", "--set", "run.store=off"]).refused(),
        ["the store, which is off"],
    );
}
