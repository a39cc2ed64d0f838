//! A step whose rows a run took from the store.

use crate::system::job::ClusterJob;

/// A step whose results were in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalled {
    /// Name of the step.
    pub step: String,
    /// Its key.
    pub key: String,
    /// When it was computed.
    pub computed: String,
    /// On which processor.
    pub processor: String,
    /// How long that took.
    pub seconds: f64,
    /// In which job of a cluster.
    pub job: Option<ClusterJob>,
    /// The variants that it is for: `dtype=bf16`; empty where it is for all.
    pub variants: String,
}

impl Recalled {
    /// For these variants.
    pub fn of(self, variants: &str) -> Self {
        Self { variants: variants.to_string(), ..self }
    }
}

impl std::fmt::Display for Recalled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { step, computed, processor, variants, .. } = self;
        let of = if variants.is_empty() { String::new() } else { format!(" ({variants})") };
        write!(f, "step '{step}'{of}: from the store, computed {computed} on {processor}")
    }
}
