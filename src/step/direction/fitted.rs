//! A subspace while it is made, and why there is none.

use super::reads::DirectionPlace;
use crate::Error;
use crate::direction::{Points, Subspace, length, scaled};
use indexmap::IndexMap;

/// A subspace in f64, before it is stored.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// Orthonormal rows.
    pub basis: Vec<Vec<f64>>,
    /// The point that it goes through.
    pub mean: Vec<f64>,
    /// Class means by name.
    pub means: IndexMap<String, Vec<f64>>,
    /// What is added at strength 1.
    pub vector: Vec<f64>,
}

impl Fitted {
    /// As it is stored.
    pub fn stored(&self, place: &DirectionPlace) -> Subspace {
        let floats = |values: &[f64]| -> Vec<f32> { values.iter().map(|&value| value as f32).collect() };
        Subspace {
            hook: place.place.hook,
            unit: place.place.unit,
            position: place.at.label.clone(),
            basis: self.basis.iter().flat_map(|row| floats(row)).collect(),
            mean: floats(&self.mean),
            means: self.means.iter().map(|(name, mean)| (name.clone(), floats(mean))).collect(),
            vector: floats(&self.vector),
        }
    }

    /// A subspace of several dimensions through a mean: what is added is its first row, as long as the standard deviation of the
    /// points along it.
    pub fn spread(basis: Vec<Vec<f64>>, mean: Vec<f64>, points: Points, of: &[usize]) -> Self {
        let vector = match basis.first() {
            Some(first) => {
                let along = points.coordinates(of, std::slice::from_ref(first), &mean);
                let squares: f64 = along.iter().flatten().map(|value| value.powi(2)).sum();
                scaled(first, (squares / of.len().max(1) as f64).sqrt())
            }
            None => vec![0.0; points.width()],
        };
        Self { basis, mean, means: IndexMap::new(), vector }
    }
}

/// Why no direction is found at a place.
pub enum DirectionProblem {
    /// What is wrong there.
    Problem(String),
    /// Something else, such as Ctrl-C.
    Other(Error),
}

impl From<String> for DirectionProblem {
    fn from(problem: String) -> Self {
        DirectionProblem::Problem(problem)
    }
}

impl From<Error> for DirectionProblem {
    fn from(error: Error) -> Self {
        DirectionProblem::Other(error)
    }
}

/// Whether a vector is of any length.
pub fn is_something(vector: &[f64]) -> bool {
    let length = length(vector);
    length.is_finite() && length > 0.0
}
