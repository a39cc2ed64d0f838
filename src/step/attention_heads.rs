//! The heads whose patterns a step `attention-patterns` reads, and what these take.

use super::places::{self, Component};
use super::{Scope, replays};
use crate::Error;
use crate::context::Context;
use crate::intervene::HookPositions;
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};
use crate::spec::{ComponentKind, step};

/// What its rows measure.
pub(super) const MEASURE: [&str; 1] = ["attention"];

/// The heads, at their patterns; other components are refused.
pub(super) fn heads(step: &step::AttentionPatterns, target: Scope, context: &Context) -> Result<Vec<Component>, Error> {
    for (index, text) in step.heads.iter().enumerate() {
        if !matches!(text.says().kind, ComponentKind::Heads(_)) {
            let problem = format!("'{text}' is not a head and has no attention pattern; write heads: 'L2H2', 'L*H*'");
            return Err(context
                .loaded
                .refuse(&["step", &step.name, "heads", &index.to_string()], problem, None)
                .into());
        }
    }
    let heads = places::components(&step.name, "heads", &step.heads, target, context)?;
    let pattern = |place: Component| match place.hook {
        Hook::Block(layer, _) => Component { hook: Hook::Block(layer, Site::Pattern), unit: place.unit },
        _ => place,
    };
    Ok(places::distinct(heads.into_iter().map(pattern).collect()))
}

/// Prompts whose patterns are in memory together.
pub(super) fn batch(facts: &Facts, wanted: &HookPositions, length: usize, context: &Context) -> usize {
    (replays::memory(context) / pattern_bytes(facts, wanted.len(), length).max(1)).max(1)
}

/// Bytes of one prompt's patterns in some layers.
pub(super) fn pattern_bytes(facts: &Facts, layers: usize, length: usize) -> usize {
    layers * facts.n_heads * length * length * size_of::<f32>()
}
