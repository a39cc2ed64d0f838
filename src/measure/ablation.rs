//! What an ablation leaves of the answer: its measures, each in one place. Its runs are read whole: any may take from every logit.

use super::answer::measures_of_the_answer;

measures_of_the_answer! {
    /// What is left of the answer r: L its logit, P its probability, P* after the ablation, NL = logit(r) / largest logit (paper §3).
    /// Of several right answers P is the sum, L the mean.
    AblationMeasure(whole, empty, after) of after;

    /// How much of the model's answer a circuit keeps: 0 is as with everything ablated, 1 as with nothing ablated.
    ///
    /// Formula: (NL(c) − NL(∅)) / (NL(M) − NL(∅)), ∅ ablates all of `among`, M nothing
    ///
    /// Source: paper eq. 2; Marks et al. 2024 (arXiv 2403.19647).
    ///
    /// Limits: a ratio per prompt: where NL(∅) is close to NL(M) it blows up, and where they are equal there is none (`n` counts the
    /// others). It depends on what is ablated to (Miller et al. 2024, arXiv 2407.08734).
    Faithfulness = "faithfulness", [EmptyRun] => {
        (after.normalized_logit() - empty.normalized_logit()) / (whole.normalized_logit() - empty.normalized_logit())
    };
    /// The right answers' probability minus the wrong ones'.
    ///
    /// Formula: Σ P(r) over the right answers − Σ P(r') over the wrong ones
    ///
    /// Source: Hanna et al. 2023 (arXiv 2305.00586), of years that are above and not above.
    ///
    /// Limits: near 1 and −1 it hardly moves, whatever the logits do.
    ProbabilityDifference = "probability-difference", [OtherAnswer] => after.p_answer() - after.p_other();
    /// How likely the whole answer is, token by token.
    ///
    /// Formula: Σ ln P(tᵢ | prompt, t₁ … tᵢ₋₁) over the answer's tokens t, in nats
    ///
    /// Source: the loss that models are trained with, as log-likelihood scoring has it (Gao et al. 2021, lm-evaluation-harness).
    ///
    /// Limits: what is ablated is at positions of the prompt alone. Longer answers are less likely; of several right answers it is
    /// that of the first.
    SequenceLogProbability = "sequence-log-probability", [Sequence] => after.sequence;
    /// The answer's loss.
    ///
    /// Formula: −ln P(r), in nats
    ///
    /// Source: the loss that models are trained with.
    ///
    /// Limits: the few prompts whose answer is lost altogether decide its mean.
    CrossEntropy = "cross-entropy", [] => after.log_total - after.answer.log_sum;
    /// How far the whole next-token distribution goes.
    ///
    /// Formula: Σ P · ln(P / P*), unedited ‖ edited, in nats
    ///
    /// Source: Kullback and Leibler 1951; Conmy et al. 2023 (arXiv 2304.14997) choose circuits by it.
    ///
    /// Limits: it does not say in which direction, nor whether the answer is concerned.
    Kl = "kl", [Divergence] => after.divergence;
}
