//! How a function on dense f32 arrays becomes an operation on burn tensors, of f32 with its gradient, and of values of two bytes.

pub(super) use super::array::Array;
use super::elementwise::piece_rows;
use super::half_width::{HalfWidth, Pieces, by_pieces, widen_into};
use super::threads::each_piece;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind, Flex,
    GradientCheckpointingStrategy,
};
use burn::tensor::{Bytes, DType, Shape, Tensor};
use half::{bf16, f16};
use std::fmt::Debug;
use std::ops::Range;

/// A function of `N` arrays with its gradient.
pub(super) trait Operation<const N: usize>: Debug + Clone + Send + Sync + 'static {
    /// Whether [`Operation::backward`] reads the output.
    const READS_OUTPUT: bool = false;

    /// How inputs of two bytes a value may be cut.
    const PIECES: Pieces<N> = Pieces::Whole;

    /// The output's shape and values.
    fn forward(&self, inputs: [Array; N]) -> (Vec<usize>, Vec<f32>);

    /// The same of values of two bytes, where it is not to be computed of widened pieces.
    fn forward_half<H: HalfWidth>(&self, _: [Array<H>; N]) -> Option<(Vec<usize>, Vec<H>)> {
        None
    }

    /// The gradient of each wanted input, in its shape, from the output's gradient. `output` is empty unless
    /// [`Operation::READS_OUTPUT`].
    fn backward(
        &self,
        inputs: [Array; N],
        output: &[f32],
        gradient: &[f32],
        wanted: [bool; N],
    ) -> [Option<Vec<f32>>; N];
}

/// Runs `operation` where there is a fast path for its inputs, else `fallback`.
pub(super) fn run<O: Operation<N>, const N: usize, const D: usize>(
    operation: O,
    inputs: [DispatchTensor; N],
    fallback: impl FnOnce([DispatchTensor; N]) -> Tensor<D>,
) -> Tensor<D> {
    if inputs.iter().all(|input| plain(input).is_some()) {
        let inputs = inputs.each_ref().map(|input| plain(input).map_or_else(empty, contiguous));
        let output = forward(&operation, &inputs);
        return Tensor::from_primitive::<Flex>(output);
    }
    let of_half = of_type(&inputs, |inputs| half_forward::<_, bf16, N>(&operation, inputs))
        .or_else(|| of_type(&inputs, |inputs| half_forward::<_, f16, N>(&operation, inputs)));
    if let Some(output) = of_half {
        return Tensor::from_primitive::<Flex>(output);
    }
    if inputs.iter().all(|input| plain(input).is_some() || recorded(input).is_some()) {
        return Tensor::from_primitive::<Autodiff<Flex>>(run_recorded(operation, inputs));
    }
    fallback(inputs)
}

/// Runs `forward`, which has no gradient, where all inputs are of one type on the CPU, else `fallback`. `forward` gets the index of the first
/// place of its inputs in the first dimension, by which those of two bytes a value are cut: the inputs that `cut` says.
pub(super) fn run_without_gradient<const N: usize, const D: usize>(
    forward: impl Fn(usize, [Array; N]) -> (Vec<usize>, Vec<f32>) + Sync,
    cut: [bool; N],
    inputs: [DispatchTensor; N],
    fallback: impl FnOnce([DispatchTensor; N]) -> Tensor<D>,
) -> Tensor<D> {
    if inputs.iter().all(|input| plain(input).is_some()) {
        let inputs = inputs.each_ref().map(|input| plain(input).map_or_else(empty, contiguous));
        let (shape, data) = forward(0, inputs.each_ref().map(array));
        return Tensor::from_primitive::<Flex>(tensor(&shape, data));
    }
    let pieces = Pieces::First(cut);
    let of_half = of_type(&inputs, |inputs| Some(by_pieces::<bf16, N>(inputs, pieces, &forward)))
        .or_else(|| of_type(&inputs, |inputs| Some(by_pieces::<f16, N>(inputs, pieces, &forward))));
    match of_half {
        Some(output) => Tensor::from_primitive::<Flex>(output),
        None => fallback(inputs),
    }
}

fn half_forward<O: Operation<N>, H: HalfWidth, const N: usize>(
    operation: &O,
    inputs: [Array<H>; N],
) -> Option<(Vec<usize>, Vec<H>)> {
    let own = operation.forward_half(inputs);
    Some(own.unwrap_or_else(|| by_pieces(inputs, O::PIECES, |_, inputs| operation.forward(inputs))))
}

