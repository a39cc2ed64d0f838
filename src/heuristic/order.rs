//! Prompts in the order of a neuron's values.

/// Prompts, the highest value first. Prompts of equal value are a block whose order means nothing.
#[derive(Debug, Default)]
pub struct PromptOrder {
    /// Of each place, the value as a number that sorts as values descend, in the high half, and the prompt in the low half.
    places: Vec<u64>,
}

/// A boundary between places: how many of some prompts come before it is expected, over random orders of equal values, to be
/// those before `start` and `share` of those between `start` and `end`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Boundary {
    /// Where the block begins that the boundary cuts; the boundary itself where it cuts none.
    pub start: usize,
    /// Where that block ends.
    pub end: usize,
    /// The share of the block that is before the boundary.
    pub share: f64,
}

impl PromptOrder {
    /// Sorts prompts by their values; `false` where one is not a number, and there is no order.
    pub fn sort(&mut self, values: impl Iterator<Item = f32>) -> bool {
        self.places.clear();
        let mut numbers = true;
        self.places.extend(values.zip(0..).map(|(value, prompt): (f32, u32)| {
            numbers &= !value.is_nan();
            u64::from(descending(value)) << 32 | u64::from(prompt)
        }));
        if numbers {
            self.places.sort_unstable();
        }
        numbers
    }

    /// How many prompts.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The prompts at some places.
    pub fn prompts(&self, places: std::ops::Range<usize>) -> impl Iterator<Item = usize> {
        self.places[places].iter().map(|place| (place & u64::from(u32::MAX)) as usize)
    }

    /// The boundary before a place, from 0 to as many as there are.
    pub fn boundary(&self, at: usize) -> Boundary {
        let value = |place: &u64| place >> 32;
        let here = self.places.get(at).map(value);
        let before = at.checked_sub(1).and_then(|place| self.places.get(place)).map(value);
        match (before, here) {
            (Some(before), Some(here)) if before == here => {
                let start = self.places.partition_point(|place| value(place) < here);
                let end = self.places.partition_point(|place| value(place) <= here);
                Boundary { start, end, share: (at - start) as f64 / (end - start) as f64 }
            }
            _ => Boundary { start: at, end: at, share: 0.0 },
        }
    }
}

impl Boundary {
    /// How many are expected before it, of which so many come before its block and before its end.
    pub fn expected(&self, before_start: usize, before_end: usize) -> f64 {
        before_start as f64 + self.share * (before_end - before_start) as f64
    }
}

/// A number that is smaller the larger the value; both zeros have the same.
fn descending(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    // Values without a sign descend as their bits ascend; with a sign the other way round.
    if bits >> 31 == 0 { !(bits | 1 << 31) } else { bits }
}
