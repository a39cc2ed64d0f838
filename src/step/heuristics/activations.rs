//! Activation patterns: `mlp.hook_post` at the last position, of some neurons on every prompt.

use super::neurons::Neuron;
use crate::Error;
use crate::intervene::{Positions, Wanted, capture_blocks};
use crate::model::hook::{Hook, Site};
use crate::model::transformer::Tokens;
use crate::prompt::Prompt;
use crate::run::interrupt;
use crate::step::{Context, Subject};
use std::collections::BTreeMap;

/// The activations, `[neuron, prompt]`. A batch's are in memory whole, what is kept of them is these neurons'.
///
/// # Errors
/// Ctrl-C.
pub fn read(
    label: &str,
    neurons: &[Neuron],
    prompts: &[&Prompt],
    subject: &Subject,
    context: &Context,
) -> Result<Vec<f32>, Error> {
    let mut layers: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (number, neuron) in neurons.iter().enumerate() {
        layers.entry(neuron.layer).or_default().push((number, neuron.neuron));
    }
    let hook = |layer: usize| Hook::Block(layer, Site::MlpPost);
    // Prompts of one length run together.
    let mut lengths: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, prompt) in prompts.iter().enumerate() {
        lengths.entry(prompt.tokens.len()).or_default().push(index);
    }
    let task = context.progress.begin(label, prompts.len() as u64, "prompts");
    let mut kept = vec![0.0; neurons.len() * prompts.len()];
    for (length, indices) in lengths {
        let last = Positions::At(vec![length.saturating_sub(1)]);
        let wanted: Wanted = layers.keys().map(|&layer| (hook(layer), last.clone())).collect();
        for part in indices.chunks(context.batch(&subject.model)) {
            interrupt::check()?;
            let rows: Vec<&[u32]> = part.iter().map(|&index| prompts[index].tokens.as_slice()).collect();
            let Some(tokens) = Tokens::from_rows(&rows) else { continue };
            let activations = capture_blocks(subject.model.transformer(), &tokens, &wanted);
            for (&layer, chosen) in &layers {
                let Some(activation) = activations.get(&hook(layer)) else { continue };
                let width = activation.layout.position_width();
                for (values, &prompt) in activation.data.chunks_exact(width).zip(part) {
                    for &(number, neuron) in chosen {
                        kept[number * prompts.len() + prompt] = values[neuron];
                    }
                }
            }
            task.advance(part.len() as u64);
        }
    }
    Ok(kept)
}
