//! What tells the rows of one model and checkpoint apart.

use crate::table::rows;

/// Names a run in the tables.
#[derive(Debug, Clone, Copy)]
pub struct RunLabels<'a> {
    /// The model's name in the spec.
    pub model: &'a str,
    /// The checkpoint, empty where the model has none.
    pub checkpoint: &'a str,
}

rows! {
    /// The model.
    pub ModelColumns<'r>(of: RunLabels<'r>) {
        model: String = of.model, "Name of the model in the spec: `model` for `[model]`.";
        checkpoint: String = of.checkpoint, "Its checkpoint; empty where it has none.";
    }

    /// The model and a template of its prompts.
    pub RunColumns<'r>((of, template): (RunLabels<'r>, &'r str)) {
        of: ModelColumns = *of;
        step: Option<i64> = number_in(of.checkpoint), "The number at the end of the checkpoint's name.";
        template: String = template, "Name of the template; `default` where it has none.";
    }
}

/// The number that a checkpoint's name ends in: 143000 of `step143000`.
pub(super) fn number_in(checkpoint: &str) -> Option<u64> {
    checkpoint.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