/// What `forward` makes of the inputs, where all are of this type on the CPU, without gradients.
fn of_type<H: HalfWidth, const N: usize>(
    inputs: &[DispatchTensor; N],
    forward: impl FnOnce([Array<H>; N]) -> Option<(Vec<usize>, Vec<H>)>,
) -> Option<FlexTensor> {
    if !inputs.iter().all(|input| on_cpu(input).is_some_and(|tensor| tensor.dtype() == H::DTYPE)) {
        return None;
    }
    let dense = inputs.each_ref().map(|input| on_cpu(input).map_or_else(empty, contiguous));
    let arrays = dense
        .each_ref()
        .map(|tensor| Array { shape: tensor.layout().shape().as_slice(), data: H::slice_of(tensor).unwrap_or(&[]) });
    let (shape, values) = forward(arrays)?;
    Some(H::tensor(&shape, values))
}

/// A row of a matrix on the CPU.
pub(super) enum MatrixRow<'m> {
    Wide(&'m [f32]),
    /// Bits of bf16 values.
    Bits(&'m [u16]),
}

/// What `of` makes of each row of a matrix on the CPU and of its index; nothing where the matrix is elsewhere.
pub(super) fn each_row<R: Send>(matrix: &Tensor<2>, of: impl Fn(usize, &[f32]) -> R + Sync) -> Option<Vec<R>> {
    let dense = dense_on_cpu(matrix)?;
    each_dense_row(matrix, &dense, |index, row, room| Some(of(index, wide_part(&dense, row, room)?)))
}

/// The same where `of` reads bf16 values as they are: rows of a vocabulary are long, and widened ones longer.
pub(super) fn each_row_as_held<R: Send>(matrix: &Tensor<2>, of: impl Fn(MatrixRow) -> R + Sync) -> Option<Vec<R>> {
    let dense = dense_on_cpu(matrix)?;
    let bits = bf16::slice_of(&dense).and_then(bf16::bits_of_bf16);
    each_dense_row(matrix, &dense, |_, row, room| match bits {
        Some(bits) => Some(of(MatrixRow::Bits(bits.get(row)?))),
        None => Some(of(MatrixRow::Wide(wide_part(&dense, row, room)?))),
    })
}

/// What `of` makes of each row of a matrix: it gets the row's index, the places of its values among all, and room.
fn each_dense_row<R: Send>(
    matrix: &Tensor<2>,
    dense: &FlexTensor,
    of: impl Fn(usize, Range<usize>, &mut Vec<f32>) -> Option<R> + Sync,
) -> Option<Vec<R>> {
    if !matches!(dense.dtype(), DType::F32 | DType::BF16 | DType::F16) {
        return None;
    }
    let [rows, width] = matrix.dims();
    let at_once = piece_rows(width);
    let mut results: Vec<Option<R>> = (0..rows).map(|_| None).collect();
    each_piece(&mut results, at_once, |piece, results| {
        let mut room = Vec::new();
        for (row, result) in results.iter_mut().enumerate() {
            let row = piece * at_once + row;
            *result = of(row, row * width..(row + 1) * width, &mut room);
        }
    });
    results.into_iter().collect()
}

/// The values at some places of a matrix on the CPU, row by row; nothing where the matrix is elsewhere.
pub(super) fn values_at(matrix: &Tensor<2>, places: impl Iterator<Item = usize>) -> Option<Vec<f32>> {
    let dense = dense_on_cpu(matrix)?;
    let mut wide = Vec::new();
    places.map(|place| wide_part(&dense, place..place + 1, &mut wide)?.first().copied()).collect()
}

fn dense_on_cpu(matrix: &Tensor<2>) -> Option<FlexTensor> {
    on_cpu(&matrix.clone().into_dispatch()).map(contiguous)
}

/// Some values of a dense tensor as f32, in `room` where they are of two bytes; nothing of other types.
fn wide_part<'v>(dense: &'v FlexTensor, part: Range<usize>, room: &'v mut Vec<f32>) -> Option<&'v [f32]> {
    if let Some(values) = dense.as_slice::<f32>() {
        return values.get(part);
    }
    match (bf16::slice_of(dense), f16::slice_of(dense)) {
        (Some(values), _) => widen_into(values.get(part)?, room),
        (_, Some(values)) => widen_into(values.get(part)?, room),
        (None, None) => return None,
    }
    Some(room)
}

/// The type to compute a sum in: f32 for the half-width types, else the tensor's own.
pub(super) fn at_least_f32(dtype: DType) -> DType {
    if matches!(dtype, DType::F16 | DType::BF16) { DType::F32 } else { dtype }
}

type Recorded = FloatTensor<Autodiff<Flex>>;

fn run_recorded<O: Operation<N>, const N: usize>(operation: O, inputs: [DispatchTensor; N]) -> Recorded {
    let inputs = inputs.map(|input| match (recorded(&input), plain(&input)) {
        (Some(tensor), _) => tensor.clone(),
        (None, Some(tensor)) => Recorded::new(tensor.clone()),
        (None, None) => Recorded::new(empty()),
    });
    let dense = inputs.each_ref().map(|input| contiguous(input.primitive()));
    let output = forward(&operation, &dense);
    let nodes = inputs.each_ref().map(|input| input.node());
    match BackwardStep(operation).prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let saved = if O::READS_OUTPUT { output.clone() } else { empty() };
            prepared.finish(OperationState { inputs: dense, output: saved }, output)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    }
}

