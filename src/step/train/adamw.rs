//! AdamW with a schedule of learning rates.

use crate::spec::step::Optimizer;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Gradients, Tensor, TensorData};
use std::collections::HashMap;
use std::f64::consts::PI;

/// Added to the root of the second moment (PyTorch's default).
const EPS: f64 = 1e-8;

/// AdamW as PyTorch computes it, with its schedule and clipping. Each parameter is updated in one pass over its values,
/// in place of the dozen tensor operations an optimiser made of them takes.
pub(super) struct AdamW {
    spec: Optimizer,
    steps: usize,
    taken: usize,
    moments: HashMap<ParamId, [Vec<f32>; 2]>,
}

impl AdamW {
    pub fn new(spec: &Optimizer, steps: usize) -> Self {
        Self { spec: spec.clone(), steps, taken: 0, moments: HashMap::new() }
    }

    /// Learning rate of the step after `taken`: linear warm-up, then a cosine that would reach 0 one step after the last.
    fn rate(&self, taken: usize) -> f64 {
        let Optimizer { lr, warmup, .. } = self.spec;
        if taken < warmup {
            return lr * (taken + 1) as f64 / warmup as f64;
        }
        let progress = (taken - warmup) as f64 / (self.steps.saturating_sub(warmup)).max(1) as f64;
        lr * 0.5 * (1.0 + (PI * progress.min(1.0)).cos())
    }

    /// The moments of each parameter in the order in which a model is visited, none of those without a gradient.
    pub fn moments<M: Module>(&self, model: &M) -> Vec<Vec<Vec<f32>>> {
        let moments = |id: &ParamId| self.moments.get(id).map_or_else(Vec::new, |moments| moments.to_vec());
        ids(model).iter().map(moments).collect()
    }

    /// Goes on after `taken` steps with these moments; whether they are of such a model.
    pub fn resume<M: Module>(&mut self, model: &M, taken: usize, moments: Vec<Vec<Vec<f32>>>) -> bool {
        let ids = ids(model);
        let fits = ids.len() == moments.len();
        let pairs = ids.into_iter().zip(moments);
        self.moments = pairs.filter_map(|(id, moments)| Some((id, moments.try_into().ok()?))).collect();
        self.taken = taken;
        fits
    }

    /// The model after one step along `gradients`.
    pub fn step<M: Module>(&mut self, model: M, gradients: Gradients) -> M {
        let mut collected = GradientCollector { gradients: &gradients, values: HashMap::new(), square: 0.0 };
        model.visit(&mut collected);
        let GradientCollector { values, square, .. } = collected;
        let rate = self.rate(self.taken);
        self.taken += 1;
        let [beta1, beta2] = self.spec.betas;
        let mut update = Update {
            gradients: values,
            moments: &mut self.moments,
            clip: self.spec.clip.map_or(1.0, |limit| (limit / (square.sqrt() + 1e-6)).min(1.0)) as f32,
            decay: (1.0 - rate * self.spec.weight_decay) as f32,
            betas: [beta1 as f32, beta2 as f32],
            rate: (rate / (1.0 - beta1.powi(self.taken as i32))) as f32,
            second: (1.0 / (1.0 - beta2.powi(self.taken as i32)).sqrt()) as f32,
        };
        model.map(&mut update)
    }
}

/// Takes every parameter's gradient off the device, and sums their squares.
struct GradientCollector<'a> {
    gradients: &'a Gradients,
    values: HashMap<ParamId, Vec<f32>>,
    square: f64,
}

impl ModuleVisitor for GradientCollector<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.gradients) {
            let values = values(gradient);
            self.square += values.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>();
            self.values.insert(param.id, values);
        }
    }
}

/// Its parameters in order.
fn ids<M: Module>(model: &M) -> Vec<ParamId> {
    struct Ids(Vec<ParamId>);
    impl ModuleVisitor for Ids {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.id);
        }
    }
    let mut ids = Ids(Vec::new());
    model.visit(&mut ids);
    ids.0
}

pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("training is in f32")
}

struct Update<'a> {
    gradients: HashMap<ParamId, Vec<f32>>,
    moments: &'a mut HashMap<ParamId, [Vec<f32>; 2]>,
    clip: f32,
    decay: f32,
    betas: [f32; 2],
    rate: f32,
    second: f32,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let Some(gradient) = self.gradients.remove(&id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let (device, shape) = (tensor.device(), tensor.shape());
        let mut weights = values(tensor.inner());
        let [first, second] =
            self.moments.entry(id).or_insert_with(|| [vec![0.0; gradient.len()], vec![0.0; gradient.len()]]);
        // Weight decay on matrices only: norms are vectors.
        let decay = if D >= 2 { self.decay } else { 1.0 };
        let [beta1, beta2] = self.betas;
        let moments = first.iter_mut().zip(second.iter_mut());
        for ((weight, gradient), (first, second)) in weights.iter_mut().zip(&gradient).zip(moments) {
            let gradient = gradient * self.clip;
            *first += (1.0 - beta1) * (gradient - *first);
            *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
            let root = second.sqrt() * self.second + EPS as f32;
            *weight = *weight * decay - self.rate * *first / root;
        }
        let tensor = Tensor::from_data(TensorData::new(weights, shape), &device).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}
