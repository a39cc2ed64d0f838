//! Parts that fail: the rest is computed, and the run that gathers says why what is missing is.

use super::{SPEC, STEPS};
use crate::support::{Sandbox, says};

#[test]
fn what_no_part_has_computed_is_said() {
    let sandbox = Sandbox::stored(SPEC);
    let ended = sandbox.run(&["run", "spec.toml", "--gather"]).ends(1);
    says(&ended.err, ["step 'effects' is not in the store: no part of the run has computed it yet"]);
    assert!(!sandbox.has("results/spec/tables/heads.csv"));
    // Of two parts only one: its rows are made into tables, and the report says what they lack.
    sandbox.run(&["run", "spec.toml", "--shard", "1/2"]).ok();
    let ended = sandbox.run(&["run", "spec.toml", "--gather"]).ends(1);
    says(&ended.err, ["is not in the store"]);
    says(sandbox.report(), ["## What failed"]);
    sandbox.run(&["run", "spec.toml", "--shard", "2/2"]).ok();
    let whole = sandbox.run(&["run", "spec.toml", "--gather"]).ok();
    assert_eq!(whole.recalled().len(), STEPS);
}
