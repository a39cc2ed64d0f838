//! Edits: what is changed, where, in which units, to what. Plain data.

use super::activation::{Activation, Layout};
use super::basis::Basis;
use super::error::EditError;
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};
use std::sync::Arc;

/// One change at one hook.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Where.
    pub hook: Hook,
    /// At which positions; at `attn_scores` and `pattern`, of the queries.
    pub positions: Positions,
    /// In which units: heads, neurons, directions.
    pub units: Units,
    /// How.
    pub change: Change,
}

/// Positions of a prompt, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Positions {
    /// Every position.
    All,
    /// These.
    At(Vec<usize>),
}

/// Units of a hook, ascending: heads where it has heads (key/value heads at `k` and `v`), else single values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Units {
    /// Every unit.
    All,
    /// These.
    Of(Vec<usize>),
}

/// What happens to the values x at the edited place.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// x becomes x + strength · (value − x); the value itself at strength 1.
    Replace {
        /// What it becomes.
        value: Value,
        /// 0 changes nothing, 1 replaces.
        strength: f32,
    },
    /// x becomes x + strength · value.
    Add {
        /// What is added.
        value: Value,
        /// Its factor.
        strength: f32,
    },
    /// The component of x within a subspace goes to the value's: x becomes x + strength · P (value − x), P the projection on the subspace; all
    /// else of x stays. To zero, the subspace is projected out. The subspace is of a unit (a head), or, where all units are edited, of all
    /// of them together.
    Within {
        /// The subspace.
        basis: Arc<Basis>,
        /// Whose component it becomes.
        value: Value,
        /// 0 changes nothing, 1 replaces.
        strength: f32,
    },
    /// Attention from the edited positions to these is cut before the softmax; at `attn_scores` only. A query whose every
    /// edge is cut reads nothing: its z is zero.
    Cut {
        /// The positions no longer read.
        keys: Positions,
    },
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The same place in the row's source run.
    Source,
    /// A number.
    Constant(f32),
    /// Given values, such as a mean: the first row of the activation.
    Fixed(Arc<Activation>),
}

/// One run with edits.
#[derive(Debug, Clone, PartialEq)]
pub struct EditedPrompt {
    /// Index of the prompt among those of [`super::CleanRun`].
    pub prompt: usize,
    /// Index of the run that [`Value::Source`] reads.
    pub source: Option<usize>,
    /// What is changed. Shared by the rows of one intervention, which then are computed together.
    pub edits: Arc<[Edit]>,
}

impl Positions {
    /// The positions of a prompt of `length` tokens.
    pub fn iter(&self, length: usize) -> impl Iterator<Item = usize> + '_ {
        let (all, some) = match self {
            Positions::All => (0..length, &[][..]),
            Positions::At(positions) => (0..0, positions.as_slice()),
        };
        all.chain(some.iter().copied())
    }
}

impl Units {
    /// The units among `count`.
    pub fn iter(&self, count: usize) -> impl Iterator<Item = usize> + '_ {
        let (all, some) = match self {
            Units::All => (0..count, &[][..]),
            Units::Of(units) => (0..0, units.as_slice()),
        };
        all.chain(some.iter().copied())
    }
}

impl Change {
    /// What it writes or adds; `None` of edges that are cut.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Change::Replace { value, .. } | Change::Add { value, .. } | Change::Within { value, .. } => Some(value),
            Change::Cut { .. } => None,
        }
    }
}

impl Edit {
    /// Replaces by the source run's values.
    pub fn patch(hook: Hook, positions: Positions, units: Units) -> Self {
        Self { hook, positions, units, change: Change::Replace { value: Value::Source, strength: 1.0 } }
    }

    /// Replaces by given values, such as means.
    pub fn set(hook: Hook, positions: Positions, units: Units, values: Arc<Activation>) -> Self {
        Self { hook, positions, units, change: Change::Replace { value: Value::Fixed(values), strength: 1.0 } }
    }

    /// Replaces by zero.
    pub fn zero(hook: Hook, positions: Positions, units: Units) -> Self {
        Self { hook, positions, units, change: Change::Replace { value: Value::Constant(0.0), strength: 1.0 } }
    }

    /// Replaces the component within a subspace.
    pub fn within(hook: Hook, positions: Positions, units: Units, basis: Arc<Basis>, value: Value) -> Self {
        Self { hook, positions, units, change: Change::Within { basis, value, strength: 1.0 } }
    }

    /// Cuts attention of `heads` in `layer` from `queries` to `keys`.
    pub fn cut(layer: usize, heads: Units, queries: Positions, keys: Positions) -> Self {
        let hook = Hook::Block(layer, Site::AttnScores);
        Self { hook, positions: queries, units: heads, change: Change::Cut { keys } }
    }

    /// The same at positions of a prompt of `length` tokens alone, whatever follows it.
    pub fn in_prompt(&self, length: usize) -> Self {
        Self { positions: Positions::At(self.positions.iter(length).collect()), ..self.clone() }
    }

    /// Makes sure that a model has the hook, the units and, for prompts of `length` tokens, the positions.
    ///
    /// # Errors
    /// The first thing that is not there.
    pub fn validate(&self, facts: &Facts, length: usize) -> Result<Layout, EditError> {
        let layout = Layout::of(self.hook, facts, length).ok_or_else(|| EditError::no_hook(self.hook, facts))?;
        let hook = self.hook;
        let largest = |positions: &Positions| match positions {
            Positions::At(positions) => positions.iter().copied().max().filter(|&position| position >= length),
            Positions::All => None,
        };
        if let Some(position) = largest(&self.positions) {
            return Err(EditError::Position { hook, position, length });
        }
        if let Units::Of(units) = &self.units
            && let Some(&unit) = units.iter().find(|&&unit| unit >= layout.units())
        {
            return Err(EditError::Unit { hook, unit, units: layout.units(), heads: layout.unit_width() > 1 });
        }
        if let Change::Within { basis, .. } = &self.change {
            let of_unit = matches!(layout, Layout::Heads { .. }).then_some(layout.unit_width());
            let of_all = (self.units == Units::All && !matches!(layout, Layout::Attention { .. }))
                .then_some(layout.position_width());
            if ![of_unit, of_all].contains(&Some(basis.width())) {
                return Err(EditError::Subspace { hook, width: basis.width(), expected: of_unit.or(of_all) });
            }
        }
        if let Change::Cut { keys } = &self.change {
            if !matches!(hook, Hook::Block(_, Site::AttnScores)) {
                return Err(EditError::CutElsewhere(hook));
            }
            if let Some(position) = largest(keys) {
                return Err(EditError::Position { hook, position, length });
            }
        }
        match self.change.value() {
            Some(Value::Fixed(values)) if values.layout != layout || values.rows == 0 => {
                Err(EditError::Shape { hook, expected: layout, found: values.layout })
            }
            _ => Ok(layout),
        }
    }
}
