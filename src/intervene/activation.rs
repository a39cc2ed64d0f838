//! Activations in main memory, and how they lie.

use crate::kernel::to_f32;
use crate::model::facts::{Facts, PositionEncoding, Residual};
use crate::model::hook::{Hook, HookValue, Site};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// How the values at a hook lie, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// `[row, pos, width]`; each of `width` is a unit: a neuron, a direction of the residual stream.
    Stream {
        /// Values of a position.
        width: usize,
    },
    /// `[row, pos, head, width]`; a head is a unit.
    Heads {
        /// Number of heads: key/value heads at `k` and `v`, else query heads.
        heads: usize,
        /// Values of a head.
        width: usize,
    },
    /// `[row, head, query_pos, key_pos]`; a head is a unit, a query a position.
    Attention {
        /// Number of query heads.
        heads: usize,
        /// Tokens of the prompt.
        keys: usize,
    },
}

impl Layout {
    /// The layout at a hook for prompts of `length` tokens; `None` where the model has no such hook.
    pub fn of(hook: Hook, facts: &Facts, length: usize) -> Option<Self> {
        let stream = |width: usize| Some(Layout::Stream { width });
        let (site, layer) = match hook {
            Hook::Embed | Hook::LnFinalStandardized | Hook::LnFinalNormalized | Hook::LnFinalOut => {
                return stream(facts.d_model);
            }
            Hook::PosEmbed => {
                return (facts.positions == PositionEncoding::Learned)
                    .then_some(())
                    .and_then(|()| stream(facts.d_model));
            }
            Hook::LnFinalScale => return stream(1),
            Hook::Block(layer, site) => (site, layer),
        };
        let there = layer < facts.n_layers
            && match site {
                Site::RotQ | Site::RotK => facts.rotary_of(layer).is_some(),
                Site::QNormed | Site::KNormed => facts.head_norm.is_some(),
                Site::Ln1Scale | Site::Ln1Standardized | Site::Ln1Normalized | Site::Ln1Out => facts.norms.before(),
                Site::AttnProjected
                | Site::Ln1PostScale
                | Site::Ln1PostStandardized
                | Site::Ln1PostNormalized
                | Site::Ln1PostOut
                | Site::MlpProjected
                | Site::Ln2PostScale
                | Site::Ln2PostStandardized
                | Site::Ln2PostNormalized
                | Site::Ln2PostOut => facts.norms.after(),
                Site::ResidMid => facts.residual == Residual::Sequential,
                Site::Ln2Scale | Site::Ln2Standardized | Site::Ln2Normalized | Site::Ln2Out => {
                    facts.norms.before() && facts.residual != Residual::ParallelSharedNorm
                }
                Site::MlpPre | Site::MlpPost => facts.experts_of(layer).is_none(),
                Site::MlpPreLinear => facts.gated && facts.experts_of(layer).is_none(),
                Site::RouterLogits | Site::ExpertWeights => facts.experts_of(layer).is_some(),
                _ => true,
            };
        if !there {
            return None;
        }
        match site {
            Site::Q | Site::QNormed | Site::RotQ | Site::Z => {
                Some(Layout::Heads { heads: facts.n_heads, width: facts.d_head })
            }
            Site::K | Site::KNormed | Site::RotK | Site::V => {
                Some(Layout::Heads { heads: facts.n_kv_heads, width: facts.d_head })
            }
            Site::Result => Some(Layout::Heads { heads: facts.n_heads, width: facts.d_model }),
            Site::AttnScores | Site::Pattern => Some(Layout::Attention { heads: facts.n_heads, keys: length }),
            Site::Ln1Scale | Site::Ln1PostScale | Site::Ln2Scale | Site::Ln2PostScale => stream(1),
            Site::MlpPre | Site::MlpPreLinear | Site::MlpPost => stream(facts.d_mlp),
            Site::RouterLogits | Site::ExpertWeights => {
                facts.experts_of(layer).and_then(|experts| stream(experts.count))
            }
            Site::ResidPre
            | Site::ResidMid
            | Site::ResidPost
            | Site::AttnOut
            | Site::MlpOut
            | Site::Ln1Standardized
            | Site::Ln1Normalized
            | Site::Ln1Out
            | Site::Ln2Standardized
            | Site::Ln2Normalized
            | Site::Ln2Out
            | Site::AttnProjected
            | Site::Ln1PostStandardized
            | Site::Ln1PostNormalized
            | Site::Ln1PostOut
            | Site::MlpProjected
            | Site::Ln2PostStandardized
            | Site::Ln2PostNormalized
            | Site::Ln2PostOut => stream(facts.d_model),
        }
    }

