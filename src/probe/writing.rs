//! From which layer on a model writes the answer.

/// Where the answer can be read, over the layers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Writing {
    /// The first layer from which on the accuracy stays at least the share of the best, and that accuracy; `None` where the last
    /// layer's does not reach it, or the best is 0.
    pub first: Option<(usize, f64)>,
    /// The layer of the best accuracy (of several: the first), and that accuracy.
    pub best: (usize, f64),
}

/// Applies the rule to the accuracy at each layer, layers ascending; `None` without layers. An accuracy that is not a number is
/// none that stays.
pub fn answer_writing(accuracies: &[(usize, f64)], share: f64) -> Option<Writing> {
    let numbers = accuracies.iter().filter(|(_, accuracy)| accuracy.is_finite());
    let best = numbers.copied().reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let stays = |accuracy: f64| best.1 > 0.0 && accuracy >= share * best.1;
    let first = accuracies.iter().rev().take_while(|(_, accuracy)| stays(*accuracy)).last().copied();
    Some(Writing { first, best })
}
