//! What goes wrong around a run: disks that are full or read-only, clocks that are set back, files that are cut off or replaced,
//! another run. Never a wrong number, never finished work lost, and a sentence that says what happened.

mod broken;
mod devices;
mod disks;
mod files;
mod folders;
mod replaced;
#[cfg(unix)]
mod signals;

/// Two steps and a table on the built-in model; takes a moment.
const SPEC: &str = r#"
title = "faults"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..20", b = "1..20" }
operators = ["+"]
sample = 40

[[step]]
name = "neurons"
kind = "neuron-patching"
layers = "1..4"
per_prompt = true
bootstrap = 0

[[step]]
name = "heads"
kind = "activation-patching"
sites = ["z[head]"]

[[table]]
name = "effects"
from = "heads"
select = ["component", "mean"]
"#;
