//! What an intervention did to the answer: its measures, each in one place.

use super::reading::Reading;
use super::table::measures;

measures! {
    /// What an intervention does to the answer. r is the answer of the run that is edited, r' that of the run the values come
    /// from; P and L are probability and logit before, P* and L* after the edit. Of several answers P is the sum, L the mean.
    EffectMeasure(before, after, source);

    /// How far probability moves from the right answer r to the wrong answer r': the paper's effect E.
    ///
    /// Formula: E = ½ · [ (P*(r') − P(r')) / P(r') + (P(r) − P*(r)) / P*(r) ]
    ///
    /// Source: paper §2.1, eq. 1; Stolfo et al. 2023 (arXiv 2305.15054).
    ///
    /// Limits: unbounded above: if a model is so sure that P*(r) falls to 1e-9, a few prompts decide the mean. Show
    /// `log1p(mean)`, or take `log-indirect-effect`.
    IndirectEffect = "indirect-effect", [OtherAnswer, Distribution] => indirect_effect(before, after);
    /// The logarithm of one plus the indirect effect of each prompt.
    ///
    /// Formula: ln(1 + E)
    ///
    /// Source: the paper's figures show log(1 + mean E); this is the mean of logarithms.
    ///
    /// Limits: where an edit makes the answer much surer, E nears −1 and its logarithm falls without bound.
    LogIndirectEffect = "log-indirect-effect", [OtherAnswer, Distribution] => indirect_effect(before, after).ln_1p();
    /// The indirect effect on logits instead of probabilities.
    ///
    /// Formula: ½ · [ (L*(r') − L(r')) / L(r') + (L(r) − L*(r)) / L*(r) ], L the logit
    ///
    /// Source: eq. 1 of the paper, with logits.
    ///
    /// Limits: a ratio of logits depends on where their zero is: on `model.processing.center_unembed`.
    IndirectEffectLogits = "indirect-effect-logits", [OtherAnswer] => {
        indirect((before.answer.mean, after.answer.mean), (before.other.mean, after.other.mean))
    };
    /// The answer's logit minus the other answer's, after the edit.
    ///
    /// Formula: L*(r) − L*(r'), of several answers mean L* over the right ones − mean L* over the wrong ones
    ///
    /// Source: Wang et al. 2023 (arXiv 2211.00593); Zhang and Nanda 2024 (arXiv 2309.16042).
    ///
    /// Limits: it does not see a third answer rise above both. Of several answers an unlikely one counts as much as a likely one.
    LogitDifference = "logit-difference", [OtherAnswer, Falls] => after.difference();
    /// The change of the logit difference, as a share of the difference between the two runs.
    ///
    /// Formula: (D* − D) / (D' − D), D = L(r) − L(r') of the run as it is, D* edited, D' of the other run: 0 as unedited, 1 as the other run
    ///
    /// Source: Wang et al. 2023 (arXiv 2211.00593); Zhang and Nanda 2024 (arXiv 2309.16042).
    ///
    /// Limits: if the runs of a pair hardly differ, the denominator is near 0, and a few such pairs decide the mean.
    NormalizedLogitDifference = "normalized-logit-difference", [OtherAnswer, OtherRun] => {
        (after.difference() - before.difference()) / (source.difference() - before.difference())
    };
    /// The right answers' probability minus the wrong ones', after the edit.
    ///
    /// Formula: Σ P*(r) over the right answers − Σ P*(r') over the wrong ones
    ///
    /// Source: Hanna et al. 2023 (arXiv 2305.00586), of years that are above and not above.
    ///
    /// Limits: near 1 and −1 it hardly moves, whatever the logits do.
    ProbabilityDifference = "probability-difference", [OtherAnswer, Distribution, Falls] => {
        after.p_answer() - after.p_other()
    };
    /// The answer's probability after the edit.
    ///
    /// Formula: P*(r), of several right answers the sum
    ///
    /// Source: the model's own output.
    ///
    /// Limits: near 0 and 1 it hardly moves, whatever the logits do.
    Probability = "probability", [Distribution, Falls] => after.p_answer();
    /// How many tokens have a larger logit than the answer, after the edit: 0 where it is the arg-max.
    ///
    /// Formula: |{ t : L*(t) > L*(r) }|, of several right answers that of the largest
    ///
    /// Source: the model's own output.
    ///
    /// Limits: the few prompts whose answer is far down decide its mean.
    Rank = "rank", [Distribution, Rank] => after.rank;
    /// How likely the whole answer is after the edit, token by token.
    ///
    /// Formula: Σ ln P*(tᵢ | prompt, t₁ … tᵢ₋₁) over the answer's tokens t, in nats
    ///
    /// Source: the loss that models are trained with, as log-likelihood scoring has it (Gao et al. 2021, lm-evaluation-harness).
    ///
    /// Limits: edits are at positions of the prompt alone. Longer answers are less likely; of several right answers it is that of
    /// the first.
    SequenceLogProbability = "sequence-log-probability", [Distribution, Sequence, Falls] => after.sequence;
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
    Accuracy = "accuracy", [Distribution, Falls] => after.accuracy();
}

fn indirect_effect(before: &Reading, after: &Reading) -> f64 {
    indirect((before.p_answer(), after.p_answer()), (before.p_other(), after.p_other()))
}

/// Equation 1, of r and of r' before and after the edit.
fn indirect(r: (f64, f64), other: (f64, f64)) -> f64 {
    0.5 * ((other.1 - other.0) / other.0 + (r.0 - r.1) / r.1)
}
