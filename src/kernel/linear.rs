use burn::tensor::Tensor;

/// x·w + b: `[batch, pos, d_in]` and `[d_in, d_out]` to `[batch, pos, d_out]`, as one product over all rows.
pub fn linear(x: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<3> {
    let [batch, pos, d_in] = x.dims();
    let [_, d_out] = weight.dims();
    let y = x.reshape([batch * pos, d_in]).matmul(weight);
    let y = match bias {
        Some(bias) => y + bias.unsqueeze(),
        None => y,
    };
    y.reshape([batch, pos, d_out])
}
