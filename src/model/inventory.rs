//! How many weights a model's files hold, and in which number formats.

/// What a model's files hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// Number of weights; a tied unembedding counts once.
    pub parameters: usize,
    /// Number formats and what share of the weights each has: `F32`, or `Q4_1 86 %, Q8_0 14 %`.
    pub formats: String,
}

impl Inventory {
    /// From (number of weights, their format) of each tensor.
    pub fn new(tensors: impl Iterator<Item = (usize, String)>) -> Self {
        let mut counts: indexmap::IndexMap<String, usize> = indexmap::IndexMap::new();
        tensors.for_each(|(count, format)| *counts.entry(format).or_default() += count);
        counts.sort_by(|_, a, _, b| b.cmp(a));
        let parameters: usize = counts.values().sum();
        let share = |(format, count): (&String, &usize)| match counts.len() {
            1 => format.clone(),
            _ => format!("{format} {:.2} %", 100.0 * *count as f64 / parameters as f64),
        };
        Self { parameters, formats: counts.iter().map(share).collect::<Vec<_>>().join(", ") }
    }
}
