//! The store: keys that have everything in them, results that come back as they were, and what happens when something is wrong.

mod claims;
mod difference;
mod exchange;
mod faults;
mod keys;
mod parameters;
mod plan;
mod recall;
mod standing;
mod tend;

/// Steps of several kinds, some of which read others' rows, on the built-in model; takes a moment.
const SPEC: &str = r#"
title = "stored"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..20", b = "1..20" }
operators = ["+", "*"]
keep = "correct"
sample = 4
seeds = [42, 412]

[prompt_sets.few]
sample = 2

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["z[head]"]
per_prompt = true

[[step]]
name = "circuits"
kind = "ablation"
mode = "keep"
components = ["L*MLP"]
ranked = { from = "effects", k = [0, 2] }

[[step]]
name = "neurons"
kind = "neuron-patching"
layers = "3"

[[step]]
name = "gradients"
kind = "attribution-patching"
sites = ["3.mlp_post[neuron]"]
prompts = "few"
compare = "neurons"
top = [5]

[[step]]
name = "acts"
kind = "capture"
sites = ["0.resid_post"]

[[step]]
name = "answers"
kind = "accuracy"
per_prompt = true

[[table]]
name = "heads"
from = "effects"
group_by = ["layer", "head"]
aggregate = { effect = "mean(mean)" }

[[table]]
name = "agreement"
from = "gradients.agreement"

[[figure]]
name = "heads"
kind = "heatmap"
from = "heads"
x = "head"
y = "layer"
value = "log1p(effect)"
"#;

/// Two steps of them, for what takes many runs.
const SHORT: &str = r#"
title = "stored"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..20", b = "1..20" }
operators = ["+"]
sample = 4

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["z[head]"]

[[step]]
name = "acts"
kind = "capture"
sites = ["0.resid_post"]
"#;

/// The steps of [`SPEC`].
const STEPS: [&str; 6] = ["effects", "circuits", "neurons", "gradients", "acts", "answers"];
