//! One test per kind of error: the whole text that a user sees.

use ablate::spec::{Style, parse};

/// A spec without a fault, for one to be put in.
pub const RIGHT: &str = r#"title = "Accuracy"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..100", b = "0..100" }

[[step]]
name = "accuracy"
kind = "accuracy"

[[table]]
name = "rates"
from = "accuracy"
group_by = ["operator"]
aggregate = { rate = "mean(rate)" }

[[figure]]
name = "rates"
kind = "bars"
from = "rates"
x = "operator"
y = "rate"
"#;

/// The errors of the right spec with one text in place of another.
fn refused(old: &str, new: &str) -> String {
    assert!(RIGHT.contains(old), "{old} is not in the spec");
    text_of(&RIGHT.replacen(old, new, 1))
}

fn text_of(spec: &str) -> String {
    match parse("spec.toml", spec) {
        Ok(_) => panic!("accepted:\n{spec}"),
        Err(errors) => errors.render(Style::Plain),
    }
}

#[test]
fn the_right_spec_is_right() {
    if let Err(errors) = parse("spec.toml", RIGHT) {
        panic!("{errors}");
    }
}

#[test]
fn a_wrong_key_is_shown_with_the_right_one() {
    let text = refused("operands", "opernads");
    assert!(text.contains("x unknown key 'opernads' in [prompts]\n   ,-[spec.toml:7:1]"), "{text}");
    assert!(text.contains("help: write 'operands'"), "{text}");
}
