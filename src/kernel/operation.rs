//! How a function on dense f32 arrays becomes an operation on burn tensors, with its gradient.

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
use std::fmt::Debug;

/// A dense row-major array.
#[derive(Debug, Clone, Copy)]
pub(super) struct Array<'a> {
    /// Extent of each dimension.
    pub shape: &'a [usize],
    /// Values, last dimension fastest.
    pub data: &'a [f32],
}

impl Array<'_> {
    /// Extent of the last dimension.
    pub fn width(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }
}

/// A function of `N` arrays with its gradient.
pub(super) trait Operation<const N: usize>: Debug + Clone + Send + 'static {
    /// Whether [`Operation::backward`] reads the output.
    const READS_OUTPUT: bool = false;

    /// The output's shape and values.
    fn forward(&self, inputs: [Array; N]) -> (Vec<usize>, Vec<f32>);

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
    if inputs.iter().all(|input| plain(input).is_some() || recorded(input).is_some()) {
        return Tensor::from_primitive::<Autodiff<Flex>>(run_recorded(operation, inputs));
    }
    fallback(inputs)
}

/// Runs `forward`, which has no gradient, where all inputs are f32 on the CPU, else `fallback`.
pub(super) fn run_without_gradient<const N: usize, const D: usize>(
    forward: impl FnOnce([Array; N]) -> (Vec<usize>, Vec<f32>),
    inputs: [DispatchTensor; N],
    fallback: impl FnOnce([DispatchTensor; N]) -> Tensor<D>,
) -> Tensor<D> {
    if inputs.iter().any(|input| plain(input).is_none()) {
        return fallback(inputs);
    }
    let inputs = inputs.each_ref().map(|input| plain(input).map_or_else(empty, contiguous));
    let (shape, data) = forward(inputs.each_ref().map(array));
    Tensor::from_primitive::<Flex>(tensor(&shape, data))
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

/// Whether a tensor is one that the fast paths are for: f32 on the CPU, without gradients.
pub fn is_fast<const D: usize>(tensor: &Tensor<D>) -> bool {
    plain(&tensor.clone().into_dispatch()).is_some()
}

/// f32 on the CPU backend, not on an autodiff device.
fn plain(tensor: &DispatchTensor) -> Option<&FlexTensor> {
    match (&tensor.kind, tensor.autodiff) {
        (DispatchTensorKind::Flex(BackendTensor::Float(tensor)), DispatchAutodiffContext::Disabled)
            if tensor.dtype() == DType::F32 =>
        {
            Some(tensor)
        }
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

/// A tensor's values in main memory, row by row.
pub fn to_f32<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.cast(DType::F32).into_data();
    data.try_into_vec().unwrap_or_else(|_| unreachable!("cast to f32 above"))
}
