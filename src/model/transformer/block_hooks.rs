//! Hooks within one block.

use crate::model::hook::{Hook, HookValue, Hooks, Site};
use burn::tensor::Tensor;

/// The hooks of one block.
pub(crate) struct BlockHooks<'a> {
    pub layer: usize,
    pub hooks: &'a mut dyn Hooks,
}

impl BlockHooks<'_> {
    pub fn wants(&self, site: Site) -> bool {
        self.hooks.wants(Hook::Block(self.layer, site))
    }

    pub fn stream(&mut self, site: Site, value: Tensor<3>) -> Tensor<3> {
        visit_stream(self.hooks, Hook::Block(self.layer, site), value)
    }

    /// See [`Hooks::attended`].
    pub fn attended(&mut self, keys: &Tensor<4>, values: &Tensor<4>) {
        self.hooks.attended(self.layer, keys, values);
    }

    pub fn heads(&mut self, site: Site, value: Tensor<4>) -> Tensor<4> {
        let hook = Hook::Block(self.layer, site);
        if !self.hooks.wants(hook) {
            return value;
        }
        match self.hooks.visit(hook, HookValue::Heads(value)) {
            HookValue::Heads(value) => value,
            HookValue::Stream(value) => unreachable_rank(hook, value.dims().len()),
        }
    }
}

pub fn visit_stream(hooks: &mut dyn Hooks, hook: Hook, value: Tensor<3>) -> Tensor<3> {
    if !hooks.wants(hook) {
        return value;
    }
    match hooks.visit(hook, HookValue::Stream(value)) {
        HookValue::Stream(value) => value,
        HookValue::Heads(value) => unreachable_rank(hook, value.dims().len()),
    }
}

/// A hook that returns another rank than it was given breaks [`Hooks`]'s contract: a fault in the program, not in its input.
pub fn unreachable_rank(hook: Hook, rank: usize) -> ! {
    unreachable!("the hook at {hook} returned {rank} dimensions, not those it was given")
}
