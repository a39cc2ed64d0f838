//! A subspace of the activations at one place, and all those of a step.

use crate::model::hook::Hook;
use indexmap::IndexMap;

/// A subspace of the activations at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Subspace {
    /// The hook.
    pub hook: Hook,
    /// One unit of it, a head or a neuron; `None` for all of its values at a position.
    pub unit: Option<usize>,
    /// The positions that it was found at, as the spec names them: `last`.
    pub position: String,
    /// Orthonormal rows, `[k, width]`, one after the other. A row whose sign means nothing has its largest entry positive.
    pub basis: Vec<f32>,
    /// The point that the subspace goes through, `[width]`: the mean of the activations that it was found in; of a direction
    /// between two classes the point halfway between their means.
    pub mean: Vec<f32>,
    /// The mean activation of each class, `[width]`, by the class's name; none where there are no classes.
    pub means: IndexMap<String, Vec<f32>>,
    /// What is added at strength 1, `[width]`: the direction at its own length. Of several dimensions the first row of the basis,
    /// as long as the standard deviation of the activations along it.
    pub vector: Vec<f32>,
}

impl Subspace {
    /// Values of an activation at one position.
    pub fn width(&self) -> usize {
        self.mean.len()
    }

    /// How many dimensions it has.
    pub fn dimensions(&self) -> usize {
        self.basis.len() / self.width().max(1)
    }

    /// Its orthonormal rows, `[width]` each.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.basis.chunks_exact(self.width().max(1))
    }

    /// Length of what is added at strength 1.
    pub fn norm(&self) -> f64 {
        self.vector.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
    }
}

/// What a step of kind `direction` found in one model's prompts of one template: a subspace for each place.
#[derive(Debug, Clone, PartialEq)]
pub struct Directions {
    /// Name of the step.
    pub step: String,
    /// How they were found, as the spec writes it: `difference-of-means`.
    pub method: String,
    /// Name of the model in the spec.
    pub model: String,
    /// Its checkpoint; empty where it has none.
    pub checkpoint: String,
    /// Name of the template of the prompts.
    pub template: String,
    /// The subspaces, each place once.
    pub subspaces: Vec<Subspace>,
}

impl Directions {
    /// The subspace at a place: a hook, whole or one unit of it, at the positions of that name.
    pub fn at(&self, hook: Hook, unit: Option<usize>, position: &str) -> Option<&Subspace> {
        self.of(hook, unit).find(|subspace| subspace.position == position)
    }

    /// The subspaces of a hook, whole or one unit of it, one for each name of positions.
    pub fn of(&self, hook: Hook, unit: Option<usize>) -> impl Iterator<Item = &Subspace> {
        self.subspaces.iter().filter(move |subspace| subspace.hook == hook && subspace.unit == unit)
    }
}
