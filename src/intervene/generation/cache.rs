//! Keys and values of what rows have read.

use crate::kernel;
use burn::tensor::Tensor;
use std::sync::Arc;

/// Keys, rotated, and values of a layer, `[row, pos, kv_head, d_head]`.
pub type LayerCache = [Tensor<4>; 2];

/// What rows share with others: keys and values of prompts.
pub struct Shared {
    /// Of each layer, `[prompt, pos, kv_head, d_head]`, zeros after a prompt that is shorter than others.
    pub layers: Vec<LayerCache>,
    /// The prompt of each row.
    pub of: Arc<[usize]>,
    /// How many positions the prompt of each row has.
    pub lens: Arc<[usize]>,
}

impl Shared {
    /// Positions of the longest prompt of a row.
    pub fn longest(&self) -> usize {
        self.lens.iter().copied().max().unwrap_or(0)
    }

    /// Without the rows that are not among `kept`, places among those that it has.
    pub fn keep(&mut self, kept: &[usize]) {
        self.of = kept.iter().map(|&row| self.of[row]).collect();
        self.lens = kept.iter().map(|&row| self.lens[row]).collect();
    }
}

/// The rows of a layer that are `kept`.
pub fn rows(layer: LayerCache, kept: &[usize]) -> LayerCache {
    let ids = kernel::indices(kept.iter().copied(), &layer[0].device());
    layer.map(|part| part.select(0, ids.clone()))
}

/// Layers of groups of prompts, each group of one length, as those of all: in the groups' order.
pub fn join(groups: Vec<Vec<LayerCache>>) -> Vec<LayerCache> {
    if groups.len() <= 1 {
        return groups.into_iter().next().unwrap_or_default();
    }
    let longest = groups.iter().filter_map(|group| Some(group.first()?[0].dims()[1])).max().unwrap_or(0);
    let layers = groups.first().map_or(0, Vec::len);
    let mut groups: Vec<_> = groups.into_iter().map(Vec::into_iter).collect();
    let padded = |part: Tensor<4>| {
        let [rows, pos, heads, width] = part.dims();
        match longest - pos {
            0 => part,
            more => {
                let zeros = Tensor::zeros([rows, more, heads, width], (&part.device(), part.dtype()));
                Tensor::cat(vec![part, zeros], 1)
            }
        }
    };
    let layer = |_| {
        let (keys, values) =
            groups.iter_mut().filter_map(Iterator::next).map(|[keys, values]| (padded(keys), padded(values))).unzip();
        [Tensor::cat(keys, 0), Tensor::cat(values, 0)]
    };
    (0..layers).map(layer).collect()
}
