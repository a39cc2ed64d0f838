//! What tells the rows of one model and checkpoint apart.

/// Names a run in the tables.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// The model's name in the spec.
    pub model: &'a str,
    /// The checkpoint, empty where the model has none.
    pub checkpoint: &'a str,
}
