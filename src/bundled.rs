//! The specs of this repository, part of the program: for `ablate list specs` and `ablate new --from`.

use crate::spec::{nearest, one_of};
use std::io;
use std::path::{Path, PathBuf};

macro_rules! files {
    ($($path:literal,)*) => {
        /// Every spec, base and profile below `experiments/`, and the data that they read: its path there, and its text.
        pub const FILES: &[(&str, &str)] = &[$(($path, include_str!(concat!("../experiments/", $path))),)*];
    };
}

files![
    "causal-tracing/facts.jsonl",
    "causal-tracing/models/gpt2-xl.toml",
    "causal-tracing/tracing.toml",
    "greater-than/base/digits.toml",
    "greater-than/base/greater-than.toml",
    "greater-than/decade.toml",
    "greater-than/models/gpt2-small.toml",
    "greater-than/year.toml",
    "helix/addition.toml",
    "helix/digits.toml",
    "helix/models/gpt-j.toml",
    "helix/models/llama3.1-8b.toml",
    "helix/models/pythia-6.9b.toml",
    "induction/induction.toml",
    "induction/models/gpt2-small.toml",
    "interventions.toml",
    "ioi-gemma3.toml",
    "ioi-smollm2.toml",
    "language-direction/asked.csv",
    "language-direction/base/direction.toml",
    "language-direction/language.toml",
    "language-direction/learned.csv",
    "language-direction/models/gemma-2-2b-it.toml",
    "language-direction/models/llama3-8b.toml",
    "language-direction/models/qwen3-8b.toml",
    "language-direction/steering.toml",
    "learning.toml",
    "models/arith.toml",
    "modular-addition/fourier.toml",
    "modular-addition/train.toml",
    "modular-addition/without.toml",
    "paper/appendix-b2-attention.toml",
    "paper/base/arithmetic.toml",
    "paper/base/circuits.toml",
    "paper/base/effects.toml",
    "paper/base/heuristics.toml",
    "paper/base/neurons.toml",
    "paper/fig02-effects.toml",
    "paper/fig03-probes.toml",
    "paper/fig04-neurons.toml",
    "paper/fig05-heuristics.toml",
    "paper/fig07-knockout-by-heuristic.toml",
    "paper/fig08-knockout-by-prompt.toml",
    "paper/fig09-failures.toml",
    "paper/fig10-training.toml",
    "paper/fig11-circuits.toml",
    "paper/fig12-first-mlp.toml",
    "paper/fig13-first-layer-neurons.toml",
    "paper/fig14-attention.toml",
    "paper/fig15-overlap.toml",
    "paper/models/arith-training.toml",
    "paper/models/arith.toml",
    "paper/models/gemma-2-2b.toml",
    "paper/models/gemma-3-270m.toml",
    "paper/models/gpt-j.toml",
    "paper/models/llama3-70b.toml",
    "paper/models/llama3-8b.toml",
    "paper/models/llama3.1-8b.toml",
    "paper/models/pythia-6.9b-training.toml",
    "paper/models/pythia-6.9b.toml",
    "paper/models/qwen3-8b.toml",
    "paper/models/smollm2-135m.toml",
    "paper/neuron-importance.toml",
    "paper/table01-faithfulness.toml",
    "paper/table02-heads.toml",
    "paper/table03-accuracy.toml",
    "paper/tables04-08-examples.toml",
    "pairs-smollm2.toml",
    "quickstart-gemma3.toml",
    "quickstart-smollm2.toml",
    "quickstart.toml",
    "starter-words.toml",
    "starter.toml",
    "sweep.toml",
];

/// A spec that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSpec {
    /// No such name.
    #[error("no built-in spec '{name}'; {}", one_of(.near, "`ablate list specs` shows them"))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        near: Vec<String>,
    },
    /// The beginning of several.
    #[error("several built-in specs begin with '{name}'; write one of {}", .fitting.join(", "))]
    Several {
        /// What was asked for.
        name: String,
        /// Those that begin so.
        fitting: Vec<String>,
    },
}

/// The specs that can be run, by name, with their titles: `paper/fig02-effects`. What has no title is a part of others.
pub fn specs() -> impl Iterator<Item = (&'static str, String)> {
    FILES.iter().filter_map(|(path, text)| {
        let table: toml::Table = text.parse().ok()?;
        Some((path.strip_suffix(".toml")?, table.get("title")?.as_str()?.to_string()))
    })
}

/// The whole name of a spec: by that, its beginning, or its last part or the beginning of that: `fig02`.
///
/// # Errors
/// No or several such specs.
pub fn find(name: &str) -> Result<&'static str, NoSpec> {
    let name = name.strip_prefix("experiments/").unwrap_or(name);
    let name = name.strip_suffix(".toml").unwrap_or(name);
    let names: Vec<&'static str> = specs().map(|(name, _)| name).collect();
    if let Some(found) = names.iter().find(|other| **other == name) {
        return Ok(found);
    }
    let last = |whole: &'static str| whole.rsplit('/').next().unwrap_or(whole);
    let fits = |whole: &&&'static str| !name.is_empty() && (whole.starts_with(name) || last(whole).starts_with(name));
    match names.iter().filter(fits).copied().collect::<Vec<_>>().as_slice() {
        [only] => Ok(only),
        [] => {
            // A name in another folder than it is in: `papers/fig02`.
            let own = name.rsplit('/').next().unwrap_or(name);
            let elsewhere = |whole: &&&'static str| own != name && !own.is_empty() && last(whole).starts_with(own);
            let mut near: Vec<String> = names.iter().filter(elsewhere).map(ToString::to_string).collect();
            if near.is_empty() {
                let begins = names.iter().flat_map(|&whole| [whole, last(whole)]);
                near.extend(nearest(name, begins).map(String::from));
            }
            Err(NoSpec::Unknown { name: name.to_string(), near })
        }
        several => {
            let fitting = several.iter().map(ToString::to_string).collect();
            Err(NoSpec::Several { name: name.to_string(), fitting })
        }
    }
}

/// Writes all files below a folder, for specs that extend others; the path of one of them.
///
/// # Errors
/// A folder that cannot be written to.
pub fn unpack(name: &str, folder: &Path) -> io::Result<PathBuf> {
    for (path, text) in FILES {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(path, text)?;
    }
    Ok(folder.join(name).with_extension("toml"))
}
