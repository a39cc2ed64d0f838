//! One step of Adam, in the order of PyTorch's operations.

use super::vector::{multiply_add, vectorise};

/// Adam (Kingma and Ba 2015) without weight decay, in f32 and in the order of operations of PyTorch's `torch.optim.Adam`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// Learning rate.
    pub lr: f64,
    /// Decay rates of the first and second moment.
    pub betas: [f64; 2],
    /// What is added to the root of the second moment.
    pub eps: f64,
}

impl Adam {
    /// PyTorch's defaults but for the learning rate: betas 0.9 and 0.999, eps 1e-8.
    pub fn new(lr: f64) -> Self {
        Self { lr, betas: [0.9, 0.999], eps: 1e-8 }
    }
}

/// Running means of a gradient and of its square.
#[derive(Debug, Clone)]
pub struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
    steps: i32,
}

impl Moments {
    /// Those of `len` parameters that have not moved yet.
    pub fn new(len: usize) -> Self {
        Self { first: vec![0.0; len], second: vec![0.0; len], steps: 0 }
    }

    /// Moves the parameters against their gradient.
    ///
    /// # Panics
    /// If there are not as many parameters and gradients as moments.
    pub fn step(&mut self, adam: Adam, parameters: &mut [f32], gradient: &[f32]) {
        assert!(parameters.len() == self.first.len() && gradient.len() == self.first.len(), "a moment per parameter");
        self.steps = self.steps.saturating_add(1);
        let [beta1, beta2] = adam.betas;
        let (correction1, correction2) = (1.0 - beta1.powi(self.steps), 1.0 - beta2.powi(self.steps));
        let rates = AdamRates {
            first: (1.0 - beta1) as f32,
            decay: beta2 as f32,
            second: (1.0 - beta2) as f32,
            step: (adam.lr / correction1) as f32,
            root: correction2.sqrt() as f32,
            eps: adam.eps as f32,
        };
        update(parameters, gradient, &mut self.first, &mut self.second, rates);
    }
}

#[derive(Clone, Copy)]
struct AdamRates {
    first: f32,
    decay: f32,
    second: f32,
    step: f32,
    root: f32,
    eps: f32,
}

vectorise! {
    fn update(parameters: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], rates: AdamRates) {
        let moments = first.iter_mut().zip(second);
        for ((parameter, g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *m = multiply_add::<FMA>(rates.first, g - *m, *m);
            *v = multiply_add::<FMA>(rates.second * g, *g, rates.decay * *v);
            *parameter -= rates.step * (*m / (v.sqrt() / rates.root + rates.eps));
        }
    }
}
