//! What is added at one place of each prompt, what the model then answers, and the gradient of its loss: to learn what to add.

use super::activation::Layout;
use super::error::EditError;
use crate::kernel::{cross_entropy, summary, to_f32};
use crate::model::NotFinite;
use crate::model::hook::{Hook, HookValue, Hooks};
use crate::model::transformer::{Tokens, Transformer};
use burn::tensor::{DType, Tensor, TensorData};

/// One place of prompts of one length.
#[derive(Debug, Clone, Copy)]
pub struct AddedPlace {
    /// The hook, of a position each.
    pub hook: Hook,
    /// One unit of it; `None` for all of its values.
    pub unit: Option<usize>,
    /// The position.
    pub position: usize,
}

/// What the model makes of what was added.
#[derive(Debug, Clone)]
pub struct AddedRun {
    /// Whether each prompt's target is the likeliest next token.
    pub right: Vec<bool>,
    /// Mean of −ln P(target), in nats.
    pub loss: f64,
    /// The gradient of the mean loss by what was added, `[prompt, width]`; none where it was not asked for.
    pub gradient: Vec<f32>,
}

/// Runs prompts with `added` `[prompt, width]` added at a place, and looks at the logits of the last position; `targets` are the tokens that
/// should follow.
///
/// # Errors
/// A hook that the model has not or that has no positions of its own, logits that are not finite.
pub fn run_added<E: From<EditError> + From<NotFinite>>(
    transformer: &Transformer,
    tokens: &Tokens,
    place: AddedPlace,
    added: &[f32],
    targets: &[u32],
    with_gradient: bool,
) -> Result<AddedRun, E> {
    let layout = Layout::of(place.hook, transformer.facts(), tokens.pos);
    let layout = match layout {
        Some(layout @ (Layout::Stream { .. } | Layout::Heads { .. })) => layout,
        Some(Layout::Attention { .. }) | None => return Err(EditError::NoAttribution(place.hook).into()),
    };
    let mut adder = Adder { place, layout, length: tokens.pos, added, with_gradient, leaf: None };
    let logits = transformer.forward_last(tokens, &mut adder).cast(DType::F32);
    let plain = if logits.is_tracked() { logits.clone().inner() } else { logits.clone() };
    NotFinite::check(transformer, tokens, &plain)?;
    let likeliest = summary(plain).into_iter().map(|row| row.arg_max);
    let right = likeliest.zip(targets).map(|(likeliest, &target)| likeliest == target).collect();
    let loss = cross_entropy(logits, targets);
    let tracked = loss.is_tracked();
    let value = to_f32(if tracked { loss.clone().inner() } else { loss.clone() }).first().copied().unwrap_or(f32::NAN);
    let gradient = match (tracked.then(|| loss.backward()), adder.leaf.take()) {
        (Some(mut all), Some(HookValue::Stream(leaf))) => leaf.grad_remove(&mut all).map(to_f32).unwrap_or_default(),
        (Some(mut all), Some(HookValue::Heads(leaf))) => leaf.grad_remove(&mut all).map(to_f32).unwrap_or_default(),
        _ => Vec::new(),
    };
    let gradient = adder.of_place(gradient, tokens.batch);
    Ok(AddedRun { right, loss: f64::from(value), gradient })
}

/// Adds at one hook; what is added is a leaf where its gradient is asked for.
struct Adder<'a> {
    place: AddedPlace,
    layout: Layout,
    length: usize,
    added: &'a [f32],
    with_gradient: bool,
    leaf: Option<HookValue>,
}

impl Adder<'_> {
    /// Where a prompt's values begin within those of the hook, and how many they are.
    fn span(&self) -> (usize, usize) {
        let first = self.place.position * self.layout.position_width();
        match self.place.unit {
            Some(unit) => (first + unit * self.layout.unit_width(), self.layout.unit_width()),
            None => (first, self.layout.position_width()),
        }
    }

    /// What is added to the whole hook: zeros but at the place.
    fn whole(&self) -> Vec<f32> {
        let (first, width) = self.span();
        let each = self.length * self.layout.position_width();
        let mut whole = vec![0.0; self.added.len() / width.max(1) * each];
        for (row, added) in self.added.chunks_exact(width.max(1)).enumerate() {
            whole[row * each + first..][..width].copy_from_slice(added);
        }
        whole
    }

    /// The part of a gradient of the whole hook that is the place's, `[prompt, width]`.
    fn of_place(&self, gradient: Vec<f32>, prompts: usize) -> Vec<f32> {
        let (first, width) = self.span();
        let each = gradient.len() / prompts.max(1);
        if each < first + width {
            return vec![0.0; if self.with_gradient { prompts * width } else { 0 }];
        }
        gradient.chunks_exact(each.max(1)).flat_map(|row| row[first..first + width].iter().copied()).collect()
    }

    fn add<const D: usize>(&self, tensor: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
        let data = TensorData::new(self.whole(), tensor.dims());
        let leaf = Tensor::<D>::from_data(data, (&tensor.device(), tensor.dtype()));
        let leaf = if self.with_gradient { leaf.autodiff().require_grad() } else { leaf };
        (tensor + leaf.clone(), leaf)
    }
}

impl Hooks for Adder<'_> {
    fn wants(&self, hook: Hook) -> bool {
        hook == self.place.hook
    }

    fn visit(&mut self, _: Hook, value: HookValue) -> HookValue {
        match value {
            HookValue::Stream(tensor) => {
                let (tensor, leaf) = self.add(tensor);
                self.leaf = Some(HookValue::Stream(leaf));
                HookValue::Stream(tensor)
            }
            HookValue::Heads(tensor) => {
                let (tensor, leaf) = self.add(tensor);
                self.leaf = Some(HookValue::Heads(leaf));
                HookValue::Heads(tensor)
            }
        }
    }
}
