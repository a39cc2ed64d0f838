//! Which model of a spec: its name there and its checkpoint.

/// Which model: its name in the spec (`model` for `[model]`) and its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelName {
    /// Name in the spec.
    pub name: String,
    /// Checkpoint, of a model that has `checkpoints`.
    pub checkpoint: Option<String>,
}

impl std::fmt::Display for ModelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.checkpoint {
            Some(checkpoint) => write!(f, "{} at {checkpoint}", self.name),
            None => f.write_str(&self.name),
        }
    }
}
