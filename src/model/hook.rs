//! Reading and rewriting activations during a forward pass.

pub use crate::spec::hook::{Hook, SITES, Site};

use burn::tensor::Tensor;

/// What stands at a hook.
#[derive(Debug, Clone)]
pub enum HookValue {
    /// `[batch, pos, width]`
    Stream(Tensor<3>),
    /// `[batch, pos, head, d_head]`, or `[batch, head, query_pos, key_pos]`
    Heads(Tensor<4>),
}

/// Reads and rewrites activations during a forward pass.
pub trait Hooks {
    /// Whether [`Hooks::visit`] is to be called here. Activations nobody wants may never be made.
    fn wants(&self, hook: Hook) -> bool;

    /// Gets the activation and returns the one to go on with, of the same shape.
    fn visit(&mut self, hook: Hook, value: HookValue) -> HookValue;

    /// Is shown what the queries of a layer read of the positions at hand, and of those that each row has of its own before them:
    /// keys, rotated, and values, `[batch, pos, kv_head, d_head]`, for who keeps them.
    fn attended(&mut self, _layer: usize, _keys: &Tensor<4>, _values: &Tensor<4>) {}
}

/// No hooks.
impl Hooks for () {
    fn wants(&self, _: Hook) -> bool {
        false
    }

    fn visit(&mut self, _: Hook, value: HookValue) -> HookValue {
        value
    }
}