    /// Number of units.
    pub fn units(self) -> usize {
        match self {
            Layout::Stream { width } => width,
            Layout::Heads { heads, .. } | Layout::Attention { heads, .. } => heads,
        }
    }

    /// Values of one unit at one position.
    pub fn unit_width(self) -> usize {
        match self {
            Layout::Stream { .. } => 1,
            Layout::Heads { width, .. } => width,
            Layout::Attention { keys, .. } => keys,
        }
    }

    /// Values of all units at one position.
    pub fn position_width(self) -> usize {
        self.units() * self.unit_width()
    }

    /// Index of the first value of a unit, in an array that holds `positions` positions per row.
    pub(super) fn at(self, positions: usize, row: usize, position: usize, unit: usize) -> usize {
        match self {
            Layout::Stream { width } => (row * positions + position) * width + unit,
            Layout::Heads { heads, width } => ((row * positions + position) * heads + unit) * width,
            Layout::Attention { heads, keys } => ((row * heads + unit) * positions + position) * keys,
        }
    }
}

impl HookValue {
    /// Its values in main memory.
    pub(crate) fn to_host(&self) -> Vec<f32> {
        match self {
            HookValue::Stream(tensor) => to_f32(tensor.clone()),
            HookValue::Heads(tensor) => to_f32(tensor.clone()),
        }
    }
}

/// What stood at one hook in some rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activation {
    /// How the values lie.
    pub layout: Layout,
    /// Number of rows.
    pub rows: usize,
    /// The positions that are held, ascending. Empty: one value per row that stands for every position.
    pub positions: Vec<usize>,
    /// The values: as [`Layout`] says, with these rows and positions.
    pub data: Vec<f32>,
}

impl Activation {
    /// The values of one unit; `None` where the position or the row is not held.
    pub fn unit(&self, row: usize, position: usize, unit: usize) -> Option<&[f32]> {
        let (slot, slots) = match self.positions.as_slice() {
            [] => (0, 1),
            held => (held.binary_search(&position).ok()?, held.len()),
        };
        if row >= self.rows || unit >= self.layout.units() {
            return None;
        }
        let start = self.layout.at(slots, row, slot, unit);
        self.data.get(start..start + self.layout.unit_width())
    }

    /// The values of every unit at a position where they lie side by side, as they do but for attention.
    pub fn position(&self, row: usize, position: usize) -> Option<&[f32]> {
        if matches!(self.layout, Layout::Attention { .. }) {
            return None;
        }
        let start = self.unit(row, position, 0)?.as_ptr() as usize - self.data.as_ptr() as usize;
        let start = start / size_of::<f32>();
        self.data.get(start..start + self.layout.position_width())
    }

    /// The same of these units only, in their order; units that it does not hold are left out.
    pub fn of_units(&self, units: &[usize]) -> Self {
        let units: Vec<usize> = units.iter().copied().filter(|&unit| unit < self.layout.units()).collect();
        let (slots, width) = (self.positions.len().max(1), self.layout.unit_width());
        let mut data = Vec::with_capacity(self.rows * slots * units.len() * width);
        let mut copy = |row, slot, unit| {
            let start = self.layout.at(slots, row, slot, unit);
            data.extend_from_slice(&self.data[start..start + width]);
        };
        let (attention, layout) = match self.layout {
            Layout::Stream { .. } => (false, Layout::Stream { width: units.len() }),
            Layout::Heads { width, .. } => (false, Layout::Heads { heads: units.len(), width }),
            Layout::Attention { keys, .. } => (true, Layout::Attention { heads: units.len(), keys }),
        };
        for row in 0..self.rows {
            match attention {
                true => units.iter().for_each(|&unit| (0..slots).for_each(|slot| copy(row, slot, unit))),
                false => (0..slots).for_each(|slot| units.iter().for_each(|&unit| copy(row, slot, unit))),
            }
        }
        Self { layout, rows: self.rows, positions: self.positions.clone(), data }
    }

    /// Extents of the values: `[row, pos, width]`, `[row, pos, head, width]` or `[row, head, query, key]`.
    pub fn shape(&self) -> Vec<usize> {
        let (rows, slots) = (self.rows, self.positions.len().max(1));
        match self.layout {
            Layout::Stream { width } => vec![rows, slots, width],
            Layout::Heads { heads, width } => vec![rows, slots, heads, width],
            Layout::Attention { heads, keys } => vec![rows, heads, slots, keys],
        }
    }
}

/// What stood at some hooks in the same rows.
pub type Activations = IndexMap<Hook, Activation>;
