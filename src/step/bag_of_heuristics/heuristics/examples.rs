//! The neurons that are told of and drawn: the best of each type of heuristic, and the most important of those that
//! match none.

use super::found::NeuronMatches;
use crate::heuristic::Match;
use crate::spec::step::HeuristicType;

/// A neuron that is shown.
#[derive(Debug, Clone)]
pub struct Example {
    /// As an example of what; `None` of what matches nothing.
    pub kind: Option<HeuristicType>,
    /// The neuron.
    pub found: NeuronMatches,
    /// Its best match of that type.
    pub best: Option<Match>,
    /// Its activation at every prompt.
    pub activations: Vec<f32>,
    /// Its value vector's logits at the results, ascending.
    pub result_logits: Vec<f32>,
}

/// The first `most` of each type.
pub fn first(examples: &[Example], most: usize) -> Vec<&Example> {
    let types = examples.chunk_by(|one, other| one.kind == other.kind);
    types.flat_map(|of_type| of_type.iter().take(most)).collect()
}

/// The best so far, at most so many of each.
pub struct Examples {
    most: usize,
    kept: Vec<(Goodness, Example)>,
}

/// What the best have more of: score, prompts that the heuristic is associated with, effect.
type Goodness = [f64; 3];

impl Examples {
    /// None yet.
    pub fn new(most: usize) -> Self {
        Self { most, kept: Vec::new() }
    }

    /// Keeps a neuron where it is one of the best.
    pub fn offer(&mut self, found: &NeuronMatches, activations: &[f32], result_logits: &[f32]) {
        let effect = found.neuron.effect.unwrap_or(f64::NEG_INFINITY);
        let mut keep = |kind: Option<HeuristicType>, best: Option<&Match>, goodness: Goodness| {
            let worse = self.kept.iter().filter(|(_, one)| one.kind == kind);
            let (count, worst) = (worse.clone().count(), worse.map(|(goodness, _)| *goodness).min_by(order));
            if count >= self.most {
                match worst {
                    Some(worst) if order(&goodness, &worst).is_gt() => {
                        let last = self.kept.iter().rposition(|(one, example)| example.kind == kind && *one == worst);
                        last.map(|last| self.kept.remove(last));
                    }
                    _ => return,
                }
            }
            let example = Example {
                kind,
                found: found.clone(),
                best: best.cloned(),
                activations: activations.to_vec(),
                result_logits: result_logits.to_vec(),
            };
            self.kept.push((goodness, example));
        };
        for kind in HeuristicType::ALL {
            if let Some(best) = found.matches.iter().find(|one| one.heuristic.kind() == kind) {
                keep(Some(kind), Some(best), [best.score, best.associated as f64, effect]);
            }
        }
        if found.matches.is_empty() {
            keep(None, None, [0.0, 0.0, effect]);
        }
    }

    /// By type, the best first, those that match nothing last.
    pub fn all(self) -> Vec<Example> {
        let mut kept = self.kept;
        let last = |kind: Option<HeuristicType>| (kind.is_none(), kind);
        kept.sort_by(|(one, example), (other, another)| {
            last(example.kind).cmp(&last(another.kind)).then_with(|| order(other, one))
        });
        kept.into_iter().map(|(_, example)| example).collect()
    }
}

fn order(one: &Goodness, other: &Goodness) -> std::cmp::Ordering {
    let pairs = one.iter().zip(other).map(|(one, other)| one.total_cmp(other));
    pairs.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
}
