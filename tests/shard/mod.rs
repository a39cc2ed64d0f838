//! Parts of a run by processes that have nothing in common but the store.

mod failing;
mod parts;
mod split;

use crate::support::arith_spec;

/// Two models and two draws; a step that reads another's rows, one that wrote a file, and one that no axis reaches.
pub const SPEC: &str = arith_spec!(
    "parts",
    r#"
operands = { a = "0..12", b = "1..9" }
operators = ["+", "*"]
sample = 6
"#,
    r#"
[run]
threads = 1

[prompt_sets.fixed]
operands = { a = "0..5", b = "1..5" }
sample = 4
skip = 0

[matrix]
dtype = { key = "model.dtype", values = ["f32", "bf16"] }
skip = { key = "prompts.skip", values = [0, 20] }
"#,
    effects,
    "positions = [\"last\"]\n",
    circuits,
    r#"ranked = { from = "effects", k = [0, 2], measure = "indirect-effect" }
"#,
    acts,
    r#"
[[step]]
name = "lens"
kind = "logit-lens"
prompts = "fixed"

[[table]]
name = "heads"
from = "effects"
group_by = ["dtype", "layer", "head"]
aggregate = { effect = "mean(mean)" }

[[table]]
name = "curves"
from = "circuits"

[[figure]]
name = "heads"
kind = "heatmap"
from = "heads"
facet = "dtype"
x = "head"
y = "layer"
value = "effect"
"#
);

/// How many steps of all variants there are: `lens` is of another set than the one that varies, so each precision has one.
pub const STEPS: usize = 3 * 4 + 2;
