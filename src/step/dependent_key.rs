//! Keys of a step that change something only beside certain others.

use crate::spec::step::{Correction, Counterfactual, MeanOver, SignificanceTest};

/// A key, and whether it changes anything beside the others of its step.
pub struct DependentKey {
    /// Keys from the step on.
    pub path: Vec<String>,
    /// Whether it is set to something else than its default: a spec with every default written out means the same.
    pub set: bool,
    /// Whether it changes anything.
    pub works: bool,
    /// What to write.
    pub advice: &'static str,
}

impl DependentKey {
    /// A key of the step itself.
    pub fn new(key: &str, set: bool, works: bool, advice: &'static str) -> Self {
        Self { path: vec![key.to_string()], set, works, advice }
    }

    /// The key `mean`, which writes nothing where no mean is taken.
    pub fn mean(mean: &MeanOver, works: bool, advice: &'static str) -> Self {
        Self::new("mean", *mean != MeanOver::default(), works, advice)
    }

    /// The key `counterfactual`.
    pub fn counterfactual(counterfactual: &Counterfactual, works: bool, advice: &'static str) -> Self {
        Self::new("counterfactual", *counterfactual != Counterfactual::default(), works, advice)
    }

    /// The key `correction`, of p-values.
    pub fn correction(correction: Option<Correction>, test: Option<SignificanceTest>) -> Self {
        Self::new("correction", correction.is_some(), test.is_some(), "leave it out, or write test = \"sign-flip\"")
    }

    /// The same key of something within the step.
    pub fn below(self, path: &[&str]) -> Self {
        let path = path.iter().map(ToString::to_string).chain(self.path).collect();
        Self { path, ..self }
    }
}
