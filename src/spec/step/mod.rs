//! `[[step]]`: its kinds, one line each in [`Step`].

mod ablation;
mod accuracy;
mod fields;
mod heuristics;
mod intervention;
mod knockout;
mod overlap;
mod patching;
mod path_patching;
mod probe;
mod reading;
mod shared;
mod smallest;
mod train;

pub use ablation::{
    Ablation, AblationMeasure, AblationMode, AblationValue, Legality, Listed, MeanOperators, MeanOver, MeanPositions,
    Ranked,
};
pub use accuracy::Accuracy;
pub use fields::Common;
pub use heuristics::{HeuristicType, HeuristicVariant, Heuristics, RankedNeurons, ScoreCap, ZeroResults};
pub use intervention::{EditSpec, EditValue, Intervention, NamedIntervention};
pub use knockout::{HeuristicKnockout, HeuristicSupport, KnockoutOrder, KnockoutValue, PromptKnockout};
pub use overlap::{HeuristicOverlap, NeuronOverlap};
pub use patching::{ActivationPatching, AttributionMeasure, AttributionPatching, NeuronMethod, NeuronPatching};
pub use path_patching::PathPatching;
pub use probe::{Probe, ProbeOperators};
pub use reading::{AttentionPatterns, AttributionTarget, Capture, CaptureFormat, LogitAttribution, LogitLens};
pub use shared::{Counterfactual, CounterfactualOperators, Direction, EffectMeasure};
pub use smallest::Smallest;
pub use train::{Optimizer, Train};

use super::probe_in;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defines [`Step`] and what is asked of any kind. What a kind does is said at its own type: a comment here would take the place of
/// that in the schema. A kind whose results change for the same spec gets the next `version`: 1
/// where none is written.
macro_rules! steps {
    ($($kind:ident = $name:literal, rows $rows:expr $(, version $version:literal)?;)*) => {
        /// One step of an experiment, told apart by its `kind`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        #[allow(clippy::large_enum_variant, reason = "a spec has a handful of steps")]
        pub enum Step {
            $($kind($kind),)*
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
            pub fn common(&self) -> &dyn Common {
                match self {
                    $(Step::$kind(step) => step,)*
                }
            }
        }
    };
}

