//! Step `path-patching` through a spec.

use super::spec::{ran, refused};

#[test]
fn paths_have_a_row_each() {
    let ran = ran(r#"
[[step]]
name = "paths"
kind = "path-patching"
senders = ["L0H*", "L*MLP", "L0H0"]
receivers = ["L1H*.q", "L1H*.k", "L3H0.v", "L2MLP", "logits"]
positions = ["last", "all", 0]
measures = ["indirect-effect", "logit-difference", "kl"]
per_prompt = true
bootstrap = 0

[[step]]
name = "direct"
kind = "activation-patching"
sites = ["blocks.3.hook_mlp_out"]
measures = ["indirect-effect", "logit-difference", "kl"]
bootstrap = 0
"#);
    let [sender, receiver, input, position, measure] =
        ["sender", "receiver", "receiver_input", "position", "measure"].map(|column| ran.texts("paths", column));
    let means = ran.numbers("paths", "mean");
    assert!(means.iter().all(|mean| mean.is_some_and(f64::is_finite)));
    let rows = |from: &str, to: &str, at: &str| -> Vec<f64> {
        let is = |texts: &[Option<String>], row: usize, text: &str| texts[row].as_deref() == Some(text);
        (0..means.len())
            .filter(|&row| is(&sender, row, from) && is(&receiver, row, to) && is(&position, row, at))
            .filter_map(|row| means[row])
            .collect()
    };
    let each = 2 * 3;
    for (from, to, input) in
        [("L0H0", "L1H1.q", 1), ("L0MLP", "L1H0.k", 1), ("L2MLP", "L3H0.v", 1), ("L1MLP", "L2MLP", 1)]
    {
        for at in ["last", "all", "0"] {
            assert_eq!(rows(from, to, at).len(), each * input, "{from} to {to} at {at}");
        }
    }
    assert!(rows("L1MLP", "L1H0.q", "last").is_empty() && rows("L2MLP", "L2MLP", "last").is_empty());
    assert!(rows("L3MLP", "logits", "0").is_empty(), "the logits read the last position");
    assert_eq!(rows("L3MLP", "logits", "last").len(), each);
    // Nothing but the logits reads the last MLP: the path is the patch.
    let direct = ran.numbers("direct", "mean");
    let path = rows("L3MLP", "logits", "last");
    for (path, direct) in path.iter().zip(&direct) {
        assert!((path - direct.unwrap()).abs() < 1e-3 * path.abs().max(1.0), "{path} {direct:?}");
    }
    assert!(input.iter().zip(&receiver).all(|(input, receiver)| match input {
        Some(input) => receiver.as_ref().unwrap().ends_with(&format!(".{input}")),
        None => !receiver.as_ref().unwrap().contains('.'),
    }));
    assert_eq!(measure.len(), means.len());
    assert!(ran.rows("paths.prompts").height() > ran.rows("paths").height());
    let report = ran.report();
    let checks =
        report.lines().filter(|line| line.contains("step 'paths'") && line.contains("recomputed from scratch"));
    assert_eq!(checks.count(), 1, "one check of all blocks: {report}");
}

#[test]
fn paths_that_are_none_are_refused() {
    let step = |senders: &str, receivers: &str, keys: &str| {
        let head = "[[step]]\nname = \"paths\"\nkind = \"path-patching\"\n";
        refused(&format!("{head}senders = {senders}\nreceivers = {receivers}\n{keys}\n"))
    };
    let refusal = step("[\"L2H0\"]", "[\"L1H0.q\", \"L2H0.k\"]", "");
    assert!(refusal.contains("no path leads from a sender to a receiver"), "{refusal}");
    let refusal = step("[\"L0N3\"]", "[\"logits\"]", "");
    assert!(refusal.contains("senders are heads and whole MLPs"), "{refusal}");
    let refusal = step("[\"L0H0\"]", "[\"L9H0.q\"]", "");
    assert!(refusal.contains("there is no layer 9"), "{refusal}");
    let refusal = step("[\"L0H0\"]", "[\"logits\"]", "positions = [0]");
    assert!(refusal.contains("no path leads from a sender to a receiver"), "{refusal}");
}
