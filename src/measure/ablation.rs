//! What an ablation leaves of the answer: its measures, each in one place. Its runs are read whole: any may take from every logit.

use super::table::measures;

measures! {
    /// What is left of the answer r: L its logit, P its probability, P* after the ablation, NL = logit(r) / largest logit (paper §3).
    /// Of several right answers P is the sum, L the mean.
    AblationMeasure(whole, empty, after);

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
    /// The answer's logit as a share of the largest.
    ///
    /// Formula: NL = L(r) / max L
    ///
    /// Source: paper §3.
    ///
    /// Limits: it depends on where the logits' zero is: on `model.processing.center_unembed`.
    NormalizedLogit = "normalized-logit", [] => after.normalized_logit();
    /// The answer's logit.
    ///
    /// Formula: L(r)
    ///
    /// Source: the model's own output.
    ///
    /// Limits: all logits may rise or fall together, which changes no answer.
    Logit = "logit", [] => after.answer.mean;
    /// The answer's probability.
    ///
    /// Formula: P(r) = exp L(r) / Σ exp L
    ///
    /// Source: the model's own output.
    ///
    /// Limits: near 0 and 1 it hardly moves, whatever the logits do.
    Probability = "probability", [] => after.p_answer();
    /// The right answers' probability minus the wrong ones'.
    ///
    /// Formula: Σ P(r) over the right answers − Σ P(r') over the wrong ones
    ///
    /// Source: Hanna et al. 2023 (arXiv 2305.00586), of years that are above and not above.
    ///
    /// Limits: near 1 and −1 it hardly moves, whatever the logits do.
    ProbabilityDifference = "probability-difference", [OtherAnswer] => after.p_answer() - after.p_other();
    /// The answer's logit minus that of a wrong answer.
    ///
    /// Formula: L(r) − L(r'), of several answers mean L over the right ones − mean L over the wrong ones
    ///
    /// Source: Wang et al. 2023 (arXiv 2211.00593).
    ///
    /// Limits: it does not see a third answer rise above both.
    LogitDifference = "logit-difference", [OtherAnswer] => after.difference();
    /// How many tokens have a larger logit than the answer: 0 where it is the arg-max.
    ///
    /// Formula: |{ t : L(t) > L(r) }|, of several right answers that of the largest
    ///
    /// Source: the model's own output.
    ///
    /// Limits: the few prompts whose answer is far down decide its mean.
    Rank = "rank", [Rank] => after.rank;
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
    /// Whether the arg-max is r, or one of several right answers.
    ///
    /// Formula: 1 if argmax P* = r, else 0
    ///
    /// Source: paper §4.2.
    ///
    /// Limits: it misses every change that leaves the arg-max as it is.
    Accuracy = "accuracy", [] => after.accuracy();
}
