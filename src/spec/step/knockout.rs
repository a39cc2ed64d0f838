use super::ablation::MeanOver;
use super::fields::step;
use super::shared::{default_bootstrap, last_position};
use crate::spec::PositionName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Knock-out by heuristic (paper §4.2, figure 7): all neurons that match a heuristic are set to zero, and the accuracy on
    /// prompts that the heuristic holds for is compared with that on prompts it does not hold for.
    HeuristicKnockout {
        /// A step of kind `heuristics`.
        #[schemars(extend("x-refers-to" = "step"))]
        from: String,
        /// Heuristics that are knocked out: those that at least so many neurons match.
        #[serde(default = "default_at_least")]
        #[schemars(range(min = 1))]
        at_least: usize,
        /// Prompts of each group, drawn with each of `seeds`; all there are where those are fewer.
        #[serde(default = "default_sample")]
        #[schemars(range(min = 1))]
        sample: usize,
        /// Seeds of the draw; a prompt that several draw counts once.
        #[serde(default = "default_seeds")]
        #[schemars(length(min = 1))]
        seeds: Vec<u64>,
        /// What the neurons' activations become.
        #[serde(default)]
        value: KnockoutValue,
        /// What means are taken over, of `value = "mean"`.
        #[serde(default)]
        mean: MeanOver,
        /// Where; together.
        #[serde(default = "last_position")]
        #[schemars(length(min = 1))]
        positions: Vec<PositionName>,
        /// Also keep a row per heuristic and prompt: table `NAME.prompts`.
        #[serde(default)]
        per_prompt: bool,
        /// Resamples of the heuristics for the 95 % interval of each mean in `NAME.means`.
        #[serde(default = "default_bootstrap")]
        #[schemars(range(min = 0, max = 100000))]
        bootstrap: usize,
    }
}

step! {
    /// Knock-out by prompt (paper §4.2, figure 8): of each prompt, the neurons whose heuristics hold for it are set to zero, up to
    /// k in each layer; and, as a control, as many others of the ranked neurons, drawn at random.
    PromptKnockout {
        /// A step of kind `heuristics`.
        #[schemars(extend("x-refers-to" = "step"))]
        from: String,
        /// How many neurons of each layer, at most. 0: none, the clean run.
        #[serde(default = "default_k")]
        #[schemars(length(min = 1))]
        k: Vec<usize>,
        /// Which neurons go first.
        #[serde(default)]
        order: KnockoutOrder,
        /// Seeds of the control; each draws its own neurons.
        #[serde(default = "default_seeds")]
        #[schemars(length(min = 1))]
        seeds: Vec<u64>,
        /// What the neurons' activations become.
        #[serde(default)]
        value: KnockoutValue,
        /// What means are taken over, of `value = "mean"`.
        #[serde(default)]
        mean: MeanOver,
        /// Where; together.
        #[serde(default = "last_position")]
        #[schemars(length(min = 1))]
        positions: Vec<PositionName>,
        /// Also keep a row per prompt: table `NAME.prompts`; and the neurons of each: `NAME.neurons`.
        #[serde(default)]
        per_prompt: bool,
    }
}

step! {
    /// How much the heuristics support the right answer, of prompts answered correctly and incorrectly (paper §4.3, figure 9).
    /// Of each prompt: how many neurons have a heuristic that holds for it, and the sum over these of activation × logit of the
    /// correct answer in the neuron's value vector.
    HeuristicSupport {
        /// A step of kind `heuristics`.
        #[schemars(extend("x-refers-to" = "step"))]
        from: String,
        /// Prompts of each operator that are answered correctly, and as many that are not; they are drawn as the prompt set says,
        /// but for its `keep`, `sample`, `skip` and `seeds`.
        #[serde(default = "default_support")]
        #[schemars(range(min = 1))]
        sample: usize,
        /// Seeds of the draw; a prompt that several draw counts once.
        #[serde(default = "default_seeds")]
        #[schemars(length(min = 1))]
        seeds: Vec<u64>,
        /// Resamples of the prompts for the 95 % interval of each mean.
        #[serde(default = "default_bootstrap")]
        #[schemars(range(min = 0, max = 100000))]
        bootstrap: usize,
    }
}

/// What the activations of neurons that are knocked out become.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KnockoutValue {
    /// Zero (the paper's).
    #[default]
    Zero,
    /// Their mean over prompts.
    Mean,
}

/// Which of a prompt's neurons are knocked out first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KnockoutOrder {
    /// Those with the most heuristics that hold for the prompt; of as many, the best score first.
    #[default]
    Count,
    /// Those with the best score of a heuristic that holds for the prompt; of the same, the most heuristics first.
    Score,
}

fn default_at_least() -> usize {
    10
}
fn default_sample() -> usize {
    100
}
fn default_support() -> usize {
    50
}
fn default_seeds() -> Vec<u64> {
    vec![42]
}
/// 0, 5, 10, … up to half of the 200 neurons per layer that the paper keeps.
fn default_k() -> Vec<usize> {
    (0..=100).step_by(5).collect()
}
