//! The scripts that Slurm runs.

use super::tasks::{ArrayOfTasks, SubmittedCommand};
use crate::spec::Slurm;
use crate::system::shell::word;
use std::fmt::Write;
use std::path::Path;

/// Seconds before the time limit at which a task is warned, and puts what it has into the store.
const WARNING: u64 = 120;
/// Bytes that a process takes beside weights and activations, and how much more than predicted it may take.
const BASE: u64 = 1 << 30;
const MARGIN: f64 = 1.3;
/// Minutes that a task may take beside its work, and how often as long as predicted.
const STARTING: f64 = 10.0;
const SLOWER: f64 = 3.0;
/// Minutes of the job that gathers.
const GATHERING: u64 = 60;

/// The script of an array.
pub fn of_array(array: &ArrayOfTasks, command: &SubmittedCommand, slurm: &Slurm, folder: &Path) -> String {
    let longest = array.tasks.iter().map(|task| task.iter().map(|cell| cell.seconds).sum::<f64>()).fold(0.0, f64::max);
    let minutes = (longest / 60.0 * SLOWER + STARTING).ceil() as u64;
    let time = slurm.time.clone().unwrap_or_else(|| minutes.to_string());
    let bytes = array.tasks.iter().flatten().map(|cell| cell.memory).max().unwrap_or(0);
    let memory = ((bytes + BASE) as f64 * MARGIN / f64::from(1 << 20)).ceil();
    let memory = slurm.memory.clone().unwrap_or_else(|| format!("{memory}M"));
    let most = slurm.parallel.map(|parallel| format!("%{parallel}")).unwrap_or_default();
    let warning = time.parse::<u64>().map_or(WARNING, |minutes| WARNING.min(minutes * 60 / 3));
    let mut text = head(&format!("ablate-{}", array.name), command, slurm);
    directive(&mut text, "array", &format!("0-{}{most}", array.tasks.len() - 1));
    directive(&mut text, "output", &quoted(&folder.join("logs").join("%A_%a.log")));
    directive(&mut text, "time", &time);
    directive(&mut text, "mem", &memory);
    let gres = slurm.gres.as_ref();
    gres.iter().for_each(|gres| directive(&mut text, "gres", gres));
    text += "#SBATCH --requeue\n";
    directive(&mut text, "open-mode", "append");
    directive(&mut text, "signal", &format!("USR2@{warning}"));
    setup(&mut text, slurm);
    // The worker in place of the shell: signals reach it, and its end is the job's. From Slurm 22.05 on srun does not take over how many
    // cores the job has.
    let _ = writeln!(
        text,
        "exec srun --ntasks=1 --cpus-per-task={} {} worker {} {} --warning {warning}",
        cpus(slurm),
        quoted(&command.program),
        quoted(folder),
        array.name
    );
    text
}

/// The script of the job that gathers.
pub fn of_gathering(command: &SubmittedCommand, slurm: &Slurm, folder: &Path) -> String {
    let mut text = head("ablate-gather", command, slurm);
    directive(&mut text, "output", &quoted(&folder.join("logs").join("gather-%j.log")));
    directive(&mut text, "time", &GATHERING.to_string());
    if let Some(memory) = &slurm.memory {
        directive(&mut text, "mem", memory);
    }
    if let Some(gres) = &slurm.gres {
        // Planning looks whether the devices of the specs are there.
        directive(&mut text, "gres", gres);
    }
    setup(&mut text, slurm);
    let words = command.words("run").into_iter().chain(["--gather".to_string()]).collect::<Vec<_>>().join(" ");
    let _ = writeln!(text, "{words}\ncode=$?");
    let words = command.words("status").into_iter().chain(["--failed".to_string()]).collect::<Vec<_>>().join(" ");
    let _ = writeln!(text, "{words}\nexit $code");
    text
}

fn head(name: &str, command: &SubmittedCommand, slurm: &Slurm) -> String {
    let mut text = String::from("#!/bin/bash\n");
    directive(&mut text, "job-name", name);
    directive(&mut text, "chdir", &quoted(&command.folder));
    for (key, value) in [
        ("partition", &slurm.partition),
        ("account", &slurm.account),
        ("qos", &slurm.qos),
        ("constraint", &slurm.constraint),
    ] {
        if let Some(value) = value {
            directive(&mut text, key, &word(value));
        }
    }
    directive(&mut text, "ntasks", "1");
    directive(&mut text, "cpus-per-task", &cpus(slurm).to_string());
    text
}

fn cpus(slurm: &Slurm) -> usize {
    slurm.cpus.unwrap_or(1)
}

fn directive(text: &mut String, key: &str, value: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "#SBATCH --{key}={value}");
}

fn setup(text: &mut String, slurm: &Slurm) {
    for line in &slurm.setup {
        let _ = writeln!(text, "{line}");
    }
}

fn quoted(path: &Path) -> String {
    word(&path.display().to_string())
}