steps! {
    Accuracy = "accuracy", rows ["prompts", "set", "dropped"];
    Train = "train", rows [];
    ActivationPatching = "activation-patching", rows ["prompts", "pairs"], version 2;
    NeuronPatching = "neuron-patching", rows ["prompts", "pairs"], version 2;
    AttributionPatching = "attribution-patching", rows ["prompts", "pairs", "agreement"];
    Ablation = "ablation", rows ["prompts", "pairs", "components"], version 3;
    Intervention = "intervention", rows ["prompts", "pairs"], version 4;
    PathPatching = "path-patching", rows ["prompts", "pairs"], version 2;
    LogitLens = "logit-lens", rows ["prompts"];
    LogitAttribution = "logit-attribution", rows ["prompts", "pairs"];
    AttentionPatterns = "attention-patterns", rows ["prompts"];
    Capture = "capture", rows ["prompts"];
    Heuristics = "heuristics", rows ["neurons", "patterns", "examples", "associated"], version 2;
    NeuronOverlap = "neuron-overlap", rows [];
    HeuristicKnockout = "heuristic-knockout", rows ["means", "prompts"], version 2;
    PromptKnockout = "prompt-knockout", rows ["prompts", "neurons"], version 2;
    HeuristicSupport = "heuristic-support", rows ["prompts"];
    HeuristicOverlap = "heuristic-overlap", rows ["neurons"];
    Probe = "probe", rows ["layers"];
    Smallest = "smallest", rows [];
}

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
        let read: Vec<&str> = match self {
            Step::AttributionPatching(step) => step.compare.as_deref().into_iter().collect(),
            Step::Ablation(step) => {
                let ranked = step.ranked.iter().map(|ranked| ranked.from.as_str());
                ranked.chain(step.listed.iter().map(|listed| listed.from.as_str())).collect()
            }
            Step::Heuristics(step) => vec![&step.ranked.from],
            Step::NeuronOverlap(step) => vec![&step.from],
            Step::HeuristicKnockout(step) => vec![&step.from],
            Step::PromptKnockout(step) => vec![&step.from],
            Step::HeuristicSupport(step) => vec![&step.from],
            Step::HeuristicOverlap(step) => vec![&step.from],
            Step::Smallest(step) => vec![&step.from],
            _ => Vec::new(),
        };
        named.chain(read.into_iter().map(step_of)).chain(self.probes()).collect()
    }

    /// Where its counterfactual prompts come from, of kinds that have them.
    pub fn counterfactual(&self) -> Option<&Counterfactual> {
        match self {
            Step::ActivationPatching(step) => Some(&step.counterfactual),
            Step::NeuronPatching(step) => Some(&step.counterfactual),
            Step::AttributionPatching(step) => Some(&step.counterfactual),
            Step::Ablation(step) => Some(&step.counterfactual),
            Step::Intervention(step) => Some(&step.counterfactual),
            Step::PathPatching(step) => Some(&step.counterfactual),
            Step::LogitAttribution(step) => Some(&step.counterfactual),
            _ => None,
        }
    }

    /// What the means are over that it takes, of steps that take some.
    pub fn mean(&self) -> Option<&MeanOver> {
        match self {
            Step::Ablation(step) => (step.value == AblationValue::Mean).then_some(&step.mean),
            Step::Intervention(step) => step.writes_means().then_some(&step.mean),
            Step::HeuristicKnockout(step) => (step.value == KnockoutValue::Mean).then_some(&step.mean),
            Step::PromptKnockout(step) => (step.value == KnockoutValue::Mean).then_some(&step.mean),
            _ => None,
        }
    }

    /// Whether it needs prompts of operands: what it looks for is a rule on numbers.
    pub fn needs_operands(&self) -> bool {
        matches!(
            self,
            Step::Train(_)
                | Step::Heuristics(_)
                | Step::HeuristicKnockout(_)
                | Step::PromptKnockout(_)
                | Step::HeuristicSupport(_)
        )
    }

    /// Names of the steps of kind `probe` whose layers it takes: `{NAME}`, once for each place that names them.
    pub fn probes(&self) -> impl Iterator<Item = &str> {
        self.layer_texts().into_iter().filter_map(|text| text.get(probe_in(text)?))
    }

    /// The texts that say layers: of sites, components, receivers, and layers alone.
    fn layer_texts(&self) -> Vec<&str> {
        let lists: Vec<&[String]> = match self {
            Step::ActivationPatching(step) => vec![&step.sites],
            Step::NeuronPatching(step) => vec![std::slice::from_ref(&step.layers)],
            Step::AttributionPatching(step) => vec![&step.sites],
            Step::Ablation(step) => vec![&step.components, &step.among],
            Step::Intervention(step) => {
                let edits = || step.interventions.iter().flat_map(|intervention| &intervention.edits);
                edits().map(|edit| edit.site.as_slice()).chain(edits().map(|edit| edit.cut.as_slice())).collect()
            }
            Step::PathPatching(step) => vec![&step.senders, &step.receivers],
            Step::LogitLens(step) => vec![&step.sites],
            Step::LogitAttribution(step) => vec![&step.components],
            Step::AttentionPatterns(step) => vec![&step.heads],
            Step::Capture(step) => vec![&step.sites],
            Step::Probe(step) => vec![&step.sites],
            // None of their keys says layers.
            Step::Accuracy(_)
            | Step::Train(_)
            | Step::NeuronOverlap(_)
            | Step::Heuristics(_)
            | Step::HeuristicKnockout(_)
            | Step::PromptKnockout(_)
            | Step::HeuristicSupport(_)
            | Step::HeuristicOverlap(_)
            | Step::Smallest(_) => Vec::new(),
        };
        lists.into_iter().flatten().map(String::as_str).collect()
    }
}
