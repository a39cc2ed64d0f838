//! What an ablation leaves of the answer: its measures, each in one place. Its runs are read whole: any may take from every logit.

use super::table::measures;

measures! {
    /// What is left of the answer r: L its logit, P its probability, P* after the ablation, NL = logit(r) / largest logit (paper §3).
    AblationMeasure(whole, empty, after);

    /// What a circuit keeps of the model's answer: 0 as with everything ablated, 1 as with nothing.
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
    Logit = "logit", [] => after.answer;
    /// The answer's probability.
    ///
    /// Formula: P(r) = exp L(r) / Σ exp L
    ///
    /// Source: the model's own output.
    ///
    /// Limits: near 0 and 1 it hardly moves, whatever the logits do.
    Probability = "probability", [] => after.p_answer();
    /// The answer's loss.
    ///
    /// Formula: −ln P(r), in nats
    ///
    /// Source: the loss that models are trained with.
    ///
    /// Limits: a mean of it is that of the few prompts whose answer is lost altogether.
    CrossEntropy = "cross-entropy", [] => after.log_total - after.answer;
    /// How far the whole next-token distribution goes.
    ///
    /// Formula: Σ P · ln(P / P*), unedited ‖ edited, in nats
    ///
    /// Source: Kullback and Leibler 1951; Conmy et al. 2023 (arXiv 2304.14997) choose circuits by it.
    ///
    /// Limits: it does not say in which direction, nor whether the answer is concerned.
    Kl = "kl", [Divergence] => after.divergence;
    /// Whether the arg-max is r.
    ///
    /// Formula: 1 if argmax P* = r, else 0
    ///
    /// Source: paper §4.2.
    ///
    /// Limits: it sees nothing of what does not change the arg-max.
    Accuracy = "accuracy", [] => after.accuracy();
}
