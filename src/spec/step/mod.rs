//! `[[step]]`: its kinds, one line each in [`Step`].

mod ablation;
mod accuracy;
mod bag_of_heuristics;
mod control;
mod direction;
mod fields;
mod generate;
mod given_value;
mod intervention;
mod loss;
mod max_activations;
mod mean;
mod patching;
mod path_patching;
mod probe;
mod reading;
mod relations;
mod shared;
mod significance;
mod smallest;
mod train;

pub use ablation::{Ablation, AblationMode, AblationValue, Listed, Ranked};
pub use accuracy::Accuracy;
pub use bag_of_heuristics::{
    HeuristicKnockout, HeuristicOverlap, HeuristicSupport, HeuristicType, HeuristicVariant, Heuristics, KnockoutOrder,
    KnockoutValue, NeuronOverlap, PromptKnockout, RankedNeurons, ScoreCap, ZeroResults,
};
pub use control::Control;
pub use direction::{ClassPrompts, DirectionMethod, FindDirection, VectorFile};
pub(crate) use fields::Common;
pub use generate::Generate;
pub use given_value::{GivenFrom, GivenUse, GivenValue, ProjectedTo, TensorUse};
pub use intervention::{EditSpec, EditTokens, EditValue, Intervention, NamedIntervention, Placebos};
pub use loss::{Loss, LossOf};
pub use max_activations::MaxActivations;
pub use mean::{Legality, MeanOperators, MeanOver, MeanPositions};
pub use patching::{ActivationPatching, AttributionPatching, Corruption, NeuronMethod, NeuronPatching};
pub use path_patching::PathPatching;
pub use probe::{Probe, ProbeOperators};
pub use reading::{
    AttentionPatterns, AttributionTarget, Capture, CaptureFormat, KeyRelation, LogitAttribution, LogitLens,
};
pub use relations::Relations;
pub use shared::{Counterfactual, CounterfactualOperators, Direction};
pub use significance::{Correction, SignificanceTest};
pub use smallest::Smallest;
pub use train::{Optimizer, Train};

use super::Layers;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defines [`Step`] and what is asked of any kind. What a kind does is said at its own type: a comment here would take the place of
/// that in the schema. A kind whose results change for the same spec gets the next `version`: 1
/// where none is written.
macro_rules! steps {
    ($($kind:ident = $name:literal, rows $rows:expr $(, version $version:literal)?;)*) => {
        /// One step of an experiment, told apart by its `kind`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind")]
        #[allow(clippy::large_enum_variant, reason = "a spec has a handful of steps")]
        pub enum Step {
            $(#[serde(rename = $name)] $kind($kind),)*
        }

        /// Rows that a kind of step keeps besides its own: `STEP.prompts`.
        pub fn further_rows(kind: &str) -> &'static [&'static str] {
            match kind {
                $($name => &$rows,)*
                _ => &[],
            }
        }

        /// Every kind, as a spec writes it.
        pub const KINDS: &[&str] = &[$($name,)*];

        impl Step {
            /// Version of what its kind does: two with the same parameters give the same results.
            pub fn version(&self) -> u32 {
                match self {
                    $(Step::$kind(_) => [1, $($version,)?].into_iter().max().unwrap_or(1),)*
                }
            }

            /// Its kind as a spec writes it.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Step::$kind(_) => $name,)*
                }
            }

            /// What any step has.
            pub fn common(&self) -> &dyn Relations {
                match self {
                    $(Step::$kind(step) => step,)*
                }
            }
        }
    };
}

/// Every kind, a line each: hands the list to the macro that it is given, for this file and for the one that runs steps.
macro_rules! kinds {
    ($with:ident) => {
        $with! {
            Accuracy = "accuracy", rows ["prompts", "set", "dropped"];
            Train = "train", rows [];
            ActivationPatching = "activation-patching", rows ["prompts", "pairs", "dropped"], version 2;
            NeuronPatching = "neuron-patching", rows ["prompts", "pairs", "dropped"], version 2;
            AttributionPatching = "attribution-patching", rows ["prompts", "pairs", "dropped", "agreement"], version 2;
            Ablation = "ablation", rows ["prompts", "pairs", "dropped", "components"], version 3;
            Intervention = "intervention", rows ["prompts", "pairs", "dropped"], version 5;
            Loss = "loss", rows ["prompts", "pairs", "dropped"], version 2;
            Generate = "generate", rows ["texts", "prompts", "pairs", "dropped"], version 2;
            PathPatching = "path-patching", rows ["prompts", "pairs", "dropped"], version 2;
            LogitLens = "logit-lens", rows ["prompts", "pairs", "dropped"];
            LogitAttribution = "logit-attribution", rows ["prompts", "pairs", "dropped"];
            AttentionPatterns = "attention-patterns", rows ["prompts"];
            Capture = "capture", rows ["prompts"];
            MaxActivations = "max-activations", rows [];
            Heuristics = "heuristics", rows ["neurons", "patterns", "examples", "associated"], version 2;
            NeuronOverlap = "neuron-overlap", rows [];
            HeuristicKnockout = "heuristic-knockout", rows ["means", "prompts"], version 2;
            PromptKnockout = "prompt-knockout", rows ["prompts", "neurons"], version 2;
            HeuristicSupport = "heuristic-support", rows ["prompts"];
            HeuristicOverlap = "heuristic-overlap", rows ["neurons"];
            Probe = "probe", rows ["layers"];
            FindDirection = "direction", rows ["points", "spectrum", "pairs", "dropped"], version 2;
            Smallest = "smallest", rows [];
        }
    };
}
pub(crate) use kinds;

kinds!(steps);

/// The step whose rows are named: `accuracy` of `accuracy.prompts`.
fn step_of(rows: &str) -> &str {
    rows.split('.').next().unwrap_or(rows)
}

impl Step {
    /// The step's own name, unique in the spec.
    pub fn name(&self) -> &str {
        self.common().name()
    }

    /// Models it runs, by name; empty for every model of the spec. `None`: the step runs no model.
    pub fn models(&self) -> Option<&[String]> {
        self.common().models()
    }

    /// Names of the steps whose results it needs.
    pub fn needs(&self) -> Vec<&str> {
        let named = self.common().needs().iter().map(String::as_str);
        named.chain(self.common().reads().into_iter().map(step_of)).chain(self.probes()).collect()
    }

    /// Where its counterfactual prompts come from, of kinds that have them.
    pub fn counterfactual(&self) -> Option<&Counterfactual> {
        self.common().counterfactual()
    }

    /// What the means are over that it takes, of steps that take some.
    pub fn mean(&self) -> Option<&MeanOver> {
        self.common().mean()
    }

    /// Whether it needs prompts of operands: what it looks for is a rule on numbers.
    pub(crate) fn needs_operands(&self) -> bool {
        self.common().needs_operands()
    }

    /// Names of the steps of kind `probe` whose layers it takes: `{NAME}`, once for each place that names them.
    pub fn probes(&self) -> impl Iterator<Item = &str> {
        self.common().layers().into_iter().filter_map(|layers| match layers {
            Layers::Probed(name) => Some(name.as_str()),
            Layers::Written(_) => None,
        })
    }
}
