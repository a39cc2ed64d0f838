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

use crate::support::arith_spec;

/// Steps of several kinds, some of which read others' rows, on the built-in model; takes a moment.
const SPEC: &str = arith_spec!(
    "stored",
    r#"
operands = { a = "0..20", b = "1..20" }
operators = ["+", "*"]
keep = "correct"
sample = 4
seeds = [42, 412]
"#,
    r#"
[prompt_sets.few]
sample = 2
"#,
    effects,
    "per_prompt = true\n",
    circuits,
    r#"ranked = { from = "effects", k = [0, 2] }

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
"#,
    acts,
    r#"
[[step]]
name = "answers"
kind = "accuracy"
per_prompt = true
"#,
    heads,
    r#"
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
"#
);

/// Two steps of them, for what takes many runs.
const SHORT: &str = arith_spec!(
    "stored",
    r#"
operands = { a = "0..20", b = "1..20" }
operators = ["+"]
sample = 4
"#,
    effects,
    acts
);

/// The steps of [`SPEC`].
const STEPS: [&str; 6] = ["effects", "circuits", "neurons", "gradients", "acts", "answers"];
