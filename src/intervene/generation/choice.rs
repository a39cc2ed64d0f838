//! Which token is written: the likeliest, or one that is drawn.

use crate::measure::arg_max;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How tokens are drawn, in this order: logits are divided by the temperature, then the likeliest are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// What logits are divided by, above 0.
    pub temperature: f64,
    /// How many of the likeliest tokens may be drawn, and those that are as likely as the last of them; `None` for all.
    pub top_k: Option<usize>,
    /// The fewest of the likeliest tokens that together have this probability may be drawn (Holtzman et al. 2020, arXiv
    /// 1904.09751); `None` for all.
    pub top_p: Option<f64>,
}

/// How the tokens of one text are chosen.
#[derive(Debug, Clone)]
pub enum Choice {
    /// Always the likeliest, of equal ones the lowest id.
    Greedy,
    /// Drawn.
    Drawn(Sampling, Box<ChaCha8Rng>),
}

impl Choice {
    /// Draws of text number `draw` of a prompt: they depend on the seed, the prompt's tokens and the number alone.
    pub fn drawn(sampling: Sampling, seed: u64, prompt: &[u32], draw: u64) -> Self {
        // FNV-1a over the tokens: a prompt's draws are the same whatever is asked beside it.
        let hash = prompt
            .iter()
            .flat_map(|token| token.to_le_bytes())
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ hash);
        random.set_stream(draw);
        Self::Drawn(sampling, Box::new(random))
    }

    /// The next token; `None` where logits are not numbers.
    pub(super) fn token(&mut self, logits: &[f32]) -> Option<u32> {
        match self {
            Choice::Greedy => arg_max(logits),
            Choice::Drawn(sampling, random) => {
                arg_max(logits)?;
                Some(sampling.token(logits, random.random()))
            }
        }
    }
}

impl Sampling {
    /// The token at a place between 0 and 1 of the tokens that may be drawn, the likeliest first.
    fn token(&self, logits: &[f32], place: f64) -> u32 {
        let mut order: Vec<(u32, f64)> =
            (0u32..).zip(logits).map(|(id, &logit)| (id, f64::from(logit) / self.temperature)).collect();
        let larger = |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if let Some(kept) = self.top_k.map(|top_k| top_k.max(1)).filter(|&top_k| top_k < order.len()) {
            let (_, &mut (_, smallest), _) = order.select_nth_unstable_by(kept - 1, larger);
            order.retain(|(_, value)| *value >= smallest);
        }
        order.sort_unstable_by(larger);
        let largest = order.first().map_or(0.0, |(_, value)| *value);
        order.iter_mut().for_each(|(_, value)| *value = (*value - largest).exp());
        if let Some(top_p) = self.top_p {
            let total: f64 = order.iter().map(|(_, weight)| weight).sum();
            let mut sum = 0.0;
            let kept = order.iter().take_while(|(_, weight)| {
                let before = sum;
                sum += weight;
                before < top_p * total
            });
            let kept = kept.count().max(1);
            order.truncate(kept);
        }
        let total: f64 = order.iter().map(|(_, weight)| weight).sum();
        let mut rest = place * total;
        for (id, weight) in &order {
            rest -= weight;
            if rest < 0.0 {
                return *id;
            }
        }
        order.last().map_or(0, |(id, _)| *id)
    }
}