/// Whether a tensor is one that the fast paths are for: of f32, bf16 or f16 on the CPU, without gradients.
pub fn is_fast<const D: usize>(tensor: &Tensor<D>) -> bool {
    let tensor = tensor.clone().into_dispatch();
    on_cpu(&tensor).is_some_and(|tensor| matches!(tensor.dtype(), DType::F32 | DType::BF16 | DType::F16))
}

/// f32 on the CPU backend, not on an autodiff device.
fn plain(tensor: &DispatchTensor) -> Option<&FlexTensor> {
    on_cpu(tensor).filter(|tensor| tensor.dtype() == DType::F32)
}

/// Of any type on the CPU backend, not on an autodiff device.
pub(super) fn on_cpu(tensor: &DispatchTensor) -> Option<&FlexTensor> {
    match (&tensor.kind, tensor.autodiff) {
        (DispatchTensorKind::Flex(BackendTensor::Float(tensor)), DispatchAutodiffContext::Disabled) => Some(tensor),
        _ => None,
    }
}

/// f32 on the CPU backend, on an autodiff device that keeps every activation.
fn recorded(tensor: &DispatchTensor) -> Option<&Recorded> {
    let DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Disabled) = tensor.autodiff else {
        return None;
    };
    let DispatchTensorKind::Autodiff(inner) = &tensor.kind else { return None };
    match inner.as_ref() {
        DispatchTensorKind::Flex(BackendTensor::Autodiff(tensor)) if tensor.primitive().dtype() == DType::F32 => {
            Some(tensor)
        }
        _ => None,
    }
}

fn forward<O: Operation<N>, const N: usize>(operation: &O, inputs: &[FlexTensor; N]) -> FlexTensor {
    let (shape, data) = operation.forward(inputs.each_ref().map(array));
    tensor(&shape, data)
}

fn tensor(shape: &[usize], data: Vec<f32>) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(data), Layout::contiguous(Shape::from(shape.to_vec())), DType::F32)
}

fn empty() -> FlexTensor {
    tensor(&[0], Vec::new())
}

/// The same values in an array of their own unless they lie densely already.
fn contiguous(tensor: &FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor.clone() } else { tensor.to_contiguous() }
}

/// Its values; a tensor that is not contiguous has none.
fn array(tensor: &FlexTensor) -> Array<'_> {
    Array { shape: tensor.layout().shape().as_slice(), data: tensor.as_slice().unwrap_or(&[]) }
}

#[derive(Debug)]
struct BackwardStep<O>(O);

#[derive(Debug, Clone)]
struct OperationState<const N: usize> {
    inputs: [FlexTensor; N],
    output: FlexTensor,
}

impl<O: Operation<N>, const N: usize> Backward<Flex, N> for BackwardStep<O> {
    type State = OperationState<N>;

    fn backward(self, ops: Ops<OperationState<N>, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = contiguous(&gradients.consume::<Flex>(&ops.node));
        let wanted = ops.parents.each_ref().map(|parent| parent.is_some());
        let OperationState { inputs, output } = &ops.state;
        let results = self.0.backward(inputs.each_ref().map(array), array(output).data, array(&gradient).data, wanted);
        for ((parent, input), result) in ops.parents.iter().zip(inputs).zip(results) {
            if let (Some(node), Some(values)) = (parent, result) {
                gradients.register::<Flex>(node.id, tensor(input.layout().shape().as_slice(), values));
            }
        }
    }
}
