//! Rows and heads of activations.

use burn::tensor::Tensor;

/// The positions of `x`, `[batch, pos, width]`, that are still needed.
pub(super) fn keep(x: Tensor<3>, rows: OutputPositions) -> Tensor<3> {
    match rows {
        OutputPositions::All => x,
        OutputPositions::Last => {
            let last = x.dims()[1] - 1;
            x.narrow(1, last, 1)
        }
    }
}

/// `[batch, pos, heads * d_head]` to `[batch, pos, head, d_head]`.
pub(super) fn split_heads(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [batch, pos, width] = x.dims();
    x.reshape([batch, pos, heads, width / heads])
}

/// Which positions the last block and the unembedding are computed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputPositions {
    /// Every position.
    All,
    /// The last position only: nothing reads the others.
    Last,
}
