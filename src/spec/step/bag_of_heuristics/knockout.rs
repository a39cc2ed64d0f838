//! `kind = "heuristic-knockout"`, `"prompt-knockout"` and `"heuristic-support"`.

use crate::spec::defaults::defaults;
use crate::spec::step::fields::step;
use crate::spec::step::mean::MeanOver;
use crate::spec::step::relations::relations;
use crate::spec::step::shared::{default_bootstrap, last_position};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Knocks out all neurons of a heuristic, and compares prompts that it holds for with others.
    ///
    /// All neurons that match a heuristic are set to zero, and the accuracy on prompts that the heuristic holds for is compared with that on
    /// prompts it does not hold for.
    ///
    /// Formula: Δ(H) = accuracy with H's neurons out, on related − on unrelated prompts; `NAME.means` averages over heuristics.
    ///
    /// Source: paper §4.2, figure 7.
    ///
    /// Limits: neurons are polysemantic: those of one heuristic are those of others too, whose prompts are counted as unrelated.
    ///
    /// ```toml
    /// [[step]]
    /// name   = "effects"
    /// kind   = "neuron-patching"
    /// layers = "2..4"
    ///
    /// [[step]]
    /// name   = "heuristics"
    /// kind   = "heuristics"
    /// ranked = { from = "effects", k = 20 }
    ///
    /// [[step]]
    /// name = "by_heuristic"
    /// kind = "heuristic-knockout"
    /// from = "heuristics"
    /// ```
    HeuristicKnockout {
        /// A step of kind `heuristics`.
        #[schemars(extend("x-refers-to" = "step"))]
        from: String,
        /// Only heuristics that at least this many neurons match are knocked out.
        #[serde(default = "default_at_least")]
        #[schemars(range(min = 1))]
        at_least: usize,
        /// Prompts of each group, drawn with each of `seeds`; if there are fewer, all.
        #[serde(default = "default_sample")]
        #[schemars(range(min = 1))]
        sample: usize,
        /// Seeds of the draw; a prompt that several draw counts once.
        #[serde(default = "default_seeds")]
        #[schemars(length(min = 1), extend("uniqueItems" = true))]
        seeds: Vec<u64>,
        /// What the neurons' activations become.
        #[serde(default)]
        value: KnockoutValue,
        /// What means are taken over, of `value = "mean"`.
        #[serde(default)]
        mean: MeanOver,
        /// Where: at all of these positions together.
        positions = "last_position",
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
    /// Knocks out the neurons whose heuristics hold for a prompt, and compares with as many other neurons.
    ///
    /// For each prompt, the neurons whose heuristics hold for it are set to zero, up to k in each layer. As a control,
    /// as many others of the ranked neurons are set to zero, drawn at random.
    ///
    /// Source: paper §4.2, figure 8 (and 10c over checkpoints).
    ///
    /// Limits: look at the difference to the control, not at the fall alone: any neurons out cost some accuracy.
    ///
    /// ```toml
    /// [[step]]
    /// name   = "effects"
    /// kind   = "neuron-patching"
    /// layers = "2..4"
    ///
    /// [[step]]
    /// name   = "heuristics"
    /// kind   = "heuristics"
    /// ranked = { from = "effects", k = 20 }
    ///
    /// [[step]]
    /// name = "by_prompt"
    /// kind = "prompt-knockout"
    /// from = "heuristics"
    /// k    = [0, 5, 10]
    /// ```
    PromptKnockout {
        /// A step of kind `heuristics`.
        #[schemars(extend("x-refers-to" = "step"))]
        from: String,
        /// How many neurons of each layer, at most. 0: none, the clean run.
        #[serde(default = "default_k")]
        #[schemars(length(min = 1), extend("uniqueItems" = true))]
        k: Vec<usize>,
        /// Which neurons go first.
        #[serde(default)]
        order: KnockoutOrder,
        /// Seeds of the control; each draws its own neurons.
        #[serde(default = "default_seeds")]
        #[schemars(length(min = 1), extend("uniqueItems" = true))]
        seeds: Vec<u64>,
        /// What the neurons' activations become.
        #[serde(default)]
        value: KnockoutValue,
        /// What means are taken over, of `value = "mean"`.
        #[serde(default)]
        mean: MeanOver,
        /// Where: at all of these positions together.
        positions = "last_position",
        /// Also keep a row per prompt: table `NAME.prompts`; and the neurons of each: `NAME.neurons`.
        #[serde(default)]
        per_prompt: bool,
    }
}

step! {
    /// How much heuristics support the right answer, on prompts that are answered correctly and incorrectly.
    ///
    /// For each prompt: how many neurons have a heuristic that holds for it, and how much these neurons together add to
    /// the answer.
    ///
    /// Formula: support(p) = Σ A(p) · L(r(p)) over neurons whose heuristics hold for p: activation times the answer's logit in the value vector.
    ///
    /// Source: paper §4.3, figure 9.
    ///
    /// Limits: the sum is direct: it leaves out what neurons tell later layers, and the final norm's scale.
    ///
    /// ```toml
    /// [[step]]
    /// name   = "effects"
    /// kind   = "neuron-patching"
    /// layers = "2..4"
    ///
    /// [[step]]
    /// name   = "heuristics"
    /// kind   = "heuristics"
    /// ranked = { from = "effects", k = 20 }
    ///
    /// [[step]]
    /// name = "support"
    /// kind = "heuristic-support"
    /// from = "heuristics"
    /// ```
    HeuristicSupport {
        /// A step of kind `heuristics`.
        #[schemars(extend("x-refers-to" = "step"))]
        from: String,
        /// Prompts of each operator that are answered correctly, and as many that are not. They are drawn from the
        /// prompt set, whose `keep`, `sample`, `skip` and `seeds` do not count.
        #[serde(default = "default_support")]
        #[schemars(range(min = 1))]
        sample: usize,
        /// Seeds of the draw; a prompt that several draw counts once.
        #[serde(default = "default_seeds")]
        #[schemars(length(min = 1), extend("uniqueItems" = true))]
        seeds: Vec<u64>,
        bootstrap,
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

defaults! {
    default_at_least: usize = 10;
    default_sample: usize = 100;
    default_support: usize = 50;
    default_seeds: Vec<u64> = vec![42];
    /// 0, 5, 10, … up to half of the 200 neurons per layer that the paper keeps.
    default_k: Vec<usize> = (0..=100).step_by(5).collect();
}

relations! { HeuristicKnockout |step|
    reads: vec![&step.from];
    mean: (step.value == KnockoutValue::Mean).then_some(&step.mean);
    needs_operands: true;
}

relations! { PromptKnockout |step|
    reads: vec![&step.from];
    mean: (step.value == KnockoutValue::Mean).then_some(&step.mean);
    needs_operands: true;
}

relations! { HeuristicSupport |step|
    reads: vec![&step.from];
    needs_operands: true;
}
