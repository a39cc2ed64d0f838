//! Activation patterns: `mlp.hook_post` at the last position, of some neurons on every prompt.

use super::neurons::RankedNeuron;
use crate::Error;
use crate::context::Context;
use crate::intervene::{HookPositions, Positions, capture_blocks};
use crate::manifest::SelfCheck;
use crate::model::hook::{Hook, Site};
use crate::model::transformer::Tokens;
use crate::prompt::Prompt;
use crate::step::divided::Divided;
use crate::step::divided::parts;
use crate::step::{ModelRun, Outcome};
use std::collections::BTreeMap;
use std::ops::Range;

/// The activations, `[neuron, prompt]`. A batch's are in memory whole, what is kept of them is these neurons'.
///
/// # Errors
/// Ctrl-C.
pub fn read(
    (step, label): (&str, &str),
    neurons: &[RankedNeuron],
    prompts: &[&Prompt],
    subject: &ModelRun,
    (context, outcome): (&Context, &mut Outcome),
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
        let wanted: HookPositions = layers.keys().map(|&layer| (hook(layer), last.clone())).collect();
        let divided = Divided {
            step,
            what: format!("activations of {label}"),
            context,
            parts: parts(indices.len(), context.batch(&subject.model)),
        };
        let width = neurons.len();
        let work = |part: Range<usize>, _: &mut Vec<SelfCheck>| {
            let rows: Vec<&[u32]> = indices[part].iter().map(|&index| prompts[index].tokens.as_slice()).collect();
            let mut values = vec![0.0; rows.len() * width];
            let Some(tokens) = Tokens::from_rows(&rows) else { return Ok(values) };
            let activations = capture_blocks(subject.model.transformer(), &tokens, &wanted)?;
            for (&layer, chosen) in &layers {
                let Some(activation) = activations.get(&hook(layer)) else { continue };
                let all = activation.data.chunks_exact(activation.layout.position_width());
                for (kept, values) in values.chunks_exact_mut(width.max(1)).zip(all) {
                    chosen.iter().for_each(|&(number, neuron)| kept[number] = values[neuron]);
                }
            }
            task.advance(rows.len() as u64);
            Ok(values)
        };
        let skipped = |part: Range<usize>| task.advance(part.len() as u64);
        divided.each(outcome, skipped, work, |part, values: Vec<f32>| {
            for (values, &prompt) in values.chunks_exact(width.max(1)).zip(&indices[part]) {
                values.iter().enumerate().for_each(|(number, value)| kept[number * prompts.len() + prompt] = *value);
            }
        })?;
    }
    Ok(kept)
}
